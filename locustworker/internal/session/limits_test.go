package session

import (
	"cmp"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// classes are n classes with a user each.
func classes(n int) map[string]int {
	target := make(map[string]int, n)
	for i := range n {
		target[fmt.Sprint("Class", i)] = 1
	}
	return target
}

func TestSpawnsThatAreRefused(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	tests := []struct {
		name    string
		targets []map[string]int
		want    string // in the log; "": nothing is refused
		users   int    // afterwards
		limit   int    // of users; 0: 500
	}{
		{"as many users as allowed", []map[string]int{{"Shop": 500}}, "", 500, 0},
		{"one more", []map[string]int{{"Shop": 501}}, "501 users would run, and this worker runs 500 at most", 0, 0},
		{"one more on top", []map[string]int{{"Shop": 5}, {"Shop": 501}}, "501 users", 5, 0},
		{"one more of several", []map[string]int{{"Shop": 500}, {"Other": 1}}, "501 users", 500, 0},
		{"instead of others", []map[string]int{{"Shop": 500}, {"Shop": 1, "Other": 499}}, "", 1, 0},
		{"a thousand million users", []map[string]int{{"Shop": 1_000_000_000}}, "1000000000 users", 0, 0},
		{"as many classes as allowed", []map[string]int{classes(MaxClasses)}, "", 0, MaxClasses},
		{"a hundred thousand classes", []map[string]int{classes(100_000)}, "100000 names of the kind", 0, 0},
		{"more classes with each message", []map[string]int{classes(MaxClasses), {"Shop": 1}}, "name 1001 classes", 0, 2000},
		{"a long name", []map[string]int{{long: 1}}, "has 1025 bytes", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, Config{MaxUsers: cmp.Or(tt.limit, 500)}, authors{}, func(r *rig) {
				for i, target := range tt.targets {
					r.hear(wire.Spawn{Timestamp: float64(i + 1), UserClassesCount: target})
				}
				synctest.Wait()
				if _, users := r.fleet.Counts(); users != tt.users {
					t.Errorf("%d users, want %d", users, tt.users)
				}
				if (r.refused > 0) != (tt.want != "") || tt.want != "" && r.log.count(tt.want) != 1 {
					t.Errorf("%d refusals; want one with %q", r.refused, tt.want)
				}
			})
		})
	}
}

func TestUpdatesThatAreRefused(t *testing.T) {
	many := make([]string, MaxTasks+1)
	attributes := make(map[string]any)
	for i := range many {
		attributes[fmt.Sprint(i)] = i
	}
	long := strings.Repeat("x", MaxName+1)
	for name, m := range map[string]wire.UpdateUserClass{
		"class":          {Class: long},
		"tasks":          {Class: "Shop", Tasks: many, HasTasks: true},
		"task":           {Class: "Shop", Tasks: []string{long}, HasTasks: true},
		"attributes":     {Class: "Shop", Attributes: attributes},
		"attribute name": {Class: "Shop", Attributes: map[string]any{long: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, Config{}, authors{}, func(r *rig) {
				r.hear(wire.UpdateUserClass{Class: "Shop", Tasks: many[1:], HasTasks: true})
				if r.refused != 0 || r.fleet.updates != 1 {
					t.Errorf("%d refusals, %d updates of one within the limits", r.refused, r.fleet.updates)
				}
				r.hear(m)
				if r.refused != 1 || r.fleet.updates != 1 {
					t.Errorf("%d refusals, %d updates", r.refused, r.fleet.updates)
				}
			})
		})
	}
}

// TestFloodsTakeBoundedMemory sends messages without end while something does not
// return.
func TestFloodsTakeBoundedMemory(t *testing.T) {
	const size = 16 << 10
	spawn := func(i int) wire.Inbound {
		return wire.Spawn{Timestamp: float64(i + 2), UserClassesCount: map[string]int{"Shop": 1}, ParsedOptions: map[string]any{"x": make([]byte, size)}}
	}
	custom := func(int) wire.Inbound { return wire.Custom{Type: "go", Data: make([]byte, size)} }
	hang := func() { time.Sleep(time.Hour) }
	tests := []struct {
		name    string
		a       authors
		prepare func(r *rig)
		message func(i int) wire.Inbound
		want    string
	}{
		{"custom messages", authors{message: hang}, nil, custom, "refused a custom message: too many have come before it whose handlers have not returned: go"},
		{"concurrent ones", authors{message: hang, concurrent: true}, nil, custom, "refused a custom message"},
		{"spawns behind a handler", authors{message: hang}, func(r *rig) { r.hear(wire.Custom{Type: "go"}) }, spawn, "refused a spawn or stop message: 1000 of them wait for message handlers already"},
		{"spawns in a stop", authors{}, func(r *rig) {
			r.stopsTake(time.Hour)
			r.spawn(1, 0)
			r.hear(wire.Stop{})
		}, spawn, "refused a spawn or stop message: 1000 messages wait for the end of the last run already"},
		{"stops in a stop", authors{}, func(r *rig) {
			r.stopsTake(time.Hour)
			r.spawn(1, 0)
			r.hear(wire.Stop{})
		}, func(int) wire.Inbound { return wire.Stop{} }, "refused a spawn or stop message"},
		{"events", authors{beat: hang}, nil, nil, "heartbeat_received: 10000 calls wait for those of heartbeat_received"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, Config{}, tt.a, func(r *rig) {
				if tt.prepare != nil {
					tt.prepare(r)
				}
				flood(r, 12_000, size, tt.message)
				if r.log.count(tt.want) == 0 {
					t.Errorf("the log does not say %q", tt.want)
				}
				if r.refused > 5 {
					t.Errorf("%d reports of one kind at one time", r.refused)
				}
				r.end()
				<-r.ended
				time.Sleep(2 * time.Hour) // until those that hang have returned
			})
		})
	}
}

// flood gives the session n messages that say they are as long as size, and fails the
// test when they take more memory than the limits allow.
func flood(r *rig, n, size int, message func(i int) wire.Inbound) {
	r.t.Helper()
	before := heap()
	for i := range n {
		r.link.cfg.Post(func() {
			r.link.change(func() { r.link.lastSign = time.Now() })
			if message == nil {
				r.link.cfg.Answered()
			} else {
				r.link.cfg.Received(wire.Envelope{Body: message(i), Size: size})
			}
		})
	}
	synctest.Wait()
	const limit = maxPutOffBytes + maxCallBytes + 64<<20
	if took := heap() - before; took > limit {
		r.t.Errorf("%d messages of %d bytes take %d MiB; the limit is %d", n, size, took>>20, limit>>20)
	}
}

// heap returns the bytes on the heap that are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What waits is done when it can be, and then there is room again.
func TestRefusalsEnd(t *testing.T) {
	var done atomic.Int64
	run(t, Config{}, authors{message: func() { time.Sleep(time.Millisecond); done.Add(1) }}, func(r *rig) {
		for range 2 {
			before := done.Load()
			for range maxCalls + 10 {
				r.link.cfg.Post(func() { r.link.cfg.Received(wire.Envelope{Body: wire.Custom{Type: "go"}, Size: 100}) })
			}
			synctest.Wait()
			r.spawn(1, 0) // waits for them, or is refused too: there is no place left
			time.Sleep(30 * time.Second)
			if n := done.Load() - before; n != maxCalls {
				t.Errorf("%d messages were handled, want %d", n, maxCalls)
			}
		}
		r.spawn(3, 0)
		if _, users := r.fleet.Counts(); users != 3 {
			t.Errorf("%d users after all", users)
		}
		if r.log.count("(9 more since the last report)") == 0 {
			t.Error("the second report does not say how many were refused since the first")
		}
	})
}

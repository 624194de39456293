package locustworker

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/session"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A master that asks for what a worker cannot do: the worker refuses it, says why on the
// master's page, and works on. The memory is that of the whole process, which includes
// the master and what it sends.
func TestAHostileMasterIsRefused(t *testing.T) {
	million := make(map[string]any, 250_000)
	for i := range 250_000 { // two values each; a frame holds 1,048,576
		million[fmt.Sprint("Class", i)] = 1
	}
	tests := []struct {
		name string
		do   func(s *stage, id string)
		want string // among the exceptions
	}{
		{"a thousand million users", func(s *stage, id string) {
			s.master.Spawn(id, map[string]int{"Scripted": 1_000_000_000})
		}, "1000000000 users would run, and this worker runs 1000000 at most (Config.MaxUsers)"},
		{"many classes", func(s *stage, id string) {
			s.master.Spawn(id, nil, mastertest.Field("user_classes_count", million))
		}, `it has 250000 names of the kind "class", and the limit is 1000`},
		{"a long update", func(s *stage, id string) {
			s.master.SendCustom(id, "update_user_class", map[string]any{"user_class_name": strings.Repeat("x", 1<<20)})
		}, "the name of a class has 1048576 bytes, and the limit is 1024"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			perform(t, play{}, func(s *stage) {
				id := s.id()
				s.spawned(map[string]int{"Scripted": 5})
				before := inUse()
				for range 3 {
					tt.do(s, id)
				}
				synctest.Wait()
				if took := inUse() - before; took > 256<<20 {
					t.Errorf("the worker took %d MiB", took>>20)
				}
				said := s.master.OfType("exception")
				if len(said) != 1 || !strings.Contains(fmt.Sprint(said[0].Field("msg")), tt.want) {
					t.Errorf("the master's page has %v; want one exception with %q", said, tt.want)
				}
				if users := s.worker.Snapshot().Users["Scripted"]; users != 5 {
					t.Errorf("%d users, want the 5 from before", users)
				}
			})
		})
	}
}

// inUse returns the bytes on the heap that are in use.
func inUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A class for names that nobody declares takes a bounded number of names.
func TestOtherClassesAreBounded(t *testing.T) {
	perform(t, play{cfg: Config{OtherClasses: idle("Any")}}, func(s *stage) {
		id := s.id()
		for i := range session.MaxClasses + 500 {
			s.master.SendCustom(id, "update_user_class", map[string]any{"user_class_name": fmt.Sprint("Class", i)})
		}
		synctest.Wait()
		users := s.worker.users.Load()
		if n := len(users.all()); n != session.MaxClasses+1 { // those declared do not count
			t.Errorf("%d classes", n)
		}
		if got := s.logged("the master edits a class that this worker does not have"); got != 500 {
			t.Errorf("%d lines say that a class is not there", got)
		}
	})
}

// oddValues are what FuzzHostileMaster puts into any field of any message.
var oddValues = []any{
	nil, true, false, 0, 1, -1, 7, math.MaxInt32, math.MinInt64, uint64(math.MaxUint64), 0.5, 1e-300, 1e300,
	"", "Scripted", "run", "Nobody", "\x00\n", "http://h", strings.Repeat("x", 2000),
	[]byte{0xff},
	[]any{},
	[]any{"run", 1, nil},
	[]any{"run"},
	map[string]any{},
	map[string]any{"Scripted": 3},
	map[string]any{"Scripted": -1, "Nobody": 5},
	map[string]any{"Scripted": 1.5},
	map[string]any{"Scripted": nil},
	map[int]any{1: 2},
	map[string]any{"Scripted": 1_000_000_000},
	map[string]any{"tags": 5, "host": []any{1}},
	time.Unix(0, 0).UTC(),
	map[string]any{"index": -5},
	[]any{[]any{[]any{}}},
	map[string]any{"": 0},
}

// messageFields are the fields of the messages of a master; those without fields have
// data of any kind.
var messageFields = []struct {
	typ    string
	fields []string
}{
	{"spawn", []string{"timestamp", "user_classes_count", "host", "stop_timeout", "parsed_options"}},
	{"stop", nil},
	{"ack", []string{"index"}},
	{"heartbeat", nil},
	{"update_user_class", []string{"user_class_name", "tasks", "host", "weight", "other"}},
	{"spawning_complete", []string{"user_count"}},
	{"reconnect", nil},
	{"custom", nil},
	{"slow", nil},
	{"unheard", nil},
	{"client_ready", nil},
	{"", nil},
	{"quit", nil},
}

// FuzzHostileMaster sends a worker messages of every kind with values of every kind, in
// every state. Each byte of the script is a choice: a message, whether it is as it
// should be, its values, the time until the next one. At the end the worker stops its
// users, and all samples are accounted for.
func FuzzHostileMaster(f *testing.F) {
	for i := range messageFields {
		f.Add([]byte{byte(i), 0, 0})
		for v := range oddValues {
			f.Add([]byte{0, 0, 1, byte(i), 1, byte(v), byte(v), byte(v), byte(v), byte(v), 2, 1, 0, 3})
		}
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 200 {
			return
		}
		handler := func(d time.Duration) MessageHandler {
			return MessageHandler{Handle: func(*Environment, Message) error { time.Sleep(d); return nil }}
		}
		cfg := Config{MaxUsers: 50, Messages: map[string]MessageHandler{"custom": handler(0), "slow": handler(3 * time.Second)}}
		onStage(t, cfg, scripted{}, func(s *stage) {
			s.lossy = true
			id := s.id()
			act(s, id, script)
		}, mastertest.Lenient())
	})
}

// act plays a script of FuzzHostileMaster.
func act(s *stage, id string, script []byte) {
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return int(b)
	}
	good := map[string]any{
		"user_classes_count": map[string]any{"Scripted": 4}, "stop_timeout": 0.5, "user_class_name": "Scripted", "tasks": []any{"run"}, "user_count": 4, "index": 1,
	}
	for len(script) > 0 {
		m := messageFields[next()%len(messageFields)]
		odd := next()
		var data any = map[string]any{}
		if m.fields == nil && odd%2 == 1 {
			data = oddValues[next()%len(oddValues)]
		}
		for i, name := range m.fields {
			value := good[name]
			if name == "timestamp" {
				value = float64(time.Now().UnixNano()) / 1e9
			}
			if odd>>i&1 == 1 {
				value = oddValues[next()%len(oddValues)]
			}
			data.(map[string]any)[name] = value
		}
		synctest.Wait()
		select {
		case <-s.ended:
			return
		default:
		}
		if s.master.Connections(id) == 0 || !s.master.Knows(id) {
			time.Sleep(time.Second)
			continue
		}
		s.master.SendCustom(id, m.typ, data)
		if wait := next() % 4; wait > 0 {
			time.Sleep(time.Duration(wait*wait) * 300 * time.Millisecond)
		}
	}
}

package uplink

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An owner is the goroutine that an uplink belongs to. It registers whenever the
// master does not know the worker.
type owner struct {
	t      *testing.T
	master *mastertest.Master
	link   *Uplink
	inbox  chan func()
	ended  chan struct{}
	log    *logText

	// Only touched in the owner's goroutine.
	news     []Registration
	unknown  int
	received []string
	lost     int64
}

// A logText collects log lines. It is safe for concurrent use.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// newOwner starts an uplink to the master. dial is nil for TCP.
func newOwner(t *testing.T, m *mastertest.Master, dial DialFunc) *owner {
	t.Helper()
	o := &owner{t: t, master: m, inbox: make(chan func()), ended: make(chan struct{}), log: &logText{}}
	post := func(f func()) {
		select {
		case o.inbox <- f:
		case <-o.ended:
		}
	}
	o.link = New(Config{
		Addr: m.Addr(), Dial: dial, Log: slog.New(slog.NewTextHandler(o.log, nil)), Post: post,
		Heartbeat:  func() wire.Heartbeat { return wire.Heartbeat{State: wire.StateReady} },
		Users:      func() (map[string]int, int) { return map[string]int{"Shop": 2}, 2 },
		Acked:      func(int) {},
		Registered: func(r Registration) { o.news = append(o.news, r) },
		Unknown: func() {
			o.unknown++
			o.link.Rejoin()
		},
		Answered: func() {},
		Received: func(e wire.Envelope) { o.received = append(o.received, e.Type) },
		Renamed:  func(string) {},
		Lost:     func(n int64) { o.lost += n },
	})
	ctx, end := context.WithCancel(context.Background())
	o.link.Start(ctx)
	quit := make(chan struct{})
	go func() {
		defer close(o.ended)
		checks := time.NewTicker(time.Second)
		defer checks.Stop()
		for {
			select {
			case f := <-o.inbox:
				f()
			case now := <-checks.C:
				o.link.Check(now)
			case <-quit:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(quit)
		<-o.ended
		o.link.Close()
		end()
		o.link.Wait()
		if t.Failed() {
			t.Logf("the log:\n%s\nwhat the master got:\n%s", o.log.b.String(), m)
		}
	})
	return o
}

// inMemory runs a test with a master in memory, in fake time.
func inMemory(t *testing.T, test func(*owner), opts ...mastertest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := mastertest.NewInMemory(t, opts...)
		o := newOwner(t, m, func(ctx context.Context, addr, identity string) (Conn, error) {
			c, err := m.Dial(ctx, addr, identity)
			if err != nil {
				return nil, err
			}
			return c, nil
		})
		test(o)
	})
}

// do calls f in the owner's goroutine and waits for it.
func (o *owner) do(f func()) {
	done := make(chan struct{})
	o.inbox <- func() {
		defer close(done)
		f()
	}
	<-done
}

// get returns what f does in the owner's goroutine.
func get[T any](o *owner, f func() T) (v T) {
	o.do(func() { v = f() })
	return v
}

func (o *owner) state() State { return get(o, o.link.State) }

// report sends so many samples, and that of a listener.
func (o *owner) report(samples int, extra map[string]any) {
	o.t.Helper()
	store := stats.New(stats.Config{})
	for range samples {
		store.Record(0, stats.Sample{Method: "GET", Name: "/", ResponseTime: time.Millisecond})
	}
	kept, err := wire.EncodeExtra(extra)
	if err != nil {
		o.t.Fatal(err)
	}
	o.do(func() { o.link.Report(store.Take(), kept) })
}

// wantTotal fails unless the master has so many samples, all proven.
func (o *owner) wantTotal(want int64) {
	o.t.Helper()
	if got := o.master.Totals().All.Requests; got != want {
		o.t.Errorf("the master has %d samples; want %d", got, want)
	}
	confirmed := get(o, o.link.Confirmed)
	open := get(o, func() int64 { n, _ := o.link.Open(); return n })
	if confirmed != want || open != 0 {
		o.t.Errorf("%d samples confirmed, %d open; want %d, 0", confirmed, open, want)
	}
}

package fleet

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A worker is a member of the tests: it does what its functions say and checks that
// the fleet keeps its promises to it.
type worker struct {
	Member
	lab    *lab
	id     int64
	steps  int
	inStep atomic.Bool
	ended  bool
	kills  atomic.Int64
	killed chan struct{}
	once   sync.Once
}

// A lab is a fleet of workers in one group, "a", with what all of them do.
type lab struct {
	t     *testing.T
	fleet *Fleet
	step  func(w *worker) (time.Duration, bool)

	mu      sync.Mutex
	start   time.Time
	workers []*worker
	late    []time.Duration
}

func newLab(ctx context.Context, t *testing.T, step func(w *worker) (time.Duration, bool)) *lab {
	l := &lab{t: t, step: step, start: time.Now()}
	l.fleet = New(ctx, Config{Log: slog.New(slog.DiscardHandler), Grace: time.Second})
	l.fleet.Add("a", l.newMember)
	return l
}

func (l *lab) newMember(id int64) *Member {
	w := &worker{lab: l, id: id, killed: make(chan struct{})}
	w.Init(w)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers = append(l.workers, w)
	return &w.Member
}

// Step implements Work. A worker that is asked to stop ends.
func (w *worker) Step() (time.Duration, bool) {
	if !w.inStep.CompareAndSwap(false, true) {
		w.lab.t.Error("two Steps of one member at a time")
	}
	defer w.inStep.Store(false)
	if w.ended {
		w.lab.t.Error("a Step after the last")
	}
	if w.Stopping() {
		w.ended = true
		return 0, true
	}
	w.steps++
	wait, done := w.lab.step(w)
	w.ended = done
	return wait, done
}

func (w *worker) Woke(late time.Duration) {
	w.lab.mu.Lock()
	defer w.lab.mu.Unlock()
	w.lab.late = append(w.lab.late, late)
}

func (w *worker) Kill() {
	w.kills.Add(1)
	w.once.Do(func() { close(w.killed) })
}

// sleep is work that a kill ends early.
func (w *worker) sleep(d time.Duration) {
	select {
	case <-time.After(d):
	case <-w.killed:
	}
}

func (l *lab) spawn(n int) { l.fleet.Spawn(l.t.Context(), map[string]int{"a": n}, 0) }

func (l *lab) count(want int) {
	l.t.Helper()
	byGroup, n := l.fleet.Counts()
	if n != want || byGroup["a"] != want {
		l.t.Errorf("%d members alive (%v), want %d", n, byGroup, want)
	}
}

// took checks the time since the last call, or since the start.
func (l *lab) took(what string, want time.Duration) {
	l.t.Helper()
	if d := time.Since(l.start); d != want {
		l.t.Errorf("%s after %v, want %v", what, d, want)
	}
	l.start = time.Now()
}

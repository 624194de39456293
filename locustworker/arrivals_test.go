package locustworker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A caller is a visitor of the tests: it takes a time for its request, which a stop
// cuts, and counts what it does.
type caller struct {
	u     *User
	tally *callTally
}

type callTally struct {
	takes              func(n int64) time.Duration // of the n-th task
	tasks, served, cut atomic.Int64
	starts, stops      atomic.Int64
	onStart            time.Duration
	failStart          error
	mu                 sync.Mutex
	began              []time.Duration
	start              time.Time
}

func (c *caller) OnStart(ctx context.Context) error {
	c.tally.starts.Add(1)
	if c.tally.onStart > 0 {
		time.Sleep(c.tally.onStart)
	}
	return c.tally.failStart
}

func (c *caller) OnStop(context.Context) error { c.tally.stops.Add(1); return nil }

func (c *caller) call(ctx context.Context) error {
	n := c.tally.tasks.Add(1)
	c.tally.mu.Lock()
	c.tally.began = append(c.tally.began, time.Since(c.tally.start))
	c.tally.mu.Unlock()
	c.tally.served.Add(1)
	d := c.tally.takes(n)
	select {
	case <-time.After(d):
		c.u.Record(Sample{Type: "GET", Name: "/", ResponseTime: d})
	case <-ctx.Done():
		c.tally.cut.Add(1)
		c.u.Client().Cut()
	}
	return nil
}

func constantly(d time.Duration) func(int64) time.Duration {
	return func(int64) time.Duration { return d }
}

func (t *callTally) class(how ArrivalConfig) *ClassOf[*caller] {
	t.start = time.Now()
	return NewClass("Caller", func(u *User) (*caller, error) { return &caller{u, t}, nil }).
		ArrivalsWith(how).Task("call", 1, (*caller).call)
}

// runOpen runs a class with arrivals without a master.
func runOpen(t *testing.T, cfg Config, h Headless, tally *callTally, how ArrivalConfig) (*Worker, ArrivalTotals) {
	t.Helper()
	cfg.HideLogs = true
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w, err := New(cfg, tally.class(how))
	if err != nil {
		t.Fatal(err)
	}
	w.nap = nil // fake time
	if h.Stderr == nil {
		h.Stderr = io.Discard
	}
	if _, err = w.RunHeadless(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	totals := w.Snapshot().Arrivals[0]
	if totals.Due != totals.Started+totals.Dropped {
		t.Errorf("%d arrivals due, %d started, %d dropped", totals.Due, totals.Started, totals.Dropped)
	}
	if n := tally.tasks.Load(); n != totals.Started {
		t.Errorf("%d tasks were run; want the %d iterations started", n, totals.Started)
	}
	c := w.Counters()
	if tally.served.Load() != c.Confirmed-totals.Dropped+c.Cut || c.Cut != tally.cut.Load() {
		t.Errorf("%d served; want reported %d - dropped %d + cut %d", tally.served.Load(), c.Confirmed, totals.Dropped, c.Cut)
	}
	if totals.Visitors != 0 {
		t.Errorf("%d visitors are left", totals.Visitors)
	}
	return w, totals
}

// TestUsersAreStreams: 50 users at rate 2 are 100 iterations a second, evenly
// spaced, by one visitor as long as it keeps up.
func TestUsersAreStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{takes: constantly(time.Millisecond)}
		_, totals := runOpen(t, Config{}, Headless{Users: 50, SpawnRate: 50, RunTime: 10 * time.Second}, tally, ArrivalConfig{Rate: 2})
		if totals.Due < 999 || totals.Due > 1001 || totals.Dropped > 0 {
			t.Errorf("%d arrivals in 10 s at 100/s; %d dropped", totals.Due, totals.Dropped)
		}
		for i := 1; i < len(tally.began); i++ {
			if gap := tally.began[i] - tally.began[i-1]; (gap - 10*time.Millisecond).Abs() > time.Microsecond {
				t.Fatalf("iteration %d began %v after the one before", i, gap)
			}
		}
		if tally.starts.Load() != 1 || tally.stops.Load() != 1 {
			t.Errorf("%d visitors began and %d ended; want 1", tally.starts.Load(), tally.stops.Load())
		}
	})
}

// TestAHangDropsNothingAndIsSeen: arrivals go on while the target hangs.
func TestAHangDropsNothingAndIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{}
		tally.takes = func(int64) time.Duration {
			if at := time.Since(tally.start); at > 5*time.Second && at < 7*time.Second {
				return 7*time.Second - at
			}
			return time.Millisecond
		}
		_, totals := runOpen(t, Config{StopTimeout: time.Second}, Headless{RunTime: 10 * time.Second}, tally, ArrivalConfig{Rate: 100})
		if totals.Dropped > 0 || totals.Started < 999 {
			t.Errorf("%+v", totals)
		}
		if n := tally.starts.Load(); n < 190 || n > 210 {
			t.Errorf("%d visitors; want the 200 that the hang keeps busy", n)
		}
	})
}

func TestArrivalsBeyondMaxInFlightAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{takes: constantly(time.Second)}
		var log logText
		cfg := Config{StopTimeout: 2 * time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		how := ArrivalConfig{Rate: 10, MaxInFlight: 5}
		w, totals := runOpen(t, cfg, Headless{RunTime: 9500 * time.Millisecond}, tally, how)
		if totals.Due < 95 || totals.Due > 96 || totals.Started < 45 || totals.Started > 50 {
			t.Errorf("%+v", totals)
		}
		rows := w.Snapshot().Rows
		if len(rows) != 2 || rows[1].Type != DroppedType || rows[1].Requests != totals.Dropped || rows[1].Failures != 0 || rows[1].Times.Count != 0 {
			t.Errorf("rows %+v; want %d dropped", rows, totals.Dropped)
		}
		if !strings.Contains(log.String(), "arrivals are dropped, because all visitors are busy") {
			t.Errorf("log: %s", log.String())
		}
	})
}

func TestDroppedArrivalsCanBeFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{takes: constantly(time.Minute)}
		var out strings.Builder
		how := ArrivalConfig{Rate: 10, MaxInFlight: 1, FailDropped: true}
		h := Headless{RunTime: 2 * time.Second, Stderr: &out, Thresholds: []string{"dropped < 5", "name:Caller: dropped > 5"}}
		w, totals := runOpen(t, Config{DrainTimeout: time.Second}, h, tally, how)
		for _, row := range w.Snapshot().Rows {
			if row.Type == DroppedType && (row.Failures != totals.Dropped || row.Requests != totals.Dropped) {
				t.Errorf("%+v; want %d failures", row, totals.Dropped)
			}
		}
		if w.Counters().Cut != 1 || !strings.Contains(out.String(), "BREACHED  dropped < 5 ") || !strings.Contains(out.String(), "held      name:Caller") {
			t.Errorf("%+v\n%s", w.Counters(), out.String())
		}
	})
}

func TestFreshVisitors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{takes: constantly(time.Millisecond)}
		_, totals := runOpen(t, Config{}, Headless{RunTime: 2 * time.Second}, tally, ArrivalConfig{Rate: 10, Fresh: true})
		if n := tally.starts.Load(); n != totals.Started || tally.stops.Load() != n || n < 19 {
			t.Errorf("%d visitors began, %d ended, for %d iterations", n, tally.stops.Load(), totals.Started)
		}
	})
}

func TestAFailingOnStartDropsTheArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{takes: constantly(time.Millisecond), failStart: errors.New("no login")}
		_, totals := runOpen(t, Config{}, Headless{RunTime: 2 * time.Second}, tally, ArrivalConfig{Rate: 10})
		if totals.Started != 0 || totals.Dropped != tally.starts.Load() || totals.Dropped < 19 {
			t.Errorf("%+v, %d starts", totals, tally.starts.Load())
		}
	})
}

// TestTheFirstRequestIsAsLateAsItsIteration with OnStart as what makes it late.
func TestTheFirstRequestIsAsLateAsItsIteration(t *testing.T) {
	for _, from := range []LatencyFrom{"", FromSent} {
		synctest.Test(t, func(t *testing.T) {
			tally := &callTally{takes: constantly(30 * time.Millisecond), onStart: 200 * time.Millisecond}
			var mu sync.Mutex
			var shown []Sample
			cfg := Config{LatencyFrom: from, Events: Events{Request: func(_ *User, s Sample) {
				mu.Lock()
				defer mu.Unlock()
				shown = append(shown, s)
			}}}
			_, totals := runOpen(t, cfg, Headless{RunTime: 3 * time.Second}, tally, ArrivalConfig{Rate: 2})
			want := 230 * time.Millisecond
			if from == FromSent {
				want = 30 * time.Millisecond
			}
			if s := shown[0]; s.Late != 200*time.Millisecond || s.ResponseTime != want {
				t.Errorf("from %q the first request is %+v", from, s)
			}
			if s := shown[1]; s.Late != 0 || s.ResponseTime != 30*time.Millisecond {
				t.Errorf("the second is %+v", s)
			}
			if d := totals.FromIntended.Sum - totals.FromSent.Sum; d != 200*time.Millisecond || totals.Lateness.Sum != d {
				t.Errorf("%+v", totals)
			}
		})
	}
}

func TestArrivalFaults(t *testing.T) {
	for _, how := range []ArrivalConfig{{}, {Rate: -1}, {Rate: 1, MaxInFlight: -1}} {
		tally := &callTally{}
		if _, err := New(Config{}, tally.class(how)); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", how, err)
		}
	}
	if err := (Config{LatencyFrom: "now"}).Validate(); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

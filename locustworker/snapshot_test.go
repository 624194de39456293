package locustworker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// buying is a class whose users record one GET a second, of 5 ms, every third of
// which fails.
func buying(*stage) []Class {
	var n atomic.Int64
	return []Class{idle("Idle"), doing("Buyer", func(d *doer) error {
		s := Sample{Type: "GET", Name: "/item", ResponseTime: 5 * time.Millisecond}
		if n.Add(1)%3 == 0 {
			s.Err = errors.New("sold out")
		}
		d.Record(s)
		return nil
	})}
}

// checkRow fails unless the snapshot has the one row of the class Buyer, after n
// tasks.
func checkRow(t *testing.T, s Snapshot, n int64) {
	t.Helper()
	if len(s.Rows) != 1 {
		t.Fatalf("%d rows: %+v", len(s.Rows), s.Rows)
	}
	r := s.Rows[0]
	want := make([]int64, stats.HistogramBounds+1)
	want[6] = n // above 3.2, up to 6.4 ms
	if r.Type != "GET" || r.Name != "/item" || r.Requests != n || r.Failures != n/3 {
		t.Errorf("the row is %+v; want %d requests", r, n)
	}
	if h := r.Times; h.Count != n || h.Sum != time.Duration(n)*5*time.Millisecond || !slices.Equal(h.Counts, want) ||
		h.Bounds[5] != 3200*time.Microsecond || h.Bounds[6] != 6400*time.Microsecond {
		t.Errorf("the times are %+v; want %d of 5 ms", h, n)
	}
	if c := s.Counters; c.Recorded != n || c.Confirmed+c.Open+c.Discarded != n {
		t.Errorf("counters %+v; want %d recorded", c, n)
	}
}

func TestSnapshotBeforeARun(t *testing.T) {
	w, err := New(Config{Logger: slog.New(slog.DiscardHandler)}, idle("A"), idle("B"))
	if err != nil {
		t.Fatal(err)
	}
	s := w.Snapshot()
	if want := map[string]int{"A": 0, "B": 0}; !maps.Equal(s.Users, want) || s.Link != LinkDown || s.Counters != (Counters{}) || len(s.Rows) != 0 {
		t.Errorf("%+v", s)
	}
}

// TestSnapshotOutlivesRuns: neither reports, nor a new run, nor a reset takes
// anything from the rows.
func TestSnapshotOutlivesRuns(t *testing.T) {
	perform(t, play{classes: buying, cfg: Config{ResetStats: true}}, func(s *stage) {
		for run := int64(1); run <= 2; run++ {
			s.spawned(map[string]int{"Buyer": 3})
			time.Sleep(10*time.Second + 500*time.Millisecond) // tasks at 0, 1 … 10 s
			synctest.Wait()
			now := s.worker.Snapshot()
			checkRow(t, now, run*33)
			if c := now.Counters; c.Confirmed < (run-1)*33+3*8 || c.Open > 3*3 || c != s.worker.Counters() {
				t.Errorf("run %d: counters %+v; %+v without a snapshot", run, c, s.worker.Counters())
			}
			if want := map[string]int{"Buyer": 3, "Idle": 0}; !maps.Equal(now.Users, want) {
				t.Errorf("users %v; want %v", now.Users, want)
			}
			if h := now.Lateness; h.Count != run*30 || h.Counts[0] != run*30 || h.Sum != 0 {
				t.Errorf("lateness %+v; want %d times none", h, run*30)
			}
			s.master.SpawningComplete(s.worker.hooks.env.ClientID(), 3)
			synctest.Wait()
			s.master.Stop(s.worker.hooks.env.ClientID())
			s.master.Expect("client_stopped", "client_ready")
			checkRow(t, s.worker.Snapshot(), run*33)
		}
	})
}

// TestSnapshotWithoutAMaster: what is recorded while the master is away is open.
func TestSnapshotWithoutAMaster(t *testing.T) {
	perform(t, play{classes: buying, lossy: true}, func(s *stage) {
		s.spawned(map[string]int{"Buyer": 1})
		time.Sleep(4*time.Second + 500*time.Millisecond)
		synctest.Wait()
		before := s.worker.Snapshot()
		s.master.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		now := s.worker.Snapshot()
		checkRow(t, now, 15)
		if before.Link != LinkRegistered || now.Link != LinkDown {
			t.Errorf("the link was %v, then %v", before.Link, now.Link)
		}
		if b, n := before.Counters, now.Counters; b.Confirmed == 0 || n.Confirmed < b.Confirmed || n.Open < 10 {
			t.Errorf("counters %+v, then %+v", b, n)
		}
	})
}

func TestSnapshotShowsTheLink(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.running()
		seen := make(map[LinkState]bool)
		s.master.Strand(id) // down, probing, down, probing, down, joining …
		for range 3000 {    // a new identity ends it, after 20 s at most
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			seen[s.worker.Snapshot().Link] = true
		}
		if last := s.worker.Snapshot().Link; last != LinkRegistered {
			t.Errorf("the link is %v in the end", last)
		}
		for _, state := range LinkStates() {
			if !seen[state] {
				t.Errorf("the link was never %v", state)
			}
		}
	})
}

func TestSnapshotCountsConnections(t *testing.T) {
	var closed func()
	perform(t, play{classes: func(*stage) []Class {
		return []Class{NewClass("A", func(u *User) (*doer, error) {
			closed = u.Client().Connected()
			u.Client().Connected()
			return newDoer(u)
		}).Task("do", 1, func(*doer, context.Context) error { return ErrStopUser })}
	}}, func(s *stage) {
		s.spawned(map[string]int{"A": 1})
		synctest.Wait()
		if n := s.worker.Snapshot().Connections; n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		closed()
		closed()
		if n := s.worker.Snapshot().Connections; n != 1 {
			t.Errorf("%d connections after one was closed, want 1", n)
		}
	})
}

// TestAStopIsNotLate: a wait that a stop ends is no late wake.
func TestAStopIsNotLate(t *testing.T) {
	perform(t, play{classes: func(*stage) []Class {
		return []Class{NewClass("A", newDoer).Wait(Constant(10*time.Second)).
			Task("do", 1, func(*doer, context.Context) error { return nil })}
	}}, func(s *stage) {
		s.spawned(map[string]int{"A": 2})
		time.Sleep(15 * time.Second) // in the second wait
		s.master.Stop(s.worker.hooks.env.ClientID())
		s.master.Expect("client_stopped", "client_ready")
		if h := s.worker.Snapshot().Lateness; h.Count != 2 {
			t.Errorf("%d wakes, want 2: %+v", h.Count, h)
		}
	})
}

// TestABusyProcessorMakesUsersLate: users wake in the pauses that others leave
// them, which is as late as the figures say.
func TestABusyProcessorMakesUsersLate(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r := newRecorder(Config{}, &hooks{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newPopulation(ctx, &world{recorder: r, log: slog.New(slog.DiscardHandler)}, []*liveClass{newLiveClass(
		NewClass("A", newDoer).Wait(Constant(time.Millisecond)).Task("do", 1, func(*doer, context.Context) error { return nil }).spec(),
	)})
	var enough atomic.Bool
	var busy sync.WaitGroup
	defer busy.Wait()
	defer enough.Store(true)
	for range 2 {
		busy.Go(func() {
			for !enough.Load() { // gives the processor up only when Go takes it away, after 10 ms
			}
		})
	}
	p.spawn(ctx, map[string]int{"A": 1}, 0)
	within(t, "20 wakes", func() bool { return r.lateness.Histogram().Count() >= 20 })
	p.stopAll(0)
	if h := r.lateness.Histogram(); h.Sum < 20*time.Millisecond {
		t.Errorf("%d wakes were %v late in all", h.Count(), h.Sum)
	}
}

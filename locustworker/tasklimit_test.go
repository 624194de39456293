package locustworker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A pulse notes when tasks begin.
type pulse struct {
	mu    sync.Mutex
	start time.Time
	at    []time.Duration
	users map[int64]int
}

func newPulse() *pulse { return &pulse{start: time.Now(), users: make(map[int64]int)} }

func (p *pulse) beat(u *User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = append(p.at, time.Since(p.start))
	p.users[u.id]++
}

func (p *pulse) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.at)
}

// check fails the test unless tasks began at the rate, and no two nearer than that.
func (p *pulse) check(t *testing.T, rate float64, in time.Duration) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, want := float64(len(p.at)), rate*in.Seconds(); math.Abs(n-want) > 1 {
		t.Errorf("%v tasks in %v; want %v", n, in, want)
	}
	for i := 1; i < len(p.at); i++ {
		if gap := p.at[i] - p.at[i-1]; gap < time.Duration(float64(time.Second)/rate)-time.Microsecond {
			t.Fatalf("tasks %d and %d began %v apart at %v/s", i-1, i, gap, rate)
		}
	}
}

// beaters is a class whose tasks take a time and are noted.
func (p *pulse) beaters(takes time.Duration) *ClassOf[*User] {
	return NewClass("Beater", func(u *User) (*User, error) { return u, nil }).
		Task("beat", 1, func(u *User, ctx context.Context) error {
			p.beat(u)
			select {
			case <-time.After(takes):
			case <-ctx.Done():
			}
			u.Record(Sample{Type: "GET", Name: "/"})
			return nil
		})
}

func runLimited(t *testing.T, cfg Config, h Headless, class Class) *Worker {
	t.Helper()
	cfg.HideLogs, cfg.Logger, h.Stderr = true, slog.New(slog.DiscardHandler), io.Discard
	w, err := New(cfg, class)
	if err != nil {
		t.Fatal(err)
	}
	w.nap = nil // fake time
	if _, err = w.RunHeadless(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestMaxRPS: tasks of all users together, evenly spaced and shared fairly, with and
// without wait times.
func TestMaxRPS(t *testing.T) {
	for _, wait := range []WaitTime{Constant(0), Constant(70 * time.Millisecond), ConstantPacing(300 * time.Millisecond)} {
		synctest.Test(t, func(t *testing.T) {
			p := newPulse()
			runLimited(t, Config{MaxRPS: 40}, Headless{Users: 100, SpawnRate: 100, RunTime: 10 * time.Second}, p.beaters(5*time.Millisecond).Wait(wait))
			p.check(t, 40, 10*time.Second)
			for id, n := range p.users {
				if n < 3 || n > 5 {
					t.Errorf("user %d has run %d tasks of 400 by 100 users", id, n)
				}
			}
		})
	}
}

// TestMaxRPSAboveTheDemand changes nothing.
func TestMaxRPSAboveTheDemand(t *testing.T) {
	counts := map[float64]int{}
	for _, rate := range []float64{0, 1000} {
		synctest.Test(t, func(t *testing.T) {
			p := newPulse()
			runLimited(t, Config{MaxRPS: rate}, Headless{Users: 10, RunTime: 20 * time.Second, SpawnRate: 10}, p.beaters(5*time.Millisecond).Wait(Constant(time.Second)))
			counts[rate] = p.count()
		})
	}
	if counts[0] != counts[1000] || counts[0] < 190 {
		t.Errorf("%d tasks without a limit, %d with one that is not reached", counts[0], counts[1000])
	}
}

// TestMaxRPSCountsTasks: the way into a nested set is none, its tasks are.
func TestMaxRPSCountsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		class := NewClass("Beater", func(u *User) (*User, error) { return u, nil })
		set := NewSet("set", func(u *User) (*User, error) { return u, nil }).
			Task("in", 1, func(u *User, _ context.Context) error {
				p.beat(u)
				if u.Rand().IntN(2) == 0 {
					return ErrInterrupt
				}
				return nil
			})
		runLimited(t, Config{MaxRPS: 20}, Headless{Users: 5, SpawnRate: 5, RunTime: 10 * time.Second}, class.Nest(1, set).Task("out", 1, func(u *User, _ context.Context) error {
			p.beat(u)
			return nil
		}))
		p.check(t, 20, 10*time.Second)
	})
}

// TestUsersThatWaitForTheirTurn own no goroutine, and a stop does not wait for them.
func TestUsersThatWaitForTheirTurn(t *testing.T) {
	for _, stopTimeout := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			p := newPulse()
			before := runtime.NumGoroutine()
			var end time.Time
			cfg := Config{MaxRPS: 0.01, StopTimeout: stopTimeout, Events: Events{
				SpawningComplete: func(*Environment, int) error {
					if n := runtime.NumGoroutine() - before; n > 500 { // executors that have just started users are among them
						t.Errorf("%d goroutines for 2000 users of which one has a permit", n)
					}
					return nil
				},
				TestStopping: func(*Environment) error { end = time.Now(); return nil },
			}}
			runLimited(t, cfg, Headless{Users: 2000, SpawnRate: 2000, RunTime: 10 * time.Second}, p.beaters(time.Millisecond))
			if took := time.Since(end); took > time.Second {
				t.Errorf("the stop took %v", took)
			}
			if n := p.count(); n != 1 {
				t.Errorf("%d tasks in 10 s at 0.01/s", n)
			}
		})
	}
}

// TestFewerUsersLoseNoPermit: users that are taken from the queue leave no gap.
func TestFewerUsersLoseNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		users := shapeFunc(func(m ShapeMoment) (ShapeStage, bool) {
			n := 200 - 4*int(m.RunTime/time.Second)
			return ShapeStage{Users: n, SpawnRate: 200}, m.RunTime < 30*time.Second
		})
		runLimited(t, Config{MaxRPS: 10}, Headless{Shape: users}, p.beaters(time.Millisecond))
		p.check(t, 10, 30*time.Second)
	})
}

type shapeFunc func(ShapeMoment) (ShapeStage, bool)

func (f shapeFunc) Tick(m ShapeMoment) (ShapeStage, bool) { return f(m) }

// TestSetMaxRPS changes the limit while the test runs, and arrivals know none.
func TestSetMaxRPS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		cfg := Config{MaxRPS: 1, Events: Events{SpawningComplete: func(e *Environment, _ int) error {
			time.AfterFunc(5*time.Second, func() {
				if e.SetMaxRPS(-1) == nil || e.SetMaxRPS(math.NaN()) == nil {
					t.Error("a limit of -1 or NaN was accepted")
				}
				if err := e.SetMaxRPS(100); err != nil {
					t.Error(err)
				}
			})
			return nil
		}}}
		runLimited(t, cfg, Headless{Users: 20, SpawnRate: 20, RunTime: 10 * time.Second}, p.beaters(time.Millisecond))
		if n := p.count(); n < 485 || n > 515 {
			t.Errorf("%d tasks in 5 s at 1/s and 5 s at 100/s", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := newPulse()
		runLimited(t, Config{MaxRPS: 1}, Headless{RunTime: 10 * time.Second}, p.beaters(time.Millisecond).Arrivals(50))
		if n := p.count(); n < 499 || n > 501 {
			t.Errorf("%d arrivals in 10 s at 50/s with a limit for closed classes", n)
		}
	})
	for _, rate := range []float64{-1, math.Inf(1), math.NaN()} {
		if err := (Config{MaxRPS: rate}).Validate(); !errors.Is(err, ErrConfig) {
			t.Errorf("%v: %v", rate, err)
		}
	}
}

// TestTheFleetsLimit: a worker takes its part, by the number of workers or of users,
// and the lower of the two limits counts.
func TestTheFleetsLimit(t *testing.T) {
	tests := []struct {
		name      string
		own       float64
		arguments map[string]any
		want      float64 // a second
		warns     string
	}{
		{"by workers", 0, map[string]any{"fleet_rps": 80, "expect_workers": int64(4)}, 20, ""},
		{"by workers, as text", 0, map[string]any{"fleet_rps": "80", "expect_workers": int64(2)}, 40, ""},
		{"by users", 0, map[string]any{"fleet_rps": 80, "num_users": int64(100)}, 8, ""},
		{"neither", 0, map[string]any{"fleet_rps": 30, "expect_workers": int64(1)}, 30, "--expect-workers"},
		{"more users than the master was asked for", 0, map[string]any{"fleet_rps": 30, "num_users": int64(1)}, 30, "--expect-workers"},
		{"the own limit is lower", 5, map[string]any{"fleet_rps": 80, "expect_workers": int64(4)}, 5, ""},
		{"the fleet's limit is lower", 50, map[string]any{"fleet_rps": 80, "expect_workers": int64(4)}, 20, ""},
		{"none", 10, map[string]any{}, 10, ""},
		{"wrong", 10, map[string]any{"fleet_rps": -3}, 10, "no number above 0"},
		{"no number", 10, map[string]any{"fleet_rps": "much"}, 10, "cannot be used"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPulse()
				s := &stage{t: t, master: mastertest.NewInMemory(t), diary: newDiary(), log: &logText{}, ended: make(chan struct{})}
				cfg := Config{MaxRPS: test.own, MaxRPSArgument: "fleet-rps", Seed: 1, Logger: slog.New(slog.NewTextHandler(s.log, nil))}
				s.start(cfg, p.beaters(time.Millisecond))
				id := s.id()
				s.master.Spawn(id, map[string]int{"Beater": 10}, mastertest.Arguments(test.arguments))
				time.Sleep(10 * time.Second)
				synctest.Wait()
				p.check(t, test.want, 10*time.Second)
				if test.warns != "" && !strings.Contains(s.log.String(), test.warns) || test.warns == "" && strings.Contains(s.log.String(), "level=WARN") {
					t.Errorf("log: %s", s.log)
				}
				s.master.Stop(id)
				s.master.WaitFor("client_stopped", time.Minute)
				s.finish()
			})
		})
	}
}

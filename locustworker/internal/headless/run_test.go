package headless

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/dispatch"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
	"github.com/bandwing/bandwing/locustworker/internal/headless/threshold"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// A fakeFleet has users that make a request of 5 ms every 100 ms. Each one in
// failEvery fails.
type fakeFleet struct {
	store     *stats.Store
	failEvery int

	mu     sync.Mutex
	users  map[string][]context.CancelFunc
	steps  []string
	made   int
	living sync.WaitGroup
}

func (f *fakeFleet) Spawn(_ context.Context, target map[string]int, _ time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps = append(f.steps, fmt.Sprint(target))
	for _, name := range slices.Sorted(maps.Keys(target)) {
		for len(f.users[name]) < target[name] {
			ctx, cancel := context.WithCancel(context.Background())
			f.users[name] = append(f.users[name], cancel)
			f.living.Go(func() { f.live(ctx, name) })
		}
		for len(f.users[name]) > target[name] {
			last := len(f.users[name]) - 1
			f.users[name][last]()
			f.users[name] = f.users[name][:last]
		}
	}
}

func (f *fakeFleet) live(ctx context.Context, name string) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
		f.mu.Lock()
		f.made++
		n := f.made
		failed := f.failEvery > 0 && n%f.failEvery == 0
		f.mu.Unlock()
		f.store.Record(uint32(n), stats.Sample{Method: "GET", Name: "/" + name, ResponseTime: 5 * time.Millisecond, Failed: failed, Error: "no"})
	}
}

func (f *fakeFleet) StopAll(timeout time.Duration) {
	f.Spawn(context.Background(), map[string]int{"A": 0, "B": 0}, timeout)
	f.living.Wait()
	f.store.Record(0, stats.Sample{Method: "GET", Name: "/late", NoTime: true})
}

func (f *fakeFleet) Counts() (map[string]int, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byClass, sum := map[string]int{}, 0
	for name, users := range f.users {
		byClass[name] = len(users)
		sum += len(users)
	}
	return byClass, sum
}

// A trial is a run in fake time, with what it shows.
type trial struct {
	cfg    Config
	fleet  *fakeFleet
	out    strings.Builder
	screen strings.Builder
	log    strings.Builder
}

func newTrial(cfg Config) *trial {
	x := &trial{cfg: cfg}
	store := stats.New(stats.Config{})
	x.fleet = &fakeFleet{store: store, users: map[string][]context.CancelFunc{}}
	x.cfg.Store, x.cfg.Fleet = store, x.fleet
	x.cfg.Cut = func() int64 { return 0 }
	x.cfg.Program = "shop"
	x.cfg.Classes = []dispatch.Class{{Name: "A", Weight: 3}, {Name: "B", Weight: 1}}
	x.cfg.Stdout, x.cfg.Screen = &x.out, terminal.NewScreen(&x.screen, "")
	x.cfg.ExitCodeOnError = 1
	x.cfg.Log = slog.New(slog.NewTextHandler(&x.log, nil))
	return x
}

func (x *trial) run(t *testing.T, ctx context.Context) int { //nolint:revive // t first, as tests have it
	t.Helper()
	r, err := New(x.cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r.Do(ctx)
}

func rules(t *testing.T, texts ...string) []threshold.Threshold {
	t.Helper()
	var all []threshold.Threshold
	for _, text := range texts {
		rule, err := threshold.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rule)
	}
	return all
}

func TestARunOfTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var turns []string
		turn := func(name string) func() { return func() { turns = append(turns, name) } }
		x := newTrial(Config{
			Users: 8, SpawnRate: 4, RunTime: 10 * time.Second, JSON: true, CSV: dir + "/csv/shop", HTML: dir + "/{u}-{r}-{t}.html",
			JUnit: dir + "/junit.xml", Thresholds: rules(t, "p(95) < 6ms", "count > 10"),
			Hooks: Hooks{
				TestStart:        func(context.Context) { turns = append(turns, "start") },
				SpawningComplete: func(users int) { turns = append(turns, fmt.Sprint("spawned ", users)) },
				TestStopping:     turn("stopping"), TestStop: turn("stop"), Quitting: turn("quitting"),
			},
		})
		began := time.Now()
		if code := x.run(t, t.Context()); code != 0 {
			t.Errorf("exit code %d\n%s", code, x.log.String())
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("the run took %v", took)
		}
		if got := strings.Join(turns, ", "); got != "start, spawned 8, stopping, stop, quitting" {
			t.Errorf("turns: %s", got)
		}
		if want := []string{"map[A:3 B:1]", "map[A:6 B:2]", "map[A:0 B:0]"}; !slices.Equal(x.fleet.steps, want) {
			t.Errorf("steps %v; want %v", x.fleet.steps, want)
		}
		var rows []struct {
			Name     string `json:"name"`
			Requests int    `json:"num_requests"`
		}
		if err := json.Unmarshal([]byte(x.out.String()), &rows); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, row := range rows {
			sum += row.Requests
		}
		if sum != x.fleet.made+1 || len(rows) != 3 {
			t.Errorf("%d requests in %d rows; the users made %d, and one came last", sum, len(rows), x.fleet.made)
		}
		for _, name := range []string{"csv/shop_stats.csv", "csv/shop_stats_history.csv", "csv/shop_failures.csv", "csv/shop_exceptions.csv", "8-4-10.html", "junit.xml"} {
			if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(data) == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, want := range []string{"held      p(95) < 6ms  5 ms", "Response time percentiles", "GET      /late"} {
			if !strings.Contains(x.screen.String(), want) {
				t.Errorf("the screen has no %q:\n%s", want, x.screen.String())
			}
		}
		if n := strings.Count(x.screen.String(), "# fails"); n != 6 && n != 7 { // at 0, 2, 4, 6 and 8 s, perhaps at 10 s, and at the end
			t.Errorf("%d tables; want 6 or 7", n)
		}
	})
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		name  string
		cfg   Config
		fails int
		quit  int // -1: no Quit
		error bool
		want  int
	}{
		{name: "all well", quit: -1, want: 0},
		{name: "failures", fails: 10, quit: -1, want: 1},
		{name: "an exception", error: true, quit: -1, want: 1},
		{name: "breach", cfg: Config{Thresholds: rules(t, "p(50) < 1ms")}, quit: -1, want: 99},
		{name: "breach before failures", fails: 10, cfg: Config{Thresholds: rules(t, "p(50) < 1ms")}, quit: -1, want: 99},
		{name: "failures within a threshold", fails: 10, cfg: Config{Thresholds: rules(t, "fail_ratio < 20%")}, quit: -1, want: 0},
		{name: "failures, but the threshold is about a row", fails: 10, cfg: Config{Thresholds: rules(t, "name:/A: fail_ratio < 20%")}, quit: -1, want: 1},
		{name: "an exception, and failures within a threshold", error: true, cfg: Config{Thresholds: rules(t, "fails < 1")}, quit: -1, want: 1},
		{name: "quit", quit: 7, want: 7},
		{name: "quit before a breach", cfg: Config{Thresholds: rules(t, "p(50) < 1ms")}, quit: 7, want: 7},
		{name: "quit with 0 and a breach", cfg: Config{Thresholds: rules(t, "p(50) < 1ms")}, quit: 0, want: 99},
		{name: "quit with 0 and failures", fails: 10, quit: 0, want: 0},
		{name: "a listener failed", cfg: Config{Hooks: Hooks{Failed: func() bool { return true }}}, quit: -1, want: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := test.cfg
				cfg.RunTime, cfg.Users, cfg.SpawnRate = 3*time.Second, 2, 2
				x := newTrial(cfg)
				x.fleet.failEvery = test.fails
				r, err := New(x.cfg)
				if err != nil {
					t.Fatal(err)
				}
				if test.error {
					r.Exception("no", "  at x\n")
				}
				if test.quit >= 0 {
					time.AfterFunc(time.Second, func() { r.Quit(test.quit); r.Quit(13) })
				}
				began := time.Now()
				if code := r.Do(t.Context()); code != test.want {
					t.Errorf("exit code %d; want %d\n%s", code, test.want, x.log.String())
				}
				if took := time.Since(began); test.quit >= 0 && took != time.Second {
					t.Errorf("it ended after %v", took)
				}
			})
		})
	}
}

func TestQuitWhileTheRunIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrial(Config{RunTime: time.Second})
		var r *Run
		x.cfg.Hooks.Quitting = func() { r.Quit(5) }
		r, err := New(x.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if code := r.Do(t.Context()); code != 5 {
			t.Errorf("exit code %d", code)
		}
	})
}

func TestInterruptedInTheMiddleOfARamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		x := newTrial(Config{Users: 100, SpawnRate: 0.5, HTML: dir + "/page.html"})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if code := x.run(t, ctx); code != 0 {
			t.Errorf("exit code %d", code)
		}
		page, err := os.ReadFile(dir + "/page.html")
		if err != nil || !strings.Contains(string(page), "interrupted") {
			t.Errorf("the page does not say that the run was interrupted: %v", err)
		}
		if _, users := x.fleet.Counts(); users != 0 || len(x.fleet.steps) != 4 {
			t.Errorf("%d users are left; steps %v", users, x.fleet.steps)
		}
	})
}

func TestAThresholdEndsARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrial(Config{
			Users: 4, SpawnRate: 4, RunTime: time.Minute, AbortOnThreshold: true,
			Thresholds: rules(t, "count > 1000", "rps > 1000", "fail_ratio < 1%"),
		})
		x.fleet.failEvery = 10
		began := time.Now()
		if code := x.run(t, t.Context()); code != 99 {
			t.Errorf("exit code %d", code)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it ended after %v", took)
		}
	})
}

func TestShapes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []int
		x := newTrial(Config{RunTime: time.Second, Shape: func(m Moment) (Stage, bool) {
			seen = append(seen, m.Users)
			switch s := int(m.RunTime.Seconds()); {
			case s < 3:
				return Stage{Users: 4, SpawnRate: 100}, true
			case s < 6:
				return Stage{Users: 2, SpawnRate: 100, Classes: []string{"B"}}, true
			}
			return Stage{}, false
		}})
		began := time.Now()
		if code := x.run(t, t.Context()); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("it ended after %v", took)
		}
		if want := []int{0, 4, 4, 4, 2, 2, 2}; !slices.Equal(seen, want) {
			t.Errorf("users seen %v; want %v", seen, want)
		}
	})
}

func TestAShapeThatAsksForNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrial(Config{Shape: func(Moment) (Stage, bool) { return Stage{Users: 1, SpawnRate: 0}, true }})
		if code := x.run(t, t.Context()); code != 1 || !strings.Contains(x.log.String(), "spawn rate must be a number above 0") {
			t.Errorf("exit code %d\n%s", code, x.log.String())
		}
	})
}

func TestStatsAreReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newTrial(Config{Users: 3, SpawnRate: 1, RunTime: 5 * time.Second, ResetStats: true, JSON: true})
		x.run(t, t.Context())
		if strings.Contains(x.out.String(), fmt.Sprintf(`"num_requests": %d`, x.fleet.made)) || !strings.Contains(x.log.String(), "Resetting stats") {
			t.Errorf("nothing was reset: %s", x.out.String())
		}
	})
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for option, cfg := range map[string]Config{
		"--users":              {Users: -1},
		"--spawn-rate":         {SpawnRate: -1},
		"--abort-on-threshold": {AbortOnThreshold: true},
		"--csv":                {CSV: dir + "/file/x"},
		"--html":               {HTML: dir + "/file/x/y.html"},
	} {
		if _, err := New(newTrial(cfg).cfg); err == nil || !strings.Contains(err.Error(), option) {
			t.Errorf("%s: %v", option, err)
		}
	}
}

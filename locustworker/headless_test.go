package locustworker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A tapper records a request of 3 ms for each of its tasks.
type tapper struct{ u *User }

func newTapper(u *User) (*tapper, error) { return &tapper{u}, nil }

func (s *tapper) tap(ctx context.Context) error {
	select {
	case <-time.After(3 * time.Millisecond):
	case <-ctx.Done():
		s.u.Client().Cut()
		return nil
	}
	s.u.Record(Sample{Type: "GET", Name: "/" + s.u.ClassName(), ResponseTime: 3 * time.Millisecond})
	return nil
}

func tapperClass(name string) *ClassOf[*tapper] {
	return NewClass(name, newTapper).Wait(Constant(100*time.Millisecond)).Task("tap", 1, (*tapper).tap)
}

type headlessRow struct {
	Name     string `json:"name"`
	Requests int64  `json:"num_requests"`
}

// alone runs classes and returns the rows that were printed.
func runAlone(t *testing.T, cfg Config, h Headless, classes ...Class) (code int, rows []headlessRow, c Counters) {
	t.Helper()
	var out bytes.Buffer
	h.JSON, h.Stdout = true, &out
	w, err := New(cfg, classes...)
	if err != nil {
		t.Fatal(err)
	}
	if code, err = w.RunHeadless(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatalf("%v: %s", err, out.String())
	}
	return code, rows, w.Counters()
}

// TestNoSampleIsLostWithoutAMaster: all that was recorded is in the rows, to the
// last request of OnStop and of TestStop.
func TestNoSampleIsLostWithoutAMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []string
		turn := func(name string) func(*Environment) error {
			return func(*Environment) error { turns = append(turns, name); return nil }
		}
		var seen atomic.Int64
		cfg := Config{HideLogs: true, Events: Events{
			Init:             turn("init"),
			TestStart:        func(context.Context, *Environment) error { turns = append(turns, "start"); return nil },
			SpawningComplete: func(*Environment, int) error { turns = append(turns, "spawned"); return nil },
			TestStopping:     turn("stopping"), TestStop: turn("stop"), Quitting: turn("quitting"),
			Quit:    func(*Environment, Counters) error { turns = append(turns, "quit"); return nil },
			Request: func(*User, Sample) { seen.Add(1) },
		}}
		code, rows, c := runAlone(t, cfg, Headless{Users: 40, SpawnRate: 10, RunTime: 20 * time.Second},
			tapperClass("A").Weight(3), tapperClass("B"), tapperClass("C").FixedCount(2))
		var sum int64
		for _, row := range rows {
			sum += row.Requests
		}
		if code != 0 || sum != seen.Load() || sum != c.Confirmed || sum < 5000 || len(rows) != 3 {
			t.Errorf("exit code %d, %d requests in %d rows, %d recorded; %+v", code, sum, len(rows), seen.Load(), c)
		}
		if got := strings.Join(turns, " "); got != "init start spawned stopping stop quitting quit" {
			t.Errorf("turns: %s", got)
		}
	})
}

// TestSamplesOfQuittingAreInTheTables: what a listener records when all users have
// ended is in the rows, and the counters are those of the rows.
func TestSamplesOfQuittingAreInTheTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Config{HideLogs: true, Events: Events{Quitting: func(env *Environment) error {
			env.Record(Sample{Type: "GET", Name: "/bye", ResponseTime: time.Millisecond})
			return nil
		}}}
		_, rows, c := runAlone(t, cfg, Headless{RunTime: 2 * time.Second}, tapperClass("A"))
		var sum int64
		byName := map[string]int64{}
		for _, row := range rows {
			sum += row.Requests
			byName[row.Name] = row.Requests
		}
		if byName["/bye"] != 1 || sum != c.Recorded || sum != c.Confirmed || c.Open != 0 || sum < 10 {
			t.Errorf("rows %v; %+v", byName, c)
		}
	})
}

func TestQuitEndsARunWithoutAMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		class := NewClass("A", newTapper).Task("once", 1, func(s *tapper, ctx context.Context) error {
			_ = s.u.Environment().Quit(42)
			return s.tap(ctx)
		})
		began := time.Now()
		code, _, c := runAlone(t, Config{HideLogs: true, StopTimeout: time.Second}, Headless{Users: 3, SpawnRate: 3, RunTime: time.Hour}, class)
		if took := time.Since(began); code != 42 || took > time.Second || c.Recorded == 0 || c.Cut != 0 {
			t.Errorf("exit code %d after %v, %+v", code, took, c)
		}
	})
}

func TestTagsAndMessagesWithoutAMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got atomic.Int64
		class := NewClass("A", newTapper).Wait(Constant(time.Second)).
			Task("never", 1, func(*tapper, context.Context) error { return errors.New("excluded") }, "slow").
			Task("send", 1, func(s *tapper, _ context.Context) error { return s.u.Environment().SendMessage("tally", int64(5)) }, "fast")
		cfg := Config{HideLogs: true, ExcludeTags: []string{"slow"}, Messages: map[string]MessageHandler{
			"tally": {Handle: func(_ *Environment, m Message) error {
				n, _ := m.Data.(int64)
				got.Add(n)
				return nil
			}},
		}}
		code, _, _ := runAlone(t, cfg, Headless{RunTime: 9500 * time.Millisecond}, class)
		if code != 0 || got.Load() != 50 {
			t.Errorf("exit code %d, the handler got %d; want 50", code, got.Load())
		}
	})
}

func TestAnExceptionIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		class := NewClass("A", newTapper).Wait(Constant(time.Second)).
			Task("fail", 1, func(*tapper, context.Context) error { return errors.New("no stock") })
		code, _, _ := runAlone(t, Config{HideLogs: true}, Headless{RunTime: 4500 * time.Millisecond, CSV: dir + "/x"}, class)
		text, err := os.ReadFile(dir + "/x_exceptions.csv")
		if code != 1 || err != nil || !strings.Contains(string(text), "5,no stock,") {
			t.Errorf("exit code %d, %v\n%s", code, err, text)
		}
		code, _, _ = runAlone(t, Config{HideLogs: true}, Headless{RunTime: 4500 * time.Millisecond, ExitCodeOnError: -1}, class)
		if code != 0 {
			t.Errorf("exit code %d without an exit code on errors", code)
		}
	})
}

func TestRequestsThatAreCutAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		class := NewClass("A", newTapper).Task("slow", 1, func(s *tapper, ctx context.Context) error {
			<-ctx.Done()
			s.u.Client().Cut()
			return nil
		})
		_, rows, c := runAlone(t, Config{HideLogs: true}, Headless{Users: 7, SpawnRate: 7, RunTime: 2 * time.Second}, class)
		if len(rows) != 0 || c.Cut != 7 {
			t.Errorf("%v, %+v", rows, c)
		}
	})
}

func TestFaultsWithoutAMaster(t *testing.T) {
	run := func(h Headless) error {
		w, err := New(Config{HideLogs: true}, tapperClass("A"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.RunHeadless(t.Context(), h)
		return err
	}
	for text, h := range map[string]Headless{
		"there is no metric 'p95'": {Thresholds: []string{"p95 < 3", "avg < 1"}},
		"--users: -1":              {Users: -1},
		"--abort-on-threshold":     {AbortOnThreshold: true},
	} {
		if err := run(h); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), text) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w, err := New(Config{HideLogs: true}, tapperClass("A"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.RunHeadless(t.Context(), Headless{RunTime: time.Second}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.RunHeadless(t.Context(), Headless{}); !errors.Is(err, ErrRunning) {
			t.Errorf("a second run: %v", err)
		}
	})
}

func TestTheCommandLineRunsWithoutAMaster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, sh := testCommand(nil, Config{}, []Class{tapperClass("A"), tapperClass("B")},
			"--headless", "-u", "4", "-r", "2", "-t", "3s", "--threshold", "p(95) < 1ms", "A")
		if code := c.Run(t.Context()); code != 99 {
			t.Errorf("exit code %d", code)
		}
		for _, want := range []string{"Ramping to 4 users at a rate of 2.00 per second", `{"A":4} (4 total users)`, "BREACHED  p(95) < 1ms  3 ms", "Aggregated"} {
			if !strings.Contains(sh.stderr.String(), want) {
				t.Errorf("there is no %q in\n%s", want, sh.stderr.String())
			}
		}
		c, sh = testCommand(nil, Config{}, []Class{tapperClass("A")}, "--headless", "--shape", "Spike")
		if code := c.Run(t.Context()); code != 2 || !strings.Contains(sh.stderr.String(), `there is no load shape "Spike"`) {
			t.Errorf("exit code %d\n%s", code, sh.stderr.String())
		}
	})
}

package locustworker

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items SP15, SP16 and L17 of the conformance list: custom arguments and events.

// Conformance: SP16, C9
func TestConformanceResetStats(t *testing.T) {
	for reset, want := range map[bool]int64{false: 10 * 8, true: 10*1 + 10*4} {
		complete := 0
		events := Events{SpawningComplete: func(_ *Environment, users int) error {
			complete = users
			return nil
		}}
		onStage(t, Config{ResetStats: reset, Events: events}, scripted{}, func(s *stage) {
			id := s.id()
			time.Sleep(2*time.Second + 500*time.Millisecond)
			s.spawned(one(10)) // samples at 2.5, 3.5 and so on; a report at 3 has the first
			time.Sleep(3*time.Second + 250*time.Millisecond)
			s.master.SpawningComplete(id, 77) // drops those of 3.5, 4.5 and 5.5
			time.Sleep(4 * time.Second)
			s.master.Stop(id)
			s.master.Expect("client_stopped", "client_ready")
			s.checkTotals(want)
			if complete != 77 {
				t.Errorf("spawning_complete says %d users; want 77", complete)
			}
		})
	}
}

// Conformance: SP15
func TestConformanceCustomArguments(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		s.id()
		arguments := func() *Arguments { return s.worker.hooks.env.Arguments() }
		s.spawned(one(1), mastertest.Arguments(map[string]any{
			"text": "a b", "number": 7, "share": 0.5, "flag": true, "list": []any{"x", "y"}, "nothing": nil, "num_users": 3,
		}))
		text, _ := Argument[string](arguments(), "text")
		number, _ := Argument[int](arguments(), "number")
		share, _ := Argument[float64](arguments(), "share")
		flag, _ := Argument[bool](arguments(), "flag")
		list, _ := Argument[[]string](arguments(), "list")
		if text != "a b" || number != 7 || share != 0.5 || !flag || !slices.Equal(list, []string{"x", "y"}) {
			t.Errorf("got %q, %d, %v, %v, %v", text, number, share, flag, list)
		}
		if n := ArgumentOr(arguments(), "num_users", 0); n != 3 {
			t.Errorf("the master's own argument num_users is %d; want 3", n)
		}
		if _, err := Argument[string](arguments(), "nothing"); !errors.Is(err, ErrNoArgument) {
			t.Errorf("an argument that is None: %v", err)
		}
		s.spawned(one(1), mastertest.Arguments(map[string]any{"number": "8"})) // edited in the web UI
		if n := ArgumentOr(arguments(), "number", 0); n != 8 {
			t.Errorf("the edited number is %d", n)
		}
	})
}

// noting returns events that write into the diary.
func noting(d *diary) Events {
	note := func(what string) func(*Environment) error {
		return func(*Environment) error { d.note("%s", what); return nil }
	}
	return Events{
		Init:             note("init"),
		TestStart:        func(context.Context, *Environment) error { d.note("test_start"); return nil },
		TestStopping:     note("test_stopping"),
		TestStop:         note("test_stop"),
		SpawningComplete: func(_ *Environment, n int) error { d.note("spawning_complete %d", n); return nil },
		Quitting:         note("quitting"),
		Quit:             func(_ *Environment, c Counters) error { d.note("quit"); return nil },
	}
}

// Conformance: Q1, Q4, L17
func TestConformanceOrderOfEvents(t *testing.T) {
	events := newDiary()
	synctest.Test(t, func(*testing.T) { events.start = time.Now() }) // each bubble begins at the same time
	class := func(s *stage) []Class {
		return []Class{s.class(scripted{})}
	}
	perform(t, play{cfg: Config{Events: noting(events)}, classes: class}, func(s *stage) {
		s.diary = events
		id := s.id()
		s.master.Stop(id) // while idle: no test event
		s.master.Expect("client_stopped", "client_ready")
		time.Sleep(time.Second)
		s.spawned(one(1))
		synctest.Wait() // the user is in its first wait
		s.master.SpawningComplete(id, 1)
		time.Sleep(500 * time.Millisecond)
		for range 2 { // the second one finds nothing to stop
			s.master.Stop(id)
			s.master.Expect("client_stopped", "client_ready")
		}
		time.Sleep(time.Second)
		s.master.Quit(id)
		<-s.ended
	})
	events.check(t,
		"0.0 init", "1.0 test_start", "1.0 on_start", "1.0 task", "1.0 spawning_complete 1",
		"1.5 test_stopping", "1.5 on_stop", "1.5 test_stop", "2.5 quitting", "2.5 quit")
}

// Conformance: L17
func TestConformanceReportToMaster(t *testing.T) {
	calls := 0
	events := Events{ReportToMaster: func(_ *Environment, data map[string]any) error {
		switch calls++; calls {
		case 1:
			data["mine"] = map[string]any{"deep": []int{1, 2}}
		case 2:
			data["stats"] = "not mine"
		case 3:
			panic("ouch")
		}
		return nil
	}}
	perform(t, play{cfg: Config{Events: events}}, func(s *stage) {
		s.id()
		time.Sleep(10 * time.Second)
		reports := s.master.OfType("stats")
		if len(reports) < 4 {
			t.Fatalf("%d reports; want one every 3s, whatever the listener does", len(reports))
		}
		mine, _ := reports[0].Field("mine").(map[string]any)
		if deep, _ := mine["deep"].([]any); len(deep) != 2 || deep[1] != int64(2) {
			t.Errorf("the first report has %v", reports[0].Data)
		}
		if _, ok := reports[1].Field("stats").([]any); !ok {
			t.Errorf("a listener has overwritten the rows: %v", reports[1].Data)
		}
		s.quit()
		if !errors.Is(s.err, ErrListener) {
			t.Errorf("Run = %v; want ErrListener", s.err)
		}
	})
}

// Conformance: L17
func TestConformanceHeartbeatEvent(t *testing.T) {
	n := 0
	events := Events{HeartbeatReceived: func(*Environment, time.Time) error { n++; return nil }}
	perform(t, play{cfg: Config{Events: events}}, func(s *stage) {
		s.id()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := len(s.master.OfType("heartbeat")); n != got || n < 10 {
			t.Errorf("%d events for %d heartbeats", n, got)
		}
	})
}

// Conformance: L17, P19
func TestConformanceRequestAndErrorEvents(t *testing.T) {
	bad := errors.New("bad")
	var samples []Sample
	var failed []string
	events := Events{
		Request: func(u *User, s Sample) { samples = append(samples, s) },
		UserError: func(u *User, err error, trace string) {
			failed = append(failed, u.ClassName()+": "+err.Error()+trace[:7])
		},
	}
	recorded := Sample{Type: "GET", Name: "/", ResponseTime: time.Second, Length: 7, Err: bad, Context: map[string]any{"tenant": "a"}}
	class := func(*stage) []Class {
		return []Class{doing("Failing", func(d *doer) error { d.Record(recorded); return bad })}
	}
	perform(t, play{cfg: Config{Events: events}, classes: class}, func(s *stage) {
		s.master.Spawn(s.id(), map[string]int{"Failing": 1})
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if !reflect.DeepEqual(samples, []Sample{recorded, recorded}) {
			t.Errorf("the event has seen %+v", samples)
		}
		if want := "Failing: bad  File "; !slices.Equal(failed, []string{want, want}) {
			t.Errorf("the event has seen %q", failed)
		}
	})
}

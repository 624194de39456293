package locustworker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items SP of the conformance list: what a worker makes of spawn messages.

// users compares the users that the next report counts.
func (s *stage) users(want map[string]int) {
	s.t.Helper()
	synctest.Wait()
	s.master.Skip()
	m := s.master.WaitFor("stats", 10*time.Second)
	sum := 0
	for name, n := range want {
		sum += n
		if got, named := m.UserClasses()[name]; !named || got != n {
			s.t.Errorf("the report counts %v; want %d of %s", m.UserClasses(), n, name)
		}
	}
	if m.UserCount() != sum {
		s.t.Errorf("the report counts %d users; want %d", m.UserCount(), sum)
	}
}

// Conformance: SP1
func TestConformanceSpawnIsForgiven(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		s.id()
		n := 0
		next := func(opts ...mastertest.SpawnOption) {
			t.Helper()
			n++
			if m := s.spawned(one(n), opts...); m.UserCount() != n {
				t.Errorf("%d users; want %d", m.UserCount(), n)
			}
		}
		next(mastertest.Without("host"))
		next(mastertest.Without("stop_timeout"))
		next(mastertest.Field("stop_timeout", nil))
		next(mastertest.Field("stop_timeout", 3))
		next(mastertest.Without("parsed_options"))
		next(mastertest.Field("of a later release", []any{1}))
		next(mastertest.Field("timestamp", time.Now().Unix()+1000))
	})
}

// Conformance: SP2, SP3
func TestConformanceStampOutlivesTheRun(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		s.spawned(one(1), mastertest.Timestamp(100))
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		s.master.Spawn(id, one(1), mastertest.Timestamp(100))
		s.master.Expect("spawning")
		s.nothingMore("spawning", "spawning_complete")
		if n := s.logged("Discard spawn message with older or equal timestamp"); n != 1 {
			t.Errorf("%d lines in the log", n)
		}
		if got := s.master.WaitFor("heartbeat", 2*time.Second).State(); got != "ready" {
			t.Errorf("the state is %q; want ready", got)
		}
		s.spawned(one(1), mastertest.Timestamp(100.25))
	})
}

// Conformance: H7, SP3
func TestConformanceStampsAreTheMastersOwn(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		s.spawned(one(1), mastertest.Timestamp(2000))
		s.master.Close()
		time.Sleep(2 * time.Second)
		s.master.Reopen() // elsewhere, where the clock is behind
		s.master.Skip()
		s.master.WaitFor("client_ready", time.Minute)
		synctest.Wait()
		s.spawned(one(2), mastertest.Timestamp(1000))
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
	})
}

// Conformance: SP4, SP7, D5
func TestConformanceTargetsAreAbsoluteForEachClass(t *testing.T) {
	both := func(*stage) []Class { return []Class{idle("A"), idle("B")} }
	perform(t, play{classes: both}, func(s *stage) {
		s.id()
		for _, step := range []struct{ spawn, want map[string]int }{
			{map[string]int{"A": 2, "B": 1}, map[string]int{"A": 2, "B": 1}},
			{map[string]int{"B": 0}, map[string]int{"A": 2, "B": 0}},
			{map[string]int{"A": 3}, map[string]int{"A": 3, "B": 0}},
			{map[string]int{}, map[string]int{"A": 3, "B": 0}},
		} {
			m := s.spawned(step.spawn)
			if got := m.UserClasses(); got["A"] != step.want["A"] || got["B"] != step.want["B"] || len(got) != 2 {
				t.Errorf("spawn %v: spawning_complete counts %v; want %v", step.spawn, got, step.want)
			}
			s.users(step.want)
		}
	})
}

// Conformance: SP5, N1, L2
func TestConformanceDeadUsersAreReplacedByTheNextSpawn(t *testing.T) {
	boom := errors.New("boom")
	onStage(t, Config{}, scripted{onStart: failing(1, boom), task: failing(1, ErrStopUser)}, func(s *stage) {
		s.master.Spawn(s.id(), one(5)) // the exception may come before spawning_complete
		s.users(one(3))                // one died in on_start, one stopped itself
		time.Sleep(time.Minute)
		s.users(one(3))
		s.spawned(one(5))
		s.users(one(5))
		if n := len(s.master.OfType("exception")); n != 1 {
			t.Errorf("%d exceptions; want that of on_start", n)
		}
	})
}

// Conformance: H9, SP6, SP7
func TestConformanceThousandUsersStartAtOnce(t *testing.T) {
	onStage(t, Config{}, scripted{onStart: sleep(10 * time.Second)}, func(s *stage) {
		s.id()
		from := time.Now()
		m := s.spawned(one(1000))
		if took := m.At.Sub(from); took > time.Second || m.UserCount() != 1000 {
			t.Errorf("%d users after %v; want 1000 without waiting for on_start", m.UserCount(), took)
		}
	})
}

// Conformance: SP7
func TestConformanceShrinkingCompletesAfterTheDrain(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(6 * time.Second)}, func(s *stage) {
		s.id()
		s.spawned(one(5))
		time.Sleep(2 * time.Second)
		from := time.Now()
		m := s.spawned(one(2), mastertest.StopTimeout(10*time.Second))
		if took := m.At.Sub(from); took != 4*time.Second || m.UserCount() != 2 {
			t.Errorf("spawning_complete after %v with %d users; want 4s, when the tasks have ended, and 2", took, m.UserCount())
		}
	})
}

// Conformance: SP2, SP8
func TestConformanceSpawnsInAHurry(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		for n := range 50 {
			s.master.Spawn(id, one(n))
		}
		time.Sleep(time.Second)
		if n := len(s.master.OfType("spawning")); n != 50 {
			t.Errorf("%d spawning; want one for each of 50 spawns", n)
		}
		done := s.master.OfType("spawning_complete")
		if len(done) == 0 || done[len(done)-1].UserCount() != 49 {
			t.Errorf("the last of %d spawning_complete is %v; want 49 users", len(done), done[len(done)-1])
		}
		s.users(one(49))
	})
}

// Conformance: SP9, D6
func TestConformanceStopInTheMiddleOfASpawn(t *testing.T) {
	stuck := make(chan struct{})
	events := Events{TestStart: func(ctx context.Context, _ *Environment) error {
		close(stuck)
		<-ctx.Done()
		return nil
	}}
	perform(t, play{cfg: Config{Events: events}}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(100))
		<-stuck
		s.master.Stop(id)
		s.master.Expect("spawning", "client_stopped", "client_ready")
		s.nothingMore("spawning", "spawning_complete")
	})
}

// Conformance: SP17, D1, D2
func TestConformanceSameCountsAgainAndZero(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		s.id()
		for _, n := range []int{3, 3, 3, 0} {
			if m := s.spawned(one(n)); m.UserCount() != n {
				t.Errorf("%d users; want %d", m.UserCount(), n)
			}
		}
		time.Sleep(2 * time.Second)
		s.master.Skip()
		if got := s.master.WaitFor("heartbeat", 2*time.Second).State(); got != "running" {
			t.Errorf("with 0 users the state is %q; want running", got)
		}
	})
}

// Conformance: SP14
func TestConformanceARunBeginsOnce(t *testing.T) {
	d := newDiary()
	events := Events{
		TestStart: func(context.Context, *Environment) error { d.note("test_start"); return nil },
	}
	class := func(*stage) []Class {
		return []Class{NewClass("Noted", func(u *User) (*doer, error) { d.note("user"); return newDoer(u) }).
			Wait(Constant(time.Second)).Task("do", 1, func(u *doer, _ context.Context) error {
			u.Record(Sample{Type: "GET", Name: "/"})
			return nil
		})}
	}
	perform(t, play{cfg: Config{Events: events}, classes: class}, func(s *stage) {
		id := s.id()
		d.start = time.Now()
		s.spawned(map[string]int{"Noted": 1})
		time.Sleep(5*time.Second + 500*time.Millisecond)
		s.spawned(map[string]int{"Noted": 2}) // no new run: nothing is discarded
		time.Sleep(1800 * time.Millisecond)
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		s.checkTotals(8 + 2)
		s.spawned(map[string]int{"Noted": 1})
		time.Sleep(500 * time.Millisecond)
		d.check(t, "0.0 test_start", "0.0 user", "5.5 user", "7.3 test_start", "7.3 user")
	})
}

// tagged has tasks with the tags a, b, both and none.
func tagged(name string) Class {
	record := func(task string) func(*doer, context.Context) error {
		return func(d *doer, _ context.Context) error {
			d.Record(Sample{Type: "TASK", Name: task})
			return nil
		}
	}
	return NewClass(name, newDoer).Wait(Constant(10*time.Millisecond)).
		Task("a", 1, record("a"), "a").Task("b", 1, record("b"), "b").
		Task("ab", 1, record("ab"), "a", "b").Task("plain", 1, record("plain"))
}

// ran returns the sorted names of the tasks that ran in the master's current run.
func (s *stage) ran() []string {
	s.t.Helper()
	var names []string
	for row := range s.master.Totals().Rows {
		names = append(names, row.Name)
	}
	slices.Sort(names)
	return names
}

// Conformance: SP15, N10, C7
func TestConformanceTags(t *testing.T) {
	all := []string{"a", "ab", "b", "plain"}
	for _, test := range []struct {
		name string
		cfg  Config
		sent map[string]any
		want []string
	}{
		{"none", Config{}, map[string]any{}, all},
		{"the worker's own", Config{Tags: []string{"b"}}, map[string]any{}, []string{"ab", "b"}},
		{"the master's nil is stronger", Config{Tags: []string{"b"}}, map[string]any{"tags": nil}, all},
		{"the master's list", Config{}, map[string]any{"tags": []any{"a"}}, []string{"a", "ab"}},
		{"excluded", Config{}, map[string]any{"exclude_tags": []any{"a"}}, []string{"b", "plain"}},
		{"both", Config{}, map[string]any{"tags": []any{"a"}, "exclude_tags": []any{"b"}}, []string{"a"}},
		{"no list", Config{Tags: []string{"b"}}, map[string]any{"tags": 5}, []string{"ab", "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			class := func(*stage) []Class { return []Class{tagged("Tagged")} }
			perform(t, play{cfg: test.cfg, classes: class}, func(s *stage) {
				id := s.id()
				for _, sent := range []map[string]any{test.sent, {"tags": []any{"nobody has it"}}} { // only the first counts
					s.spawned(map[string]int{"Tagged": 5}, mastertest.Arguments(sent))
					time.Sleep(2 * time.Second)
					s.master.Stop(id)
					s.master.Expect("client_stopped", "client_ready")
					if got := s.ran(); !slices.Equal(got, test.want) {
						t.Errorf("the tasks %v ran; want %v", got, test.want)
					}
				}
			})
		})
	}
}

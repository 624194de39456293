package locustworker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Items L5 to L8 and L10 of the conformance list: task sets and what leaves them.

// A room is the state of a set; what happens to it is noted, with its number.
type room struct {
	*scripted
	name   string
	number int
	visits int // tasks run since it was entered
	start  error
}

func (r *room) OnStart(context.Context) error {
	r.diary.note("%s%d in", r.name, r.number)
	return r.start
}

func (r *room) OnStop(context.Context) error {
	r.diary.note("%s%d out", r.name, r.number)
	return nil
}

// after makes a task that notes its name and returns err on the n-th visit.
func after(n int, err error, task string) func(*room, context.Context) error {
	return func(r *room, _ context.Context) error {
		r.visits++
		r.diary.note("%s%d %s", r.name, r.number, task)
		if r.visits >= n {
			return err
		}
		return nil
	}
}

// newRoom numbers the rooms of a name, to see that each entry makes another.
func newRoom(name string, start error) func(*scripted) (*room, error) {
	n := 0
	return func(s *scripted) (*room, error) {
		n++
		return &room{scripted: s, name: name, number: n, start: start}, nil
	}
}

// liveIn runs one user of the class "Scripted", with the sets as its tasks, for so
// long, and returns what it did.
func liveIn(t *testing.T, lasts time.Duration, build func(*ClassOf[*scripted]), want ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		class := NewClass("Scripted", func(u *User) (*scripted, error) { return &scripted{user: u, diary: d}, nil }).
			Wait(Constant(time.Second))
		build(class)
		if err := class.s.root.validate(); err != nil {
			t.Fatal(err)
		}
		p := scriptedWorld(t.Context(), d, scripted{}, Constant(0))
		p.groups["Scripted"].class = newLiveClass(class.spec())
		p.spawn(t.Context(), one(1), 0)
		time.Sleep(lasts - time.Microsecond)
		p.stopAll(0)
		d.check(t, want...)
	})
}

// Conformance: L6
// Conformance (stop the user): L4
func TestConformanceNestedSets(t *testing.T) {
	for _, test := range []struct {
		name  string
		err   error
		start error
		want  string
	}{
		{"interrupt", ErrInterrupt, nil, "0.0 on_start|0.0 r1 in|0.0 r1 t|1.0 r1 t|1.0 r1 out|1.0 r2 in|1.0 r2 t|2.0 r2 t|2.0 r2 out|2.0 r3 in|2.0 r3 t|2.5 r3 out|2.5 on_stop"},
		{"interrupt and wait", ErrInterruptAndWait, nil, "0.0 on_start|0.0 r1 in|0.0 r1 t|1.0 r1 t|1.0 r1 out|2.0 r2 in|2.0 r2 t|2.5 r2 out|2.5 on_stop"},
		{"stop the user", ErrStopUser, nil, "0.0 on_start|0.0 r1 in|0.0 r1 t|1.0 r1 t|1.0 r1 out|1.0 on_stop"},
		{"reschedule", ErrReschedule, nil, "0.0 on_start|0.0 r1 in|0.0 r1 t|1.0 r1 t|2.0 r1 t|2.5 r1 out|2.5 on_stop"},
		{"interrupt in on_start", nil, fmt.Errorf("not today: %w", ErrInterruptAndWait), "0.0 on_start|0.0 r1 in|1.0 r2 in|2.0 r3 in|2.5 on_stop"},
		{"error in on_start", nil, errors.New("boom"), "0.0 on_start|0.0 r1 in|0.0 exception: boom|1.0 r2 in|1.0 exception: boom|2.0 r3 in|2.0 exception: boom|2.5 on_stop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := NewSet("Room", newRoom("r", test.start)).Task("t", 1, after(2, test.err, "t"))
			liveIn(t, 2500*time.Millisecond, func(c *ClassOf[*scripted]) { c.Nest(1, set) }, strings.Split(test.want, "|")...)
		})
	}
}

// Conformance: L4, L6
func TestConformanceSetsInSets(t *testing.T) {
	n := 0
	inner := NewSet("Inner", func(r *room) (*room, error) {
		n++
		return &room{scripted: r.scripted, name: "inner", number: n}, nil
	}).Task("t", 1, after(2, ErrInterrupt, "t"))
	outer := NewSet("Outer", newRoom("outer", nil)).Sequential().
		Nest(1, inner).Task("last", 1, after(1, ErrStopUser, "last"))
	liveIn(t, 9*time.Second, func(c *ClassOf[*scripted]) { c.Nest(1, outer) },
		"0.0 on_start", "0.0 outer1 in", "0.0 inner1 in", "0.0 inner1 t", "1.0 inner1 t", "1.0 inner1 out",
		"1.0 outer1 last", "1.0 outer1 out", "1.0 on_stop")
}

// Conformance: L5
func TestConformanceInterruptAtTheTop(t *testing.T) {
	for _, err := range []error{ErrInterrupt, ErrInterruptAndWait} {
		liveIn(t, 3*time.Second, func(c *ClassOf[*scripted]) {
			c.Task("t", 1, func(s *scripted, _ context.Context) error { s.diary.note("t"); return err })
		}, "0.0 on_start", "0.0 t") // no on_stop and no exception
	}
}

// Conformance: L7
func TestConformanceSequentialSets(t *testing.T) {
	set := NewSet("Row", newRoom("r", nil)).Sequential().
		Task("one", 1, after(6, ErrInterrupt, "one")).Task("two", 2, after(6, ErrInterrupt, "two")).Task("three", 1, after(6, ErrInterrupt, "three"))
	liveIn(t, 6500*time.Millisecond, func(c *ClassOf[*scripted]) { c.Nest(1, set) },
		"0.0 on_start", "0.0 r1 in", "0.0 r1 one", "1.0 r1 two", "2.0 r1 two", "3.0 r1 three", "4.0 r1 one", "5.0 r1 two",
		"5.0 r1 out", "5.0 r2 in", "5.0 r2 one", "6.0 r2 two", "6.5 r2 out", "6.5 on_stop") // each entry begins anew
}

// Conformance: L8
func TestConformanceMarkovSets(t *testing.T) {
	chain := map[string]map[string]int{"first": {"second": 1}, "second": {"second": 0, "third": 5}, "third": {"first": 1}}
	set := NewSet("Chain", newRoom("c", nil)).Markov(chain).
		Task("first", 9, after(5, ErrInterrupt, "first")).Task("third", 9, after(5, ErrInterrupt, "third")).Task("second", 9, after(5, ErrInterrupt, "second"))
	liveIn(t, 5500*time.Millisecond, func(c *ClassOf[*scripted]) { c.Nest(1, set) },
		"0.0 on_start", "0.0 c1 in", "0.0 c1 first", "1.0 c1 second", "2.0 c1 third", "3.0 c1 first", "4.0 c1 second",
		"4.0 c1 out", "4.0 c2 in", "4.0 c2 first", "5.0 c2 second", "5.5 c2 out", "5.5 on_stop")
}

// Conformance: L8
func TestConformanceMarkovSetsTakeNoTags(t *testing.T) {
	set := NewSet("Chain", newRoom("c", nil)).Markov(map[string]map[string]int{"t": {"t": 1}}).
		Task("t", 1, after(1, nil, "t"), "tag")
	class := NewClass("Scripted", func(u *User) (*scripted, error) { return &scripted{user: u}, nil }).Nest(1, set)
	if _, err := New(Config{}, class); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "a Markov chain takes none") {
		t.Errorf("New = %v", err)
	}
}

// Conformance: L10
func TestConformanceWhoseWaitCounts(t *testing.T) {
	slow := NewSet("Slow", newRoom("s", nil)).Wait(Constant(3*time.Second)).Task("t", 1, after(3, ErrInterruptAndWait, "t"))
	liveIn(t, 7500*time.Millisecond, func(c *ClassOf[*scripted]) { c.Nest(1, slow) },
		"0.0 on_start", "0.0 s1 in", "0.0 s1 t", "3.0 s1 t", "6.0 s1 t", "6.0 s1 out", "7.0 s2 in", "7.0 s2 t", "7.5 s2 out", "7.5 on_stop")
	paced := NewSet("Paced", newRoom("p", nil)).Wait(ConstantPacing(2*time.Second)).Task("t", 1,
		func(r *room, ctx context.Context) error { r.diary.note("t"); return sleep(500 * time.Millisecond)(ctx) })
	liveIn(t, 5500*time.Millisecond, func(c *ClassOf[*scripted]) { c.Nest(1, paced) },
		"0.0 on_start", "0.0 p1 in", "0.0 t", "2.0 t", "4.0 t", "5.5 p1 out", "5.5 on_stop")
}

// Conformance: L10
func TestConformanceThroughput(t *testing.T) {
	liveIn(t, 1900*time.Millisecond, func(c *ClassOf[*scripted]) {
		c.Wait(ConstantThroughput(2)).Task("t", 1, func(s *scripted, ctx context.Context) error {
			s.diary.note("t")
			return sleep(300 * time.Millisecond)(ctx)
		})
	}, "0.0 on_start", "0.0 t", "0.5 t", "1.0 t", "1.5 t", "1.9 on_stop")
	for _, wait := range []WaitTime{ConstantThroughput(0), ConstantThroughput(-1), Poisson(0)} {
		class := NewClass("Scripted", newDoer).Wait(wait).Task("t", 1, (*doer).nothing)
		if _, err := New(Config{}, class); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "must be above 0") {
			t.Errorf("New = %v", err)
		}
	}
}

// Conformance: N10
func TestConformanceTagsOfNestedSets(t *testing.T) {
	inner := NewSet("Inner", newRoom("i", nil)).Task("x", 1, after(9, nil, "x"), "x").Task("y", 1, after(9, nil, "y"), "y")
	empty := NewSet("Empty", newRoom("e", nil)).Task("z", 1, after(9, nil, "z"), "z")
	class := NewClass("Scripted", func(u *User) (*scripted, error) { return &scripted{user: u}, nil }).
		Nest(1, inner).Nest(1, empty).Task("plain", 1, (*scripted).run)
	var emptied []string
	got := class.s.root.withTags([]string{"y"}, nil, func(name string) { emptied = append(emptied, name) })
	if len(got.tasks) != 1 || got.tasks[0].name != "Inner" || len(got.tasks[0].set.tasks) != 1 || got.tasks[0].set.tasks[0].name != "y" {
		t.Errorf("kept %+v", got.tasks)
	}
	if len(emptied) != 1 || emptied[0] != "Empty" {
		t.Errorf("a warning for %v; want Empty", emptied)
	}
}

// Conformance: N10
func TestConformanceUsersWithoutTasks(t *testing.T) {
	cfg := Config{Tags: []string{"nobody has it"}}
	perform(t, play{cfg: cfg, classes: func(*stage) []Class { return []Class{idle("Idle")} }}, func(s *stage) {
		s.id()
		s.master.Spawn(s.worker.hooks.env.ClientID(), map[string]int{"Idle": 1})
		m := s.master.WaitFor("exception", time.Minute)
		if text, _ := m.Field("msg").(string); !strings.Contains(text, "no tasks defined on Idle") {
			t.Errorf("exception %q", text)
		}
		if s.logged("Idle had no tasks left after filtering, instantiating it will fail!") != 1 {
			t.Error("no warning in the log")
		}
		s.users(map[string]int{"Idle": 1})
	})
}

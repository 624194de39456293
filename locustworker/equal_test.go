package locustworker

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// equalWorker is a worker that picks tasks with equal weights.
func equalWorker(t *testing.T, cfg Config, classes ...Class) *Worker {
	t.Helper()
	cfg.EqualWeights, cfg.Logger = true, slog.New(slog.DiscardHandler)
	w, err := New(cfg, classes...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestConformanceEqualWeights compares the tasks of classes with what Locust makes
// of their stub.
//
// Conformance: L16
func TestConformanceEqualWeights(t *testing.T) {
	start := func(*User) (shopper, error) { return shopper{}, nil }
	chain := NewSet("Chain", enter).Markov(map[string]map[string]int{"hop": {"skip": 1}, "skip": {"hop": 9}}).
		Task("hop", 1, shopper.look).Task("skip", 1, shopper.look)
	inner := NewSet("Inner", enter).Task("deep", 4, shopper.look, "t1").Task("deeper", 1, shopper.look)
	steps := NewSet("Steps", enter).Sequential().Task("first", 2, shopper.look, "t2").Task("second", 1, shopper.look).Nest(7, inner, "t3")
	classes := []Class{
		NewClass("Plain", start).Weight(5).Task("one", 1, shopper.look).Task("two", 20, shopper.look, "x"),
		NewClass("Nested", start).Task("own", 3, shopper.look).Nest(2, steps, "t4").Nest(1, chain),
		NewClass("None", start).Weight(0).Task("one", 1, shopper.look),
	}
	var described []map[string]pythonClass
	locust(t, "equal", []string{stub(t, classes)}, &described)
	w := equalWorker(t, Config{}, classes...)
	if len(described[0]) != len(w.classes) {
		t.Errorf("%d classes, want %d", len(w.classes), len(described[0]))
	}
	for _, c := range w.classes {
		want := described[0][c.name]
		if c.name == "Nested" { // Locust drops the tasks of a Markov chain
			for _, task := range chain.s.tasks {
				want.Tasks[task.name] = pythonTask{Weight: 1, Tags: []string{}}
			}
		}
		if got := wanted(c.tasks.Load()); !reflect.DeepEqual(got, want.Tasks) || want.Weight != 1 {
			t.Errorf("%s:\n%+v, want\n%+v", c.name, got, want)
		}
	}
}

// A till is the state of a set, and of one in it.
type till struct {
	user  *scripted
	name  string
	sales int
}

func (t *till) OnStart(context.Context) error {
	t.user.diary.note("%s was entered", t.name)
	return nil
}

func (t *till) sell(context.Context) error {
	t.sales++
	t.user.diary.note("%s sells for the %d. time", t.name, t.sales)
	return nil
}

// TestEqualWeightsKeepTheStateOfSets: tasks of nested sets have the state of their
// set, one for each user, which is neither entered nor left, and wait as the class
// does.
func TestEqualWeightsKeepTheStateOfSets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		inner := NewSet("Inner", func(outer *till) (*till, error) {
			return &till{user: outer.user, name: outer.name + ", inner"}, nil
		}).Wait(Constant(time.Hour)).Task("sell", 1, (*till).sell)
		outer := NewSet("Outer", func(s *scripted) (*till, error) { return &till{user: s, name: "outer"}, nil }).Nest(1, inner)
		class := NewClass("Scripted", func(u *User) (*scripted, error) { return &scripted{user: u, diary: d}, nil }).
			Wait(Constant(time.Second)).Nest(1, outer)
		w := equalWorker(t, Config{}, class)
		p := scriptedWorld(t.Context(), d, scripted{}, Constant(0))
		p.groups["Scripted"].class = w.classes[0]
		p.spawn(t.Context(), one(1), 0)
		time.Sleep(3*time.Second - time.Microsecond)
		p.stopAll(0)
		p.spawn(t.Context(), one(1), 0)
		synctest.Wait()
		p.stopAll(0)
		d.check(t, "0.0 on_start", "0.0 outer, inner sells for the 1. time", "1.0 outer, inner sells for the 2. time",
			"2.0 outer, inner sells for the 3. time", "3.0 on_stop",
			"3.0 on_start", "3.0 outer, inner sells for the 1. time", "3.0 on_stop")
	})
}

func TestEqualWeightsReportConstructorsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		set := NewSet("Set", func(*scripted) (*till, error) { panic("no till") }).Task("sell", 1, (*till).sell)
		class := NewClass("Scripted", func(u *User) (*scripted, error) { return &scripted{user: u, diary: d}, nil }).
			Wait(Constant(time.Second)).Nest(1, set)
		p := scriptedWorld(t.Context(), d, scripted{}, Constant(0))
		p.groups["Scripted"].class = equalWorker(t, Config{}, class).classes[0]
		p.spawn(t.Context(), one(1), 0)
		time.Sleep(1500 * time.Millisecond)
		p.stopAll(0)
		d.check(t, "0.0 on_start", "0.0 exception: panic: no till", "1.0 exception: panic: no till", "1.5 on_stop")
	})
}

// TestEqualWeightsAndEdits: the master selects tasks by the names that it knows,
// and tags select tasks of what is left.
func TestEqualWeightsAndEdits(t *testing.T) {
	same := NewSet("Same", enter).Task("deep", 3, shopper.look, "a").Task("deeper", 3, shopper.look)
	classes := func() Class {
		return NewClass("C", func(*User) (shopper, error) { return shopper{}, nil }).
			Task("own", 9, shopper.look, "a").Task("other", 9, shopper.look).Nest(5, same)
	}
	names := func(c *liveClass) string {
		var all []string
		for _, task := range c.tasks.Load().tasks {
			all = append(all, fmt.Sprint(task.name, task.weight))
		}
		slices.Sort(all)
		return strings.Join(all, " ")
	}
	log := slog.New(slog.DiscardHandler)
	c := equalWorker(t, Config{UserSettings: []UserSettings{{Class: "C", Tasks: []string{"Same", "own"}}}}, classes()).classes[0]
	if got := names(c); got != "deep1 deeper1 own1" {
		t.Errorf("after --config-users: %s", got)
	}
	c.apply(UserSettings{Class: "C", Tasks: []string{"Same", "other"}}, log)
	if got := names(c); got != "deep1 deeper1 other1" {
		t.Errorf("after an edit: %s", got)
	}
	c = equalWorker(t, Config{}, classes()).classes[0]
	c.filter([]string{"a"}, nil, log)
	if got := names(c); got != "deep1 own1" {
		t.Errorf("with tags: %s", got)
	}
	twice := NewClass("C", func(*User) (shopper, error) { return shopper{}, nil }).Nest(5, same).
		Nest(1, NewSet("Around", enter).Nest(1, same))
	if got := names(equalWorker(t, Config{}, twice).classes[0]); got != "deep1 deeper1" {
		t.Errorf("a set nested twice: %s", got)
	}
}

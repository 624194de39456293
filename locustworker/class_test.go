package locustworker

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A plain is a user without OnStart and OnStop.
type plain struct{ u *User }

func newPlain(u *User) (*plain, error)       { return &plain{u}, nil }
func (*plain) nothing(context.Context) error { return nil }

func TestNewReportsEveryFaultAtOnce(t *testing.T) {
	_, err := New(Config{MasterPort: 70000, StopTimeout: -1},
		NewClass[*plain]("NoConstructor", nil).Task("t", 1, (*plain).nothing),
		NewClass("Empty", newPlain),
		NewClass("Bad", newPlain).Weight(-1).FixedCount(-2).Wait(ConstantThroughput(0)).
			Task("", 1, (*plain).nothing).
			Task("light", -1, (*plain).nothing).
			Task("nil", 1, nil).
			Task("twin", 1, (*plain).nothing).
			Task("twin", 1, (*plain).nothing),
		NewClass("Twin", newPlain).Task("t", 1, (*plain).nothing),
		NewClass("Twin", newPlain).Task("t", 1, (*plain).nothing),
	)
	if !errors.Is(err, ErrConfig) {
		t.Fatalf("New = %v; want ErrConfig", err)
	}
	for _, want := range []string{
		"master port 70000", "stop timeout -1ns", `"NoConstructor": has no constructor`,
		`"Empty" has no task`, "weight -1", "fixed count -2", "constant throughput of 0",
		"a task without a name", `"light" has weight -1`, `"nil" has no function`,
		`two tasks named "twin"`, `two classes are named "Twin"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

// Conformance: L16
func TestClassesWithoutWeightTakeNoPart(t *testing.T) {
	zero := NewClass("Zero", newPlain).Weight(0).Task("t", 1, (*plain).nothing)
	if _, err := New(Config{}, zero); !errors.Is(err, ErrConfig) {
		t.Errorf("New with only a class of weight 0 = %v; want ErrConfig", err)
	}
	fixed := NewClass("Fixed", newPlain).Weight(0).FixedCount(2).Task("t", 1, (*plain).nothing)
	w, err := New(Config{}, zero, fixed)
	if err != nil {
		t.Fatal(err)
	}
	if len(w.classes) != 1 || w.classes[0].name != "Fixed" {
		t.Errorf("classes in the run: %d; want only Fixed", len(w.classes))
	}
}

// Conformance: L9
func TestTasksArePickedByWeight(t *testing.T) {
	s := NewClass("C", newPlain).
		Task("one", 1, (*plain).nothing).
		Task("three", 3, (*plain).nothing).
		Task("six", 6, (*plain).nothing).spec().root
	rnd := rand.New(rand.NewPCG(seeds(1, 0, 1)))
	const draws = 100_000
	got := map[string]float64{}
	for range draws {
		got[s.pick(rnd.IntN(s.totalWeight())).name]++
	}
	chi2 := 0.0
	for i := range s.tasks {
		want := draws * float64(s.tasks[i].weight) / 10
		off := got[s.tasks[i].name] - want
		chi2 += off * off / want
	}
	if chi2 > 13.8 { // 2 degrees of freedom, p = 0.001; the draw is seeded
		t.Errorf("picked %v; chi-square %.1f against weights 1:3:6", got, chi2)
	}
}

// With a seed, the user of a number on the worker of an index draws the same each
// time; another seed, index or number differs.
func TestUsersAreSeededByWorkerAndNumber(t *testing.T) {
	draw := func(seed uint64, index int, id int64) uint64 {
		w := &world{seed: seed, env: &Environment{}}
		w.env.index.Store(int64(index))
		return w.newUser(id, newLiveClass(&classSpec{name: "C"}), "").Rand().Uint64()
	}
	first := draw(7, 0, 1)
	if again := draw(7, 0, 1); again != first {
		t.Errorf("%d and %d of the same seed, worker and user", first, again)
	}
	for what, other := range map[string]uint64{
		"seed": draw(8, 0, 1), "index": draw(7, 1, 1), "number": draw(7, 0, 2), "index before the master's": draw(7, -1, 1),
	} {
		if other == first {
			t.Errorf("another %s draws the same", what)
		}
	}
	u := NewStandaloneUser(t.Context(), StandaloneConfig{Seed: 1})
	u.Reseed(7, 9)
	if got, want := u.Rand().Uint64(), rand.New(rand.NewPCG(7, 9)).Uint64(); got != want {
		t.Errorf("after Reseed the user draws %d, want %d", got, want)
	}
}

func TestDescribe(t *testing.T) {
	info := Describe(NewClass("C", newPlain).Weight(3).FixedCount(2).Host("http://h").
		Task("a", 4, (*plain).nothing, "x", "y"))
	if info.Name != "C" || info.Weight != 3 || info.FixedCount != 2 || info.Host != "http://h" {
		t.Errorf("Describe = %+v", info)
	}
	if len(info.Tasks) != 1 || info.Tasks[0].Name != "a" || info.Tasks[0].Weight != 4 ||
		strings.Join(info.Tasks[0].Tags, ",") != "x,y" {
		t.Errorf("Describe's tasks = %+v", info.Tasks)
	}
}

// Conformance: L10
func TestWaitTimesDrawWhatLocustDraws(t *testing.T) {
	u := NewStandaloneUser(t.Context(), StandaloneConfig{Seed: 7})
	const draws = 20_000
	mean := func(w WaitTime, check func(time.Duration)) time.Duration {
		var sum time.Duration
		for range draws {
			d := w.next(u)
			check(d)
			sum += d
		}
		return sum / draws
	}
	got := mean(Between(time.Second, 3*time.Second), func(d time.Duration) {
		if d < time.Second || d >= 3*time.Second {
			t.Fatalf("Between(1s, 3s) drew %v", d)
		}
	})
	if got < 1980*time.Millisecond || got > 2020*time.Millisecond {
		t.Errorf("Between(1s, 3s) has mean %v", got)
	}
	got = mean(Poisson(4), func(d time.Duration) {
		if d < 0 {
			t.Fatalf("Poisson(4) drew %v", d)
		}
	})
	if got < 243*time.Millisecond || got > 257*time.Millisecond {
		t.Errorf("Poisson(4) has mean %v; want 250ms", got)
	}
}

func TestASetMustNotStandInItself(t *testing.T) {
	inner := NewSet("Inner", func(p *plain) (*plain, error) { return p, nil }).Task("t", 1, (*plain).nothing)
	outer := NewSet("Outer", func(p *plain) (*plain, error) { return p, nil }).Nest(1, inner)
	inner.Nest(1, outer)
	_, err := New(Config{}, NewClass("C", newPlain).Nest(1, outer))
	if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), `"Outer" is nested in itself`) {
		t.Errorf("New = %v", err)
	}
}

// TestTasksOfWeightZeroNeverRun, and are no fault while there is another task.
func TestTasksOfWeightZeroNeverRun(t *testing.T) {
	set := NewSet("Set", func(*plain) (*plain, error) { return &plain{}, nil }).Sequential().
		Task("off", 0, (*plain).nothing).Task("on", 2, (*plain).nothing)
	class := NewClass("C", newPlain).Task("never", 0, (*plain).nothing).Task("ever", 1, (*plain).nothing).
		Nest(1, set).Nest(0, NewSet("Off", func(*plain) (*plain, error) { return &plain{}, nil }).Task("t", 1, (*plain).nothing))
	w, err := New(Config{}, class)
	if err != nil {
		t.Fatal(err)
	}
	root := w.classes[0].tasks.Load()
	if len(root.tasks) != 2 || root.tasks[0].name != "ever" || root.tasks[1].name != "Set" {
		t.Errorf("the tasks that run are %+v", root.tasks)
	}
	if inner := root.tasks[1].set; len(inner.tasks) != 1 || inner.tasks[0].name != "on" {
		t.Errorf("those of the set are %+v", inner.tasks)
	}
	if info := Describe(class); len(info.Tasks) != 4 || info.Tasks[0].Weight != 0 || len(info.Tasks[2].Tasks) != 2 {
		t.Errorf("described as %+v", info)
	}
	none := NewClass("None", newPlain).Task("never", 0, (*plain).nothing)
	if _, err := New(Config{}, none); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "no task of a weight above 0") {
		t.Errorf("New with nothing but weights of 0 = %v", err)
	}
}

package locustworker

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
	"github.com/bandwing/bandwing/locustworker/internal/logline"
)

func (shopper) look(context.Context) error { return nil }

func enter(shopper) (shopper, error) { return shopper{}, nil }

// stub is the locustfile of the classes.
func stub(t *testing.T, classes []Class) string {
	t.Helper()
	c, sh := testCommand(nil, Config{}, classes, "stub")
	if code := c.Run(t.Context()); code != cli.ExitOK || sh.stderr.String() != "" {
		t.Fatalf("exit code %d: %s", code, sh.stderr.String())
	}
	return sh.stdout.String()
}

// A pythonTask is a task or a set as commandline.py describes it.
type pythonTask struct {
	Weight int
	Tags   []string
	Kind   string
	Tasks  map[string]pythonTask
	Next   []string
	Wait   []string
}

type pythonClass struct {
	Weight int
	Tasks  map[string]pythonTask
}

// wanted is the same of the tasks of a set that was flattened.
func wanted(s *setSpec) map[string]pythonTask {
	tasks := map[string]pythonTask{}
	for _, t := range s.tasks {
		tags := slices.Clone(t.tags)
		slices.Sort(tags)
		tasks[t.name] = pythonTask{Weight: t.weight, Tags: append([]string{}, slices.Compact(tags)...)}
	}
	return tasks
}

func TestClassesAreDescribedToTheCommandLine(t *testing.T) {
	start := func(*User) (shopper, error) { return shopper{}, nil }
	chances := map[string]map[string]int{"a": {"In": 2}, "In": {"a": 1}}
	chain := NewSet("Chain", enter).Markov(chances).Task("a", 1, shopper.look).
		Nest(1, NewSet("In", enter).Wait(Between(time.Second, 3*time.Second)).Task("deep", 2, shopper.look, "t3"))
	steps := NewSet("Steps", enter).Sequential().Wait(WaitFunc(func(*User) time.Duration { return 0 })).
		Task("one", 2, shopper.look).Nest(1, chain)
	classes := []Class{
		NewClass("Plain", start).Weight(3).FixedCount(2).Host("http://a").Wait(ConstantPacing(time.Minute)).
			Task("see", 5, shopper.look, "t2", "t1").Nest(3, steps, "whole set"),
		NewClass("Broken", start),
	}
	inner := cli.Set{Waits: true, Wait: "between(1, 3)", Tasks: []cli.Task{{Name: "deep", Weight: 2, Tags: []string{"t3"}}}}
	wantChain := cli.Set{Order: cli.Markov, Transitions: chances, Tasks: []cli.Task{{Name: "a", Weight: 1}, {Name: "In", Weight: 1, Set: &inner}}}
	wantSteps := cli.Set{Order: cli.Sequential, Waits: true, Tasks: []cli.Task{{Name: "one", Weight: 2}, {Name: "Chain", Weight: 1, Set: &wantChain}}}
	want := cli.Class{Name: "Plain", Weight: 3, FixedCount: 2, Host: "http://a", Tasks: cli.Set{
		Waits: true, Wait: "constant_pacing(60)", Tasks: []cli.Task{
			{Name: "see", Weight: 5, Tags: []string{"t2", "t1"}},
			{Name: "Steps", Weight: 3, Tags: []string{"whole set"}, Set: &wantSteps},
		},
	}}
	got := plainClasses(classes)
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got\n%+v, want\n%+v", got[0], want)
	}
	if got[1].Name != "Broken" || got[1].Fault == nil {
		t.Errorf("a class without a task: %+v", got[1])
	}
}

func TestWaitTimesAreWrittenAsLocustWritesThem(t *testing.T) {
	for want, wait := range map[string]WaitTime{
		"constant(1.5)": Constant(1500 * time.Millisecond), "between(5e-05, 3)": Between(50*time.Microsecond, 3*time.Second),
		"constant_pacing(60)": ConstantPacing(time.Minute), "constant_throughput(0.25)": ConstantThroughput(0.25),
		"poisson(0.3333333333333333)": Poisson(1.0 / 3), "constant(0)": Constant(0), "": WaitFunc(func(*User) time.Duration { return 0 }),
	} {
		if wait.python != want {
			t.Errorf("%q, want %q", wait.python, want)
		}
	}
}

func TestLiveClassesAreThoseOfARun(t *testing.T) {
	start := func(*User) (shopper, error) { return shopper{}, nil }
	classes := []Class{
		NewClass("A", start).Task("one", 1, shopper.look).Task("two", 1, shopper.look),
		NewClass("B", start).Weight(0).Task("one", 1, shopper.look),
		NewClass("C", start).Task("one", 1, shopper.look),
	}
	weight := 4
	line := commandLine(Config{}, classes, "", output{})
	got, err := line.Live(cli.Settings{UserClasses: []string{"A", "B"}, UserSettings: []cli.UserSettings{{Class: "A", Weight: &weight, Tasks: []string{"two"}}}})
	if err != nil || len(got) != 1 || got[0].Name != "A" || got[0].Weight != 4 || len(got[0].Tasks.Tasks) != 1 || got[0].Tasks.Tasks[0].Name != "two" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := line.Live(cli.Settings{UserClasses: []string{"B"}}); !errors.Is(err, ErrConfig) {
		t.Errorf("only classes without a weight: %v", err)
	}
}

// Every field of Config that the settings have goes there and back.
func TestSettingsOfAConfigComeBack(t *testing.T) {
	text, number := "x", 7
	var full cli.Settings
	fields := reflect.ValueOf(&full).Elem()
	for i := range fields.NumField() {
		switch field := fields.Field(i); field.Interface().(type) {
		case string:
			field.SetString("x")
		case []string:
			field.Set(reflect.ValueOf([]string{"x"}))
		case bool:
			field.SetBool(true)
		case int, time.Duration:
			field.SetInt(7)
		case float64:
			field.SetFloat(7)
		case uint64:
			field.SetUint(7)
		case []cli.UserSettings:
			field.Set(reflect.ValueOf([]cli.UserSettings{{Class: "A", Host: &text, Weight: &number, FixedCount: &number, Tasks: []string{"x"}}}))
		case cli.Headless: // which no Config has
		default:
			t.Fatalf("no value for %s", fields.Type().Field(i).Name)
		}
	}
	got := settingsOf(Config{}.with(full))
	got.Users, got.ExitCodeOnError = full.Users, full.ExitCodeOnError // which no Config has
	got.OTel, got.Profile, got.Program = full.OTel, full.Profile, full.Program
	if !reflect.DeepEqual(got, full) {
		t.Errorf("got\n%+v, want\n%+v", got, full)
	}
	base := Config{Version: "1", Seed: 3, Messages: map[string]MessageHandler{"hello": {}}}
	if got := base.with(settingsOf(base)); !reflect.DeepEqual(got, base) {
		t.Errorf("got %+v", got)
	}
}

func TestDrainTimeoutsOfTheCommandLine(t *testing.T) {
	for in, want := range map[time.Duration]time.Duration{0: time.Second, -1: 0, time.Minute: time.Minute} {
		if got := (Config{}).with(cli.Settings{DrainTimeout: in}).withDefaults().DrainTimeout; got != want {
			t.Errorf("%v is %v, want %v", in, got, want)
		}
	}
}

func TestCriticalIsOneLevel(t *testing.T) {
	if cli.LevelCritical != logline.Critical {
		t.Error("the command line and the log differ in what CRITICAL is")
	}
}

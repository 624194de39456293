package cli

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// hardNames are names that Python or Locust would trip over.
func hardNames() []string {
	return []string{
		"get json", "class", "run", "on_start", "tasks", "weight", "task", "tag", "User", "_private", "__init__", "naïve", "ﬁ", "1st", `quo"te`, "new\nline", "None",
		"transitions", "_task_1", "back\\slash", "RuntimeError", "match", "x-y",
	}
}

// function is a task, holder one that is a set.
func function(name string, weight int, tags ...string) Task {
	return Task{Name: name, Weight: weight, Tags: tags}
}

func holder(name string, weight int, set Set, tags ...string) Task {
	return Task{Name: name, Weight: weight, Tags: tags, Set: &set}
}

func classOf(name string, tasks ...Task) Class {
	return Class{Name: name, Weight: 1, Tasks: Set{Waits: true, Wait: "constant(0)", Tasks: tasks}}
}

// stubSets are task sets of every kind in each other.
func stubSets() Set {
	chain := Set{
		Order:       Markov,
		Transitions: map[string]map[string]int{"a": {"b c": 2, "a": 1}, "b c": {"a": 1}, "In": {"In": 0, "a": 3}},
		Tasks:       []Task{function("a", 1), function("b c", 1), holder("In", 1, Set{Tasks: []Task{function("deep", 2)}})},
	}
	steps := Set{Order: Sequential, Tasks: []Task{function("one", 2), function("two", 1, "t1"), holder("Chain", 1, chain)}}
	return Set{Tasks: []Task{
		function("see", 5, "t2", "t1"), holder("Steps", 3, steps, "whole set"), holder("task", 1, Set{Tasks: []Task{function("run", 1)}}),
	}}
}

func stubClasses() []Class {
	hard := classOf("Hard")
	for i, name := range hardNames() {
		hard.Tasks.Tasks = append(hard.Tasks.Tasks, function(name, 1+i%3, name))
	}
	plain := classOf("Plain", function("one", 1), function("two", 2, "x"))
	plain.Weight, plain.Host = 3, "http://a/\"b\""
	fixed := classOf("Fixed", function("one", 1))
	fixed.FixedCount = 2
	none := classOf("None of it", function("one", 1))
	none.Weight = 0
	classes := []Class{plain, fixed, none, classOf("Nested", function("one", 1), holder("Browse", 2, stubSets(), "outer")), hard}
	for _, name := range []string{"User", "task", "JSON-Read", "class", "TaskSet", "naïve", "_class_1", "RuntimeError"} {
		classes = append(classes, classOf(name, function(name, 1)))
	}
	return classes
}

func stub(t *testing.T, classes []Class, names ...string) string {
	t.Helper()
	c, sh := testCommand(nil, append([]string{"stub"}, names...)...)
	c.Classes = classes
	if code := c.Run(t.Context()); code != ExitOK || sh.stderr.String() != "" {
		t.Fatalf("exit code %d: %s", code, sh.stderr.String())
	}
	return sh.stdout.String()
}

// A pythonTask is a task or a set as testdata/commandline.py describes it.
type pythonTask struct {
	Weight int
	Tags   []string
	Kind   string
	Tasks  map[string]pythonTask
	Next   []string
	Wait   []string
}

type pythonClass struct {
	Weight     int
	FixedCount int `json:"fixed_count"`
	Wait       []string
	Host       string
	Tasks      map[string]pythonTask
	Failure    string
}

// wanted is the same of a set that was declared here. Tags of a set are its
// tasks' in Python. In a Markov chain names are those that they are written under.
func wanted(s *Set, outer []string, names func(string) string) map[string]pythonTask {
	written := names
	if s.Order != Markov {
		written = func(name string) string { return name }
	}
	tasks := map[string]pythonTask{}
	for _, t := range s.Tasks {
		one := pythonTask{Weight: t.Weight, Tags: []string{}}
		tags := append(slices.Clone(outer), t.Tags...)
		if t.Set != nil {
			one.Kind = map[Order]string{Random: "TaskSet", Sequential: "SequentialTaskSet", Markov: "MarkovTaskSet"}[t.Set.Order]
			if t.Set.Order == Markov {
				tags = nil // which takes none
			}
			one.Tasks = wanted(t.Set, tags, names)
		} else {
			slices.Sort(tags)
			one.Tags = append(one.Tags, slices.Compact(tags)...)
		}
		for target, weight := range s.Transitions[t.Name] {
			for range weight {
				one.Next = append(one.Next, written(target))
			}
		}
		slices.Sort(one.Next)
		tasks[written(t.Name)] = one
	}
	return tasks
}

// Conformance: L16
func TestLocustLoadsTheStub(t *testing.T) {
	classes := stubClasses()
	text := stub(t, classes)
	var described []map[string]pythonClass
	locust(t, "classes", []string{text}, &described)
	if len(described[0]) != len(classes) {
		t.Errorf("%d classes, want %d: %q", len(described[0]), len(classes), slices.Collect(maps.Keys(described[0])))
	}
	for _, class := range classes {
		got := described[0][class.Name]
		want := pythonClass{Weight: class.Weight, FixedCount: class.FixedCount, Host: class.Host, Failure: got.Failure, Wait: []string{"constant", "0.0"}}
		want.Tasks = wanted(&class.Tasks, nil, func(name string) string {
			if name == "b c" {
				return "_task_2" // the second that cannot be written under its own name, after the set "task"
			}
			return name
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", class.Name, got, want)
		}
		if !strings.HasPrefix(got.Failure, `RuntimeError('"shoptest" is a Go worker`) {
			t.Errorf("%s fails with %q", class.Name, got.Failure)
		}
		for _, command := range []string{"`shoptest stub > locustfile.py && locust --master -f locustfile.py`", "`shoptest --worker --master-host "} {
			if !strings.Contains(got.Failure, command) {
				t.Errorf("%s fails without naming %s: %s", class.Name, command, got.Failure)
			}
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestStubKeepsWaitTimes(t *testing.T) {
	waits := map[string]struct {
		wait string
		want []string
	}{
		"Constant":   {"constant(1.5)", []string{"constant", "1.5"}},
		"Between":    {"between(5e-05, 3)", []string{"between", "3.0", "5e-05"}},
		"Pacing":     {"constant_pacing(60)", []string{"constant_pacing", "60.0"}},
		"Throughput": {"constant_throughput(0.25)", []string{"constant_pacing", "4.0"}},
		"Poisson":    {"poisson(0.3333333333333333)", []string{"poisson", "0.3333333333333333"}},
		"None":       {"constant(0)", []string{"constant", "0.0"}},
		"Function":   {"", []string{"constant", "0.0"}},
	}
	var classes []Class
	for _, name := range slices.Sorted(maps.Keys(waits)) {
		class := classOf(name, function("buy", 1), holder("In", 1, Set{Waits: true, Wait: waits[name].wait, Tasks: []Task{function("deep", 1)}}))
		class.Tasks.Wait = waits[name].wait
		classes = append(classes, class)
	}
	text := stub(t, classes)
	var described []map[string]pythonClass
	locust(t, "classes", []string{text}, &described)
	for name, w := range waits {
		got := described[0][name]
		if !slices.Equal(got.Wait, w.want) {
			t.Errorf("%s: %q, want %q", name, got.Wait, w.want)
		}
		if inner := got.Tasks["In"].Wait; name != "Function" && !slices.Equal(inner, w.want) {
			t.Errorf("the set of %s: %q, want %q", name, inner, w.want)
		}
	}
	if strings.Count(text, "# wait_time is a function in Go") != 2 {
		t.Error(text)
	}
}

func TestStubOfSomeClasses(t *testing.T) {
	text := stub(t, shopClasses(), "Looker")
	if !strings.Contains(text, "class Looker(_GoUser):") || strings.Contains(text, "Buyer") {
		t.Error(text)
	}
	c, sh := testCommand(nil, "stub")
	c.Defaults.UserClasses = []string{"Buyer"}
	if c.Run(t.Context()); strings.Contains(sh.stdout.String(), "Looker") {
		t.Errorf("the program offers Buyer only:\n%s", sh.stdout.String())
	}
}

func TestNamesThatAStubGivesOtherNames(t *testing.T) {
	var attributes []string
	locust(t, "attributes", nil, &attributes)
	for _, name := range attributes {
		if plainName(name) {
			t.Errorf("a task named %s would hide Locust's", name)
		}
	}
	for _, name := range hardNames() {
		if plainName(name) && name != "match" { // a keyword in some places only
			t.Errorf("%q is written as it is", name)
		}
	}
	for _, name := range []string{"get_json", "getJSON", "x1", "A"} {
		if !plainName(name) {
			t.Errorf("%q is not written as it is", name)
		}
	}
}

// The program locust itself agrees, with its list of classes and its ratios.
func TestLocustShowsTheSameRatios(t *testing.T) {
	locust := filepath.Join(filepath.Dir(pythontest.Interpreter(t)), "locust")
	classes := stubClasses()[:4]
	file := filepath.Join(t.TempDir(), "stub.py")
	if err := os.WriteFile(file, []byte(stub(t, classes)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"--list", "--show-task-ratio-json"} {
		cmd := exec.CommandContext(t.Context(), locust, "-f", file, option)
		cmd.Dir = filepath.Dir(file)
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		c, sh := testCommand(nil, option)
		c.Classes, c.Live = classes, weighted(classes)
		if code := c.Run(t.Context()); code != ExitOK {
			t.Fatalf("exit code %d: %s", code, sh.stderr.String())
		}
		got := sh.stdout.String()
		if option == "--list" { // a class that has to be given its name comes last there
			got, want = sorted(got), []byte(sorted(string(want)))
		}
		if got != string(want) {
			t.Errorf("%s:\n%s, Locust says\n%s", option, got, want)
		}
	}
}

func sorted(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

// weighted leaves out what no run has, as Program.Live does.
func weighted(classes []Class) func(Settings) ([]Class, error) {
	return func(Settings) ([]Class, error) {
		return slices.DeleteFunc(slices.Clone(classes), func(c Class) bool { return c.Weight == 0 && c.FixedCount == 0 }), nil
	}
}

// randomClasses are classes with plain names and sets of any kind.
func randomClasses(r *rand.Rand) []Class {
	var set func(depth int) Task
	set = func(depth int) Task {
		s := Set{}
		if r.IntN(2) == 0 {
			s.Order = Sequential
		}
		for n := range 1 + r.IntN(4) {
			s.Tasks = append(s.Tasks, function(fmt.Sprintf("t%d", n), 1+r.IntN(7)))
		}
		if depth < 3 && r.IntN(2) == 0 {
			s.Tasks = append(s.Tasks, set(depth+1))
		}
		return holder(fmt.Sprintf("Set%d", r.IntN(1000)), 1+r.IntN(5), s)
	}
	var classes []Class
	for n := range 1 + r.IntN(5) {
		c := classOf(fmt.Sprintf("C%d", n))
		c.Weight = r.IntN(8)
		if r.IntN(3) == 0 {
			c.FixedCount = r.IntN(4)
		}
		for n := range 1 + r.IntN(4) {
			c.Tasks.Tasks = append(c.Tasks.Tasks, function(fmt.Sprintf("t%d", n), 1+r.IntN(9)))
		}
		if r.IntN(2) == 0 {
			c.Tasks.Tasks = append(c.Tasks.Tasks, set(0))
		}
		classes = append(classes, c)
	}
	return append(classes, classOf("Last", function("t", 1)))
}

func TestRatiosAreLocusts(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 15))
	var questions [][]any
	var ours [][2]string
	for range 120 {
		classes := randomClasses(random)
		users := random.IntN(30)
		questions = append(questions, []any{stub(t, classes), users})
		var printed [2]string
		for i, option := range []string{"--show-task-ratio-json", "--show-task-ratio"} {
			c, sh := testCommand(nil, option, "-u", fmt.Sprint(users))
			c.Classes, c.Live = classes, weighted(classes)
			if code := c.Run(t.Context()); code != ExitOK {
				t.Fatalf("exit code %d: %s", code, sh.stderr.String())
			}
			printed[i] = sh.stdout.String()
		}
		ours = append(ours, printed)
	}
	var theirs [][2]string
	locust(t, "ratios", questions, &theirs)
	line := strings.Repeat("-", 80)
	headings := strings.NewReplacer("\n Task ratio per User class\n"+line+"\n", "", "\n Total task ratio\n"+line+"\n", "")
	for i := range ours {
		if ours[i][0] != theirs[i][0] {
			t.Fatalf("%d users: %s\nLocust says\n%s\n%s", questions[i][1], ours[i][0], theirs[i][0], questions[i][0])
		}
		if headings.Replace(ours[i][1]) != theirs[i][1] {
			t.Fatalf("%d users: %s\nLocust says\n%s\n%s", questions[i][1], ours[i][1], theirs[i][1], questions[i][0])
		}
	}
}

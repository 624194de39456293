package locustworker

import (
	"context"
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
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
)

func (shopper) look(context.Context) error { return nil }

func enter(shopper) (shopper, error) { return shopper{}, nil }

// hardNames are names that Python or Locust would trip over.
func hardNames() []string {
	return []string{
		"get json", "class", "run", "on_start", "tasks", "weight", "task", "tag", "User", "_private", "__init__", "naïve", "ﬁ", "1st", `quo"te`, "new\nline", "None",
		"transitions", "_task_1", "back\\slash", "RuntimeError", "match", "x-y",
	}
}

// stubSets are task sets of every kind in each other.
func stubSets() Nested[shopper] {
	chain := NewSet("Chain", enter).Markov(map[string]map[string]int{"a": {"b c": 2, "a": 1}, "b c": {"a": 1}, "In": {"In": 0, "a": 3}}).
		Task("a", 1, shopper.look).Task("b c", 1, shopper.look).Nest(1, NewSet("In", enter).Task("deep", 2, shopper.look))
	steps := NewSet("Steps", enter).Sequential().Task("one", 2, shopper.look).Task("two", 1, shopper.look, "t1").Nest(1, chain)
	return NewSet("Browse", enter).Task("see", 5, shopper.look, "t2", "t1").Nest(3, steps, "whole set").Nest(1, NewSet("task", enter).Task("run", 1, shopper.look))
}

func stubClasses() []Class {
	start := func(*User) (shopper, error) { return shopper{}, nil }
	hard := NewClass("Hard", start)
	for i, name := range hardNames() {
		hard.Task(name, 1+i%3, shopper.look, name)
	}
	classes := []Class{
		NewClass("Plain", start).Weight(3).Host("http://a/\"b\"").Task("one", 1, shopper.look).Task("two", 2, shopper.look, "x"),
		NewClass("Fixed", start).FixedCount(2).Task("one", 1, shopper.look),
		NewClass("None of it", start).Weight(0).Task("one", 1, shopper.look),
		NewClass("Nested", start).Task("one", 1, shopper.look).Nest(2, stubSets(), "outer"),
		hard,
	}
	for _, name := range []string{"User", "task", "JSON-Read", "class", "TaskSet", "naïve", "_class_1", "RuntimeError"} {
		classes = append(classes, NewClass(name, start).Task(name, 1, shopper.look))
	}
	return classes
}

func stub(t *testing.T, classes []Class, names ...string) string {
	t.Helper()
	c, sh := testCommand(nil, append([]string{"stub"}, names...)...)
	if code := c.run(t.Context(), Config{}, classes); code != exitOK || sh.stderr.String() != "" {
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
func wanted(s *setSpec, outer []string, names func(string) string) map[string]pythonTask {
	written := names
	if s.order != orderMarkov {
		written = func(name string) string { return name }
	}
	tasks := map[string]pythonTask{}
	for _, t := range s.tasks {
		one := pythonTask{Weight: t.weight, Tags: []string{}}
		tags := append(slices.Clone(outer), t.tags...)
		if t.set != nil {
			one.Kind = map[order]string{orderRandom: "TaskSet", orderSequential: "SequentialTaskSet", orderMarkov: "MarkovTaskSet"}[t.set.order]
			if t.set.order == orderMarkov {
				tags = nil // which takes none
			}
			one.Tasks = wanted(t.set, tags, names)
		} else {
			slices.Sort(tags)
			one.Tags = append(one.Tags, slices.Compact(tags)...)
		}
		for target, weight := range s.transitions[t.name] {
			for range weight {
				one.Next = append(one.Next, written(target))
			}
		}
		slices.Sort(one.Next)
		tasks[written(t.name)] = one
	}
	return tasks
}

func TestLocustLoadsTheStub(t *testing.T) {
	classes := stubClasses()
	text := stub(t, classes)
	var described []map[string]pythonClass
	python(t, "classes", []string{text}, &described)
	if len(described[0]) != len(classes) {
		t.Errorf("%d classes, want %d: %q", len(described[0]), len(classes), slices.Collect(maps.Keys(described[0])))
	}
	for _, class := range classes {
		s := class.spec()
		got := described[0][s.name]
		want := pythonClass{Weight: s.weight, FixedCount: s.fixedCount, Host: s.host, Failure: got.Failure, Wait: []string{"constant", "0.0"}}
		want.Tasks = wanted(&s.root, nil, func(name string) string {
			if name == "b c" {
				return "_task_2" // the second that cannot be written under its own name, after the set "task"
			}
			return name
		})
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", s.name, got, want)
		}
		if !strings.HasPrefix(got.Failure, `RuntimeError('"shoptest" is a Go worker`) {
			t.Errorf("%s fails with %q", s.name, got.Failure)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestStubKeepsWaitTimes(t *testing.T) {
	waits := map[string]struct {
		wait WaitTime
		want []string
	}{
		"Constant":   {Constant(1500 * time.Millisecond), []string{"constant", "1.5"}},
		"Between":    {Between(50*time.Microsecond, 3*time.Second), []string{"between", "3.0", "5e-05"}},
		"Pacing":     {ConstantPacing(time.Minute), []string{"constant_pacing", "60.0"}},
		"Throughput": {ConstantThroughput(0.25), []string{"constant_pacing", "4.0"}},
		"Poisson":    {Poisson(1.0 / 3), []string{"poisson", "0.3333333333333333"}},
		"None":       {Constant(0), []string{"constant", "0.0"}},
		"Function":   {WaitFunc(func(*User) time.Duration { return 0 }), []string{"constant", "0.0"}},
	}
	var classes []Class
	for _, name := range slices.Sorted(maps.Keys(waits)) {
		inner := NewSet("In", func(*shopper) (shopper, error) { return shopper{}, nil }).Wait(waits[name].wait).Task("deep", 1, shopper.look)
		classes = append(classes, shopClass(name).Wait(waits[name].wait).Nest(1, inner))
	}
	text := stub(t, classes)
	var described []map[string]pythonClass
	python(t, "classes", []string{text}, &described)
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
	if c.run(t.Context(), Config{UserClasses: []string{"Buyer"}}, shopClasses()); strings.Contains(sh.stdout.String(), "Looker") {
		t.Errorf("the program offers Buyer only:\n%s", sh.stdout.String())
	}
}

func TestNamesThatAStubGivesOtherNames(t *testing.T) {
	var attributes []string
	python(t, "attributes", nil, &attributes)
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
		if code := c.run(t.Context(), Config{}, classes); code != exitOK {
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

// randomClasses are classes with plain names and sets of any kind.
func randomClasses(r *rand.Rand) []Class {
	var set func(depth int) *SetOf[shopper, shopper]
	set = func(depth int) *SetOf[shopper, shopper] {
		s := NewSet(fmt.Sprintf("Set%d", r.IntN(1000)), enter)
		if r.IntN(2) == 0 {
			s.Sequential()
		}
		for n := range 1 + r.IntN(4) {
			s.Task(fmt.Sprintf("t%d", n), 1+r.IntN(7), shopper.look)
		}
		if depth < 3 && r.IntN(2) == 0 {
			s.Nest(1+r.IntN(5), set(depth+1))
		}
		return s
	}
	var classes []Class
	for n := range 1 + r.IntN(5) {
		c := NewClass(fmt.Sprintf("C%d", n), func(*User) (shopper, error) { return shopper{}, nil }).Weight(r.IntN(8))
		if r.IntN(3) == 0 {
			c.FixedCount(r.IntN(4))
		}
		for n := range 1 + r.IntN(4) {
			c.Task(fmt.Sprintf("t%d", n), 1+r.IntN(9), shopper.look)
		}
		if r.IntN(2) == 0 {
			c.Nest(1+r.IntN(4), set(0))
		}
		classes = append(classes, c)
	}
	return append(classes, NewClass("Last", func(*User) (shopper, error) { return shopper{}, nil }).Task("t", 1, shopper.look))
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
			if code := c.run(t.Context(), Config{}, classes); code != exitOK {
				t.Fatalf("exit code %d: %s", code, sh.stderr.String())
			}
			printed[i] = sh.stdout.String()
		}
		ours = append(ours, printed)
	}
	var theirs [][2]string
	python(t, "ratios", questions, &theirs)
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

func TestRatioNamesAreWrittenAsPythonWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"plain": `"plain"`, "q\"b\\": `"q\"b\\"`, "\n\r\t\b\f": `"\n\r\t\b\f"`, "\x00\x1f\x7f": `"\u0000\u001f\u007f"`, "é漢\U0001f600": `"\u00e9\u6f22\ud83d\ude00"`,
		"</a>": `"</a>"`,
	} {
		if got := jsonText(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

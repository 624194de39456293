package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

var update = flag.Bool("update", false, "write docs/internals/conformance.md")

const page = "../../docs/internals/conformance.md"

// head is the page's beginning; the sections follow.
const head = "# Conformance\n\n" +
	"<!-- Written by `make conformance` from internal/conformance/items.toml and the marks in the tests. -->\n\n" +
	"Whether a Go worker can stand in for a Python one: each item is one thing that a worker of Locust 2.47.0 does and " +
	"that the master, its web page or the author of a load test can notice. The table names the tests that hold the Go worker to it, and says how the two " +
	"compare. The installed `locust` package decides what is right.\n\n" +
	"Tests are named `package.TestName/subtest`. Those of `locustworker` run against the scripted master of `mastertest`, most of them in fake time; " +
	"those of `wire`, `stats`, `httpuser` and `cli` compare with Python's own code where there is some; those of `e2e` run a real master and, " +
	"for the comparison, real Python workers. `mastertest` fails a test as soon as a message comes that would confuse or end a real master.\n\n" +
	"States:\n\n" +
	"- *as stock*: master and author notice no difference.\n" +
	"- *better*: a fault or a loss of the Python worker that is not copied; the master notices nothing else.\n" +
	"- *differs*: done in another way, because Go is not Python.\n" +
	"- *not needed*: Python workers have it, Go workers have no use for it.\n" +
	"- *open*: known and not done.\n\n"

// stateForm is what a state may be; all but the first give the reason.
var stateForm = regexp.MustCompile(`^(as stock|(better|differs|not needed|open): .+)$`)

// list is items.toml.
type list struct {
	Section []section
}

type section struct {
	Title string
	Note  string
	Items []item
}

type item struct {
	ID    string
	Item  string
	State string
}

func readList(t *testing.T) list {
	t.Helper()
	text, err := os.ReadFile("items.toml")
	if err != nil {
		t.Fatal(err)
	}
	var l list
	if err := toml.Unmarshal(text, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// faults returns what is wrong with the items and the marks of the tests.
func faults(l list, marks []mark) []string {
	var all []string
	fault := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	held := make(map[string]bool)
	for _, m := range marks {
		for _, id := range m.items {
			held[id] = true
		}
	}
	known := make(map[string]bool)
	for _, s := range l.Section {
		for _, i := range s.Items {
			switch {
			case known[i.ID]:
				fault("items.toml: %s stands twice", i.ID)
			case !stateForm.MatchString(i.State):
				fault("items.toml: %s has the unknown state %q", i.ID, i.State)
			case strings.Contains(i.Item+i.State, "|"):
				fault("items.toml: %s has a |, which ends a cell of the table", i.ID)
			case !held[i.ID] && !strings.HasPrefix(i.State, "not needed: ") && !strings.HasPrefix(i.State, "open: "):
				fault("%s (%s) has no test: mark one with // Conformance: %s", i.ID, i.Item, i.ID)
			}
			known[i.ID] = true
		}
	}
	for _, m := range marks {
		for _, id := range m.items {
			if !known[id] {
				fault("%s is marked with %s, which is no item", m.test, id)
			}
		}
	}
	return all
}

// render returns the page.
func render(l list, marks []mark) string {
	tests := make(map[string][]string)
	for _, m := range marks {
		for _, id := range m.items {
			tests[id] = append(tests[id], "`"+m.test+"`")
		}
	}
	var b strings.Builder
	b.WriteString(head)
	for n, s := range l.Section {
		if n > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "## %d %s\n\n", n+1, s.Title)
		if s.Note != "" {
			b.WriteString(s.Note + "\n\n")
		}
		b.WriteString("| ID | Item | Test | State |\n| --- | --- | --- | --- |\n")
		for _, i := range s.Items {
			slices.Sort(tests[i.ID])
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", i.ID, i.Item, strings.Join(tests[i.ID], ", "), i.State)
		}
	}
	return b.String()
}

func TestThePageIsUpToDate(t *testing.T) {
	l, marks := readList(t), readMarks(t, filepath.Join("..", ".."))
	for _, fault := range faults(l, marks) {
		t.Error(fault)
	}
	want := render(l, marks)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/internals/conformance.md is out of date: run make conformance")
	}
}

func TestFaultsAreFound(t *testing.T) {
	good := item{ID: "A1", Item: "does it", State: "as stock"}
	held := mark{test: "a.TestA", items: []string{"A1"}}
	for name, c := range map[string]struct {
		items []item
		marks []mark
		want  string
	}{
		"none":           {[]item{good}, []mark{held}, ""},
		"no test":        {[]item{good}, nil, "A1 (does it) has no test"},
		"not needed":     {[]item{{ID: "A1", State: "not needed: no use"}}, nil, ""},
		"unknown item":   {[]item{good}, []mark{held, {test: "a.TestB", items: []string{"A2"}}}, "a.TestB is marked with A2"},
		"unknown state":  {[]item{{ID: "A1", State: "pending"}}, []mark{held}, "unknown state"},
		"without reason": {[]item{{ID: "A1", State: "better"}}, []mark{held}, "unknown state"},
		"twice":          {[]item{good, good}, []mark{held}, "stands twice"},
		"no cell":        {[]item{{ID: "A1", Item: "a|b", State: "as stock"}}, []mark{held}, "ends a cell"},
	} {
		got := strings.Join(faults(list{[]section{{Items: c.items}}}, c.marks), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

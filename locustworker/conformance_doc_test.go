package locustworker

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// conformanceItems is how many items each section of the conformance list has.
func conformanceItems() map[string]int {
	return map[string]int{
		"T": 12, "H": 9, "B": 8, "SP": 17, "F": 12, "X": 13, "ER": 4, "Q": 12, "N": 11, "L": 17,
		"P": 21, "C": 17, "U": 9, "D": 6, "K": 14, "G": 1,
	}
}

// conformancePackages is where the tests named in the table are.
func conformancePackages() map[string]string {
	return map[string]string{
		"locustworker": ".", "mastertest": "mastertest", "httpuser": "httpuser", "e2e": "../e2e",
		"wire": "internal/wire", "transport": "internal/transport", "stats": "internal/stats",
		"sysstat": "internal/sysstat", "cli": "internal/cli", "logline": "internal/logline",
		"uplink": "internal/uplink", "session": "internal/session",
	}
}

// A conformanceRow is a row of the table in docs/conformance.md.
type conformanceRow struct {
	id, item, state string
	tests           []string
}

var (
	rowForm  = regexp.MustCompile(`^\| ([A-Z]+)([0-9]+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$`)
	testForm = regexp.MustCompile("`([a-z0-9]+)\\.(Test[A-Za-z0-9]+|Fuzz[A-Za-z0-9]+)(/[^`]+)?`")
	// stateForm has what a state may be; all but the first say why.
	stateForm = regexp.MustCompile(`^(as stock|better: .+|differs: .+|not needed: .+|e2e: pending|open: .+)$`)
)

func conformanceRows(t *testing.T) []conformanceRow {
	t.Helper()
	text, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []conformanceRow
	for line := range strings.Lines(string(text)) {
		m := rowForm.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ID ") && !strings.HasPrefix(line, "| -") {
				t.Errorf("not a row of the table: %s", line)
			}
			continue
		}
		row := conformanceRow{id: m[1] + m[2], item: m[3], state: m[5]}
		row.tests = testForm.FindAllString(m[4], -1)
		if rest := strings.Trim(testForm.ReplaceAllString(m[4], ""), ", "); rest != "" {
			t.Errorf("%s: %q is no test in the form `package.TestName/subtest`", row.id, rest)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestConformanceTableLeavesNothingOut(t *testing.T) {
	listed := make(map[string]int)
	for _, row := range conformanceRows(t) {
		listed[row.id]++
		if !stateForm.MatchString(row.state) {
			t.Errorf("%s: unknown state %q", row.id, row.state)
		}
		if excused := strings.HasPrefix(row.state, "not needed: ") || row.state == "e2e: pending" || strings.HasPrefix(row.state, "open: "); len(row.tests) == 0 && !excused {
			t.Errorf("%s has no test", row.id)
		}
	}
	for section, n := range conformanceItems() {
		for i := 1; i <= n; i++ {
			id := section + strconv.Itoa(i)
			if listed[id] != 1 {
				t.Errorf("%s is listed %d times; want once", id, listed[id])
			}
			delete(listed, id)
		}
	}
	for id := range listed {
		t.Errorf("%s is no item of the list", id)
	}
}

func TestConformanceTableNamesRealTests(t *testing.T) {
	suites := make(map[string]suite)
	for name, dir := range conformancePackages() {
		suites[name] = loadSuite(t, dir)
	}
	named := make(map[string]bool)
	for _, row := range conformanceRows(t) {
		for _, name := range row.tests {
			m := testForm.FindStringSubmatch(name)
			if fault := suites[m[1]].lacks(m[2], strings.TrimPrefix(m[3], "/")); fault != "" {
				t.Errorf("%s: %s: %s", row.id, name, fault)
			}
			named[m[1]+"."+m[2]] = true
		}
	}
	for name := range suites["locustworker"].tests {
		if strings.HasPrefix(name, "TestConformance") && !strings.HasPrefix(name, "TestConformanceTable") && !named["locustworker."+name] {
			t.Errorf("%s stands for no item", name)
		}
	}
}

// A suite is the tests of one directory.
type suite struct {
	tests    map[string]bool
	literals []string // that subtests may be named by
}

func loadSuite(t *testing.T, dir string) suite {
	t.Helper()
	s := suite{tests: make(map[string]bool)}
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no tests: %v", dir, err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if os.IsNotExist(err) {
			continue // renamed in between
		}
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil {
					s.tests[n.Name.Name] = true
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					s.literals = append(s.literals, text)
				}
			}
			return true
		})
	}
	return s
}

// lacks says what there is not, or "".
func (s suite) lacks(test, sub string) string {
	switch {
	case !s.tests[test]:
		return "there is no such test"
	case sub != "" && !slices.Contains(s.literals, sub):
		return fmt.Sprintf("no subtest can be named %q", sub)
	}
	return ""
}

// What the check above must find.
func TestConformanceTableIsChecked(t *testing.T) {
	s := loadSuite(t, ".")
	for _, c := range []struct {
		test, sub string
		ok        bool
	}{
		{"TestConformanceTableIsChecked", "", true},
		{"TestConformanceTable" + "Is", "", false},
		{"TestAUsersLife", "pacing counts on_start and the task", true},
		{"TestAUsersLife", "nothing" + " of it", false},
	} {
		if fault := s.lacks(c.test, c.sub); (fault == "") != c.ok {
			t.Errorf("%s/%s: %q", c.test, c.sub, fault)
		}
	}
}

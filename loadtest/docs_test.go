package loadtest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{root}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tableUnder are the lines of the table under a heading of docs/test-sets.md.
func tableUnder(t *testing.T, heading string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(readFile(t, "docs", "test-sets.md"), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/test-sets.md has no heading %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	var lines []string
	for _, line := range strings.Split(rest, "\n") {
		if strings.HasPrefix(line, "| ") {
			lines = append(lines, line)
		}
	}
	return lines[2:]
}

// tableLine is a line of the table of settings.
func tableLine(name, value, argument, text string) string {
	return strings.ReplaceAll("| `"+strings.Join([]string{name + "`", value, argument, text}, " | ")+" |", "  ", " ")
}

// The page lists each variable with its default and what it sets, those of the
// service too, and none that there is not.
func TestDocsListEverySetting(t *testing.T) {
	var want []string
	for _, s := range Settings() {
		want = append(want, tableLine(s.Name, s.Default, "`"+strings.ToLower(s.Name)+"`", s.Text))
	}
	want = append(want,
		"| `LOAD_GEN_WEIGHT_<CLASS>` | 1 | in `load_gen_weights` | weight of a class, its name in capitals: `LOAD_GEN_WEIGHT_JSONGET` |",
		"| `LOAD_GEN_WEIGHT_<CLASS>_<TASK>` | see above | in `load_gen_weights` | weight of a task: `LOAD_GEN_WEIGHT_JSONGET_GET_JSON`; 0 for never |",
		tableLine(confVariable, confFile, "", "the file of settings"))
	for _, m := range serviceVariable.FindAllStringSubmatch(readFile(t, "cmd", "api", "settings.go"), -1) {
		if strings.HasPrefix(m[1], "REDIS_") {
			want = append(want, tableLine(m[1], m[2], "", "the service: "+m[3]))
		}
	}
	got := tableUnder(t, "Settings")
	if !slices.Equal(got, want) {
		t.Errorf("the table of settings differs\npage:\n%s\ncode:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	weights := WeightVariables()
	if weights["JSONGet"] != "LOAD_GEN_WEIGHT_JSONGET" || weights["JSONGet.get_json"] != "LOAD_GEN_WEIGHT_JSONGET_GET_JSON" {
		t.Errorf("the page's examples of weights are not %v", weights)
	}
}

var serviceVariable = regexp.MustCompile("`envconfig:\"([A-Z_]+)\"(?: default:\"([^\"]*)\")? desc:\"([^\"]*)\"`")

// Each class has a line with its tasks and their weights, in order.
func TestDocsListEveryClass(t *testing.T) {
	var want []string
	for _, s := range sets() {
		var rows []string
		for _, task := range s.tasks {
			row := "`" + task.name + "`"
			if task.weight != 1 {
				row += fmt.Sprint(" ", task.weight)
			}
			rows = append(rows, row)
		}
		want = append(want, "| "+s.name+" | "+strings.Join(rows, ", ")+" |")
	}
	got := tableUnder(t, "Test sets")
	if len(got) != len(want) {
		t.Fatalf("the page lists %d classes, there are %d", len(got), len(want))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("the page says\n%s\nand the code\n%s", got[i], want[i])
		}
	}
}

// local_conf/app.conf shows each setting with its default and sets none.
func TestTheSettingsFileShowsTheDefaults(t *testing.T) {
	text := readFile(t, "local_conf", "app.conf")
	values, err := ParseFile(text)
	if err != nil || len(values) != 0 {
		t.Errorf("it sets %v (%v)", values, err)
	}
	for _, s := range Settings() {
		line := "#" + s.Name + "=" + s.Default
		if s.Name == "API_ENDPOINT" {
			line += defaultHost
		}
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("it does not show %s", line)
		}
	}
	shown, err := ParseFile(strings.ReplaceAll(text, "\n#LOAD_GEN", "\nLOAD_GEN"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := configFrom(shown); err != nil {
		t.Errorf("the defaults that it shows have a fault: %v", err)
	}
}

// configFrom is the configuration that a program with these variables has.
func configFrom(variables map[string]string) (Config, error) {
	var env Environment
	for i, s := range Settings() {
		reflect.ValueOf(&env).Elem().Field(i).SetString(variables[s.Name])
	}
	return env.Config(func(name string) (string, bool) { value, ok := variables[name]; return value, ok })
}

// Each variable has what it sets, and the other way round.
func TestEverySettingIsSet(t *testing.T) {
	var names []string
	for _, s := range Settings() {
		names = append(names, s.Name)
	}
	set := slices.Sorted(maps.Keys(setters()))
	slices.Sort(names)
	if !slices.Equal(names, set) {
		t.Errorf("the variables are %v, and set are %v", names, set)
	}
}

func TestFileSettings(t *testing.T) {
	const a, b, weight = "LOAD_GEN_SEED", "API_ENDPOINT", "LOAD_GEN_WEIGHT_JSONGET"
	files := map[string]string{confFile: a + "=1\n" + b + "=file\n", "own": weight + "=2\nLOCUST_HOST=x\nREDIS_HOST=y", "broken": "A"}
	readFile := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, os.ErrNotExist
	}
	for name, c := range map[string]struct {
		env, want map[string]string
		ok        bool
	}{
		"the file":            {nil, map[string]string{a: "1", b: "file"}, true},
		"the environment":     {map[string]string{a: "2", b: ""}, map[string]string{b: "file"}, true},
		"a file that it says": {map[string]string{confVariable: "own"}, map[string]string{weight: "2"}, true},
		"a missing file":      {map[string]string{confVariable: "missing"}, nil, false},
		"a broken file":       {map[string]string{confVariable: "broken"}, nil, false},
	} {
		got, err := FileSettings(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }, readFile)
		if !maps.Equal(got, c.want) || (err == nil) != c.ok || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, c.want)
		}
	}
	delete(files, confFile)
	if got, err := FileSettings(func(string) (string, bool) { return "", false }, readFile); len(got) != 0 || err != nil {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

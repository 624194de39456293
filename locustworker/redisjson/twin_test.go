package redisjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
)

const root = "../.."

// twin runs testdata/twin.py on locustfile.py and decodes what it prints.
func twin(t *testing.T, into any, command string, args ...string) {
	t.Helper()
	python := filepath.Join(root, ".local", "venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("no Python with Locust: %v; run make deps", err)
	}
	cmd := exec.CommandContext(t.Context(), python,
		append([]string{filepath.Join("testdata", "twin.py"), command, filepath.Join(root, "locustfile.py")}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// A row of the statistics or of the failures, with its text.
type row struct{ method, name, failure string }

// goRows runs each task of the Go class times over, as one user.
func goRows(t *testing.T, host string, times int) record {
	t.Helper()
	rows, failures := map[row]int{}, map[row]int{}
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	self := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
		Host: host, Seed: 1,
		Record: func(s locustworker.Sample) {
			rows[row{s.Type, s.Name, ""}]++
			if s.Err != nil {
				failures[row{s.Type, s.Name, s.Err.Error()}]++
			}
		},
		Cut: func() { t.Error("a request was cut") },
	})
	u, err := s.newUser(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := u.OnStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, task := range tasks(u) {
		for range times {
			if err := task(self.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	return record{rows, failures}
}

// A record is what one user did at one host.
type record struct{ rows, failures map[row]int }

// pythonRows does the same with locustfile.py, at each host.
func pythonRows(t *testing.T, times int, hosts ...string) []record {
	t.Helper()
	var printed []struct {
		Rows     [][3]any
		Failures [][4]any
	}
	twin(t, &printed, "run", append([]string{fmt.Sprint(times)}, hosts...)...)
	records := make([]record, len(printed))
	for i, p := range printed {
		records[i] = record{map[row]int{}, map[row]int{}}
		for _, r := range p.Rows {
			records[i].rows[row{r[0].(string), r[1].(string), ""}] = int(r[2].(float64))
		}
		for _, r := range p.Failures {
			records[i].failures[row{r[0].(string), r[1].(string), r[2].(string)}] = int(r[3].(float64))
		}
	}
	return records
}

func TestLocustfileDeclaresTheSameClasses(t *testing.T) {
	type class struct {
		locustworker.ClassInfo
		Wait []float64
	}
	var python []class
	twin(t, &python, "classes")
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var want []class
	for _, c := range s.Classes() {
		want = append(want, class{locustworker.Describe(c), []float64{s.cfg.MinWait.Seconds(), s.cfg.MaxWait.Seconds()}})
	}
	got, err := json.MarshalIndent(python, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	expected, err := json.MarshalIndent(want, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, expected) {
		t.Errorf("locustfile.py and Scenario.Classes differ\nlocustfile.py:\n%s\nGo:\n%s", got, expected)
	}
}

func TestLocustfileHasTheSameSettings(t *testing.T) {
	type settings struct {
		RequestTimeout   float64         `json:"REQUEST_TIMEOUT"`
		SampleSize       int             `json:"SAMPLE_SIZE"`
		FlatDocuments    int             `json:"FLAT_DOCUMENTS"`
		ComplexDocuments int             `json:"COMPLEX_DOCUMENTS"`
		MaxGrown         int             `json:"MAX_GROWN"`
		MaxNumber        float64         `json:"MAX_NUMBER"`
		MinNumber        float64         `json:"MIN_NUMBER"`
		Kinds            [kinds]string   `json:"KINDS"`
		ReadFields       [kinds][]string `json:"READ_FIELDS"`
		UpdateFields     [kinds][]string `json:"UPDATE_FIELDS"`
	}
	var python settings
	twin(t, &python, "settings")
	c := Config{}.withDefaults()
	want := settings{
		c.RequestTimeout.Seconds(), c.SampleSize, c.FlatDocuments, c.ComplexDocuments,
		maxGrown, maxNumber, minNumber, prefixes, readFields, updateFields,
	}
	if !reflect.DeepEqual(python, want) {
		t.Errorf("settings differ\nlocustfile.py: %+v\nGo:            %+v", python, want)
	}
}

// Each task's row is named after it, and both workers make the same rows, equally
// often, with documents and changes of the same form.
func TestBothWorkersDoTheSame(t *testing.T) {
	const times = 100
	databases := [][]string{
		nil,
		{"basicUser:1", "basicUser:a b/c%é?#", "user:1", "user:2", "complex:1", "unknown:1"},
	}
	var served []*fakeAPI
	var hosts []string
	for _, keys := range databases {
		f, host := newFakeAPI(t, keys...)
		served, hosts = append(served, f), append(hosts, host)
	}
	python := pythonRows(t, times, hosts...)
	for i, keys := range databases {
		f, host := newFakeAPI(t, keys...)
		got, want := goRows(t, host, times), python[i]
		if len(got.failures) != 0 || len(want.failures) != 0 {
			t.Errorf("database %d: failures: Go %v, Python %v", i, got.failures, want.failures)
		}
		for _, task := range locustworker.Describe((&Scenario{}).Classes()[0]).Tasks {
			n := 0
			for _, method := range []string{"GET", "POST", "PUT"} {
				n += got.rows[row{method, api + task.Name, ""}]
			}
			if n < times {
				t.Errorf("database %d: task %s ran %d times and made %d requests of its name", i, task.Name, times, n)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("database %d: rows differ\nGo:     %v\nPython: %v", i, got, want)
		}
		if !reflect.DeepEqual(f.served, served[i].served) {
			t.Errorf("database %d: requests differ\nGo:     %v\nPython: %v", i, f.served, served[i].served)
		}
		if !reflect.DeepEqual(f.shapes, served[i].shapes) {
			t.Errorf("database %d: bodies differ\nGo:     %v\nPython: %v", i, keysOf(f.shapes), keysOf(served[i].shapes))
		}
	}
}

// A field that a reply shows to be too large is set anew at once.
func TestBothWorkersSetAnewWhatHasOutgrown(t *testing.T) {
	const times, changes = 20, 3 // of the tasks that make something grow
	newGrown := func() string {
		f, host := newFakeAPI(t, "basicUser:1", "user:1", "complex:1")
		f.grow()
		return host
	}
	for worker, got := range map[string]record{"Go": goRows(t, newGrown(), times), "Python": pythonRows(t, times, newGrown())[0]} {
		if n := got.rows[row{"PUT", "/api/v1/updateField", ""}]; n != times+changes*times || len(got.failures) != 0 {
			t.Errorf("%s made %d updates, want %d (failures: %v)", worker, n, times+changes*times, got.failures)
		}
	}
}

func TestBothWorkersFailWithTheSameTexts(t *testing.T) {
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	wrongs := []http.HandlerFunc{
		say(404, `{"error":"x"}`),
		say(503, `{"error":"x"}`),
		say(599, ``),
		say(200, `{"status":"ok"`),
		say(200, `{"status":"no","json":{}}`),
		say(200, `{"status":"ok"}`),
		say(200, `{"status":"ok","json":null}`),
		say(200, `{"status":"ok","key":"other","json":"other"}`),
		say(200, `{ "json": 7, "status": "ok" }`),
		func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				c.Close()
			}
		},
	}
	var keys, hosts []string
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("basicUser:%d", i), fmt.Sprintf("user:%d", i), fmt.Sprintf("complex:%d", i))
	}
	for _, broken := range wrongs {
		f, host := newFakeAPI(t, keys...)
		f.broken = broken
		hosts = append(hosts, host)
	}
	for i, want := range pythonRows(t, 2, hosts...) {
		if got := goRows(t, hosts[i], 2); len(got.failures) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("answer %d: failures differ\nGo:     %v\nPython: %v", i, got.failures, want.failures)
		}
	}
}

func keysOf(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

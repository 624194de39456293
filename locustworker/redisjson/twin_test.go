package redisjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
func goRows(t *testing.T, host string, times int) (rows, failures map[row]int) {
	t.Helper()
	rows, failures = map[row]int{}, map[row]int{}
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
	return rows, failures
}

// pythonRows does the same with locustfile.py.
func pythonRows(t *testing.T, host string, times int) (rows, failures map[row]int) {
	t.Helper()
	var got struct {
		Rows     [][3]any
		Failures [][4]any
	}
	twin(t, &got, "run", host, fmt.Sprint(times))
	rows, failures = map[row]int{}, map[row]int{}
	for _, r := range got.Rows {
		rows[row{r[0].(string), r[1].(string), ""}] = int(r[2].(float64))
	}
	for _, r := range got.Failures {
		failures[row{r[0].(string), r[1].(string), r[2].(string)}] = int(r[3].(float64))
	}
	return rows, failures
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
	for name, keys := range map[string][]string{
		"empty database": nil,
		"with documents": {"basicUser:1", "basicUser:a b/c%é?#", "user:1", "user:2", "complex:1", "unknown:1"},
	} {
		t.Run(name, func(t *testing.T) {
			goAPI, goHost := newFakeAPI(t, keys...)
			pyAPI, pyHost := newFakeAPI(t, keys...)
			goGot, goFailed := goRows(t, goHost, 100)
			pyGot, pyFailed := pythonRows(t, pyHost, 100)
			if len(goFailed) != 0 || len(pyFailed) != 0 {
				t.Errorf("failures: Go %v, Python %v", goFailed, pyFailed)
			}
			if !reflect.DeepEqual(goGot, pyGot) {
				t.Errorf("rows differ\nGo:     %v\nPython: %v", goGot, pyGot)
			}
			if !reflect.DeepEqual(goAPI.served, pyAPI.served) {
				t.Errorf("requests differ\nGo:     %v\nPython: %v", goAPI.served, pyAPI.served)
			}
			if !reflect.DeepEqual(goAPI.shapes, pyAPI.shapes) {
				t.Errorf("bodies differ\nGo:     %v\nPython: %v", keysOf(goAPI.shapes), keysOf(pyAPI.shapes))
			}
		})
	}
}

func TestBothWorkersFailWithTheSameTexts(t *testing.T) {
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, broken := range map[string]http.HandlerFunc{
		"not found":   say(404, `{"error":"x"}`),
		"unavailable": say(503, `{"error":"x"}`),
		"no reason":   say(599, ``),
		"not JSON":    say(200, `{"status":"ok"`),
		"not ok":      say(200, `{"status":"no","json":{}}`),
		"no value":    say(200, `{"status":"ok"}`),
		"null":        say(200, `{"status":"ok","json":null}`),
		"other value": say(200, `{"status":"ok","key":"other","json":"other"}`),
		"spaces":      say(200, `{ "json": 7, "status": "ok" }`),
		"closed": func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
				c.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var keys []string
			for i := range 100 {
				keys = append(keys, fmt.Sprintf("basicUser:%d", i), fmt.Sprintf("user:%d", i), fmt.Sprintf("complex:%d", i))
			}
			f, host := newFakeAPI(t, keys...)
			f.broken = broken
			_, goFailed := goRows(t, host, 2)
			_, pyFailed := pythonRows(t, host, 2)
			if len(goFailed) == 0 || !reflect.DeepEqual(goFailed, pyFailed) {
				t.Errorf("failures differ\nGo:     %v\nPython: %v", goFailed, pyFailed)
			}
		})
	}
}

func keysOf(m map[string]bool) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package loadtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
)

// A row of the statistics or of the failures, with its text.
type row struct{ method, name, failure string }

// A record is what one user of each class did at one host.
type record struct {
	rows, failures map[row]int
	exceptions     map[string]int
}

// A place is a host, the documents that users are told of, and the class that
// they are of, "" for one of each that talks to the service.
type place struct {
	Host   string
	Keys   []string
	Class  string
	Config Config
}

// goRows runs each task of the Go classes times over, as one user of each.
func goRows(t *testing.T, at place, times int) record {
	t.Helper()
	rec := record{map[row]int{}, map[row]int{}, map[string]int{}}
	for _, class := range sets() {
		if at.Class != "" && at.Class != class.name || at.Class == "" && class.direct {
			continue
		}
		s, err := New(at.Config)
		if err != nil {
			t.Fatal(err)
		}
		s.pool.take("run", at.Keys)
		self := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
			Host: at.Host, Seed: 1,
			Record: func(s locustworker.Sample) {
				rec.rows[row{s.Type, s.Name, ""}]++
				if s.Err != nil {
					rec.failures[row{s.Type, s.Name, s.Err.Error()}]++
				}
			},
			Cut: func() { t.Error("a request was cut") },
		})
		u, err := s.newUser(self, class)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range class.tasks {
			for range times {
				if err := task.do(u, self.Context()); err != nil && !errors.Is(err, locustworker.ErrReschedule) {
					rec.exceptions[err.Error()]++
				}
			}
		}
	}
	return rec
}

// pythonRows does the same with locustfile.py, at each place.
func pythonRows(t *testing.T, times int, at ...place) []record {
	t.Helper()
	var printed []struct {
		Rows       [][3]any
		Failures   [][4]any
		Exceptions map[string]int
	}
	places, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	twin(t, &printed, "run", fmt.Sprint(times), string(places))
	records := make([]record, len(printed))
	for i, p := range printed {
		records[i] = record{map[row]int{}, map[row]int{}, p.Exceptions}
		for _, r := range p.Rows {
			records[i].rows[row{r[0].(string), r[1].(string), ""}] = int(r[2].(float64))
		}
		for _, r := range p.Failures {
			records[i].failures[row{r[0].(string), r[1].(string), r[2].(string)}] = int(r[3].(float64))
		}
	}
	return records
}

// everyKind are documents of all kinds, with keys that need escaping.
var everyKind = []string{
	"basicUser:1", "basicUser:a b/c%é?#", "user:1", "user:2", "complex:1", "complexString:1", "complexString:é/ 1", "hashUser:1", "unknown:1",
}

// serviceSets are the classes that talk to the service.
func serviceSets() []set {
	return slices.DeleteFunc(sets(), func(s set) bool { return s.direct })
}

// In each class, each task's row is named after it, and both workers make the
// same rows, equally often, with documents and changes of the same form.
func TestBothWorkersDoTheSame(t *testing.T) {
	const times = 60
	var served []*fakeAPI
	var places []place
	for _, class := range serviceSets() {
		f, host := newFakeAPI(t, everyKind...)
		served, places = append(served, f), append(places, place{Host: host, Keys: everyKind, Class: class.name})
	}
	python := pythonRows(t, times, places...)
	for i, class := range serviceSets() {
		want := python[i]
		f, host := newFakeAPI(t, everyKind...)
		got := goRows(t, place{Host: host, Keys: everyKind, Class: class.name}, times)
		if len(got.failures) != 0 || len(want.failures) != 0 {
			t.Errorf("%s: failures: Go %v, Python %v", class.name, got.failures, want.failures)
		}
		for _, task := range class.tasks {
			n := 0
			for r, count := range got.rows {
				if r.name == api+task.name {
					n += count
				}
			}
			if n < times {
				t.Errorf("%s: task %s ran %d times and made %d requests of its name", class.name, task.name, times, n)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: rows differ\nGo:     %v\nPython: %v", class.name, got, want)
		}
		if !reflect.DeepEqual(f.served, served[i].served) {
			t.Errorf("%s: requests differ\nGo:     %v\nPython: %v", class.name, f.served, served[i].served)
		}
		if !reflect.DeepEqual(f.shapes, served[i].shapes) {
			t.Errorf("%s: bodies differ\nGo:     %v\nPython: %v", class.name, keysOf(f.shapes), keysOf(served[i].shapes))
		}
		if left := len(f.docs) - len(everyKind); class.name == "JSONDelete" && left != 0 {
			t.Errorf("JSONDelete leaves %d documents", left)
		}
	}
}

// Without documents a class says once what to do, and makes no request for what
// it cannot do; or it writes what it needs.
func TestBothWorkersWithoutDocuments(t *testing.T) {
	const times = 5
	_, pythonHost := newFakeAPI(t)
	_, host := newFakeAPI(t)
	got, want := goRows(t, place{Host: host}, times), pythonRows(t, times, place{Host: pythonHost})[0]
	if !reflect.DeepEqual(got, want) {
		t.Errorf("they differ\nGo:     %v\nPython: %v", got, want)
	}
	for _, text := range []string{
		"no data: JSONGet has no documents complex:* to work on: run JSONSet first or `make data`",
		"no data: JSONGet has no documents complexString:* to work on: run JSONSet first or `make data`",
		"no data: RandomGet has no documents basicUser:* or user:* to work on: run RandomJSON or NestedJSON first or `make data`",
		"no data: HashVsJSONGet has no documents hashUser:* to work on: run HashVsJSONPost first or `make data`",
	} {
		if got.exceptions[text] != 1 {
			t.Errorf("%q was said %d times, want once\n%v", text, got.exceptions[text], got.exceptions)
		}
	}
	if len(got.failures) != 0 {
		t.Errorf("failures: %v", got.failures)
	}
}

// A field that a reply shows to be too large is set anew at once.
func TestBothWorkersSetAnewWhatHasOutgrown(t *testing.T) {
	const times = 20
	for class, want := range map[string]struct {
		row     string
		resets  int // tasks that make something grow beyond its bounds
		updates int // tasks that update under the same name
	}{
		ClassName:    {"updateField", 3, 1},
		"RandomPut":  {"updateField", 2, 1},
		"JSONChange": {"updateField_json", 3, 1},
	} {
		newGrown := func() place {
			keys := []string{"basicUser:1", "user:1", "complex:1", "complexString:1"}
			f, host := newFakeAPI(t, keys...)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.grow()
			return place{Host: host, Keys: keys, Class: class}
		}
		for worker, got := range map[string]record{
			"Go": goRows(t, newGrown(), times), "Python": pythonRows(t, times, newGrown())[0],
		} {
			n := got.rows[row{"PUT", api + want.row, ""}]
			if n != times*(want.resets+want.updates) || len(got.failures) != 0 {
				t.Errorf("%s %s made %d updates, want %d (failures: %v)", worker, class, n, times*(want.resets+want.updates), got.failures)
			}
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
	var keys []string
	var places []place
	for i := range 100 {
		for _, prefix := range prefixes {
			keys = append(keys, fmt.Sprintf("%s%d", prefix, i))
		}
	}
	for _, broken := range wrongs {
		f, host := newFakeAPI(t, keys...)
		f.mu.Lock()
		f.broken = broken
		f.mu.Unlock()
		places = append(places, place{Host: host, Keys: keys})
	}
	for i, want := range pythonRows(t, 2, places...) {
		if got := goRows(t, places[i], 2); len(got.failures) == 0 || !reflect.DeepEqual(got, want) {
			t.Errorf("answer %d: they differ\nGo:     %v\nPython: %v", i, got, want)
		}
	}
}

func keysOf(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

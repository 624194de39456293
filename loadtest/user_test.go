package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// newTestUser makes a user that records into samples, until it is killed or the
// test ends.
func newTestUser(t *testing.T, host, class string, samples *[]locustworker.Sample) (u *user, kill context.CancelCauseFunc) {
	t.Helper()
	s, err := New(Config{RandomDocuments: 1, StaticDocuments: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancelCause(t.Context())
	u, err = s.newUser(locustworker.NewStandaloneUser(ctx, locustworker.StandaloneConfig{
		Host: host, Record: func(s locustworker.Sample) { *samples = append(*samples, s) },
	}), setNamed(t, class))
	if err != nil {
		t.Fatal(err)
	}
	return u, kill
}

// However long a run is: no document, and not the number of documents, grows
// beyond its bound.
func TestNothingGrows(t *testing.T) {
	f, host := newFakeAPI(t)
	var samples []locustworker.Sample
	u, _ := newTestUser(t, host, ClassName, &samples)
	for _, task := range []func(context.Context) error{u.addFlat, u.addComplex} {
		for range 3 {
			if err := task(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 1000 {
		for _, task := range []func(context.Context) error{u.appendAbout, u.appendTags, u.multiplyBalance, u.multiplySpeed, u.appendComplexAbout, u.increasePower} {
			if err := task(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(f.docs) != 2 {
		t.Errorf("%d documents, want 2", len(f.docs))
	}
	for key, doc := range f.docs {
		for field, most := range map[string]int{fieldAbout: maxGrown + 100, fieldTags: maxGrown + 100} {
			text, err := json.Marshal(doc[field])
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > most {
				t.Errorf("%s of %s has grown to %d bytes", field, key, len(text))
			}
		}
		if n, ok := doc[fieldBalance]; ok && (number(n) > 2*maxNumber || number(n) < minNumber/2) {
			t.Errorf("balance of %s is %v", key, n)
		}
	}
	resets := 0
	for _, s := range samples {
		if s.Err != nil {
			t.Fatal(s.Err)
		}
		if s.Name == "/api/v1/updateField" {
			resets++
		}
	}
	if resets == 0 {
		t.Error("nothing was ever set anew: the test has shown nothing")
	}
}

func TestADocumentThatIsGoneIsDropped(t *testing.T) {
	f, host := newFakeAPI(t, "basicUser:1", "user:1", "complex:1")
	f.broken = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	var samples []locustworker.Sample
	u, _ := newTestUser(t, host, ClassName, &samples)
	u.pool.take("run", []string{"basicUser:1", "user:1", "complex:1"})
	for range 3 {
		if err := u.getJSON(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := u.pool.size(); n != 0 || len(samples) != 3 {
		t.Errorf("%d documents are known after %d requests, want 0 after 3", n, len(samples))
	}
}

// Without an API there are failures in the table, no errors of tasks, and no
// request beyond those that the tasks are about.
func TestWithoutAnAPI(t *testing.T) {
	var samples []locustworker.Sample
	u, _ := newTestUser(t, "http://127.0.0.1:1", ClassName, &samples)
	for _, task := range u.set.tasks {
		if err := task.do(u, t.Context()); err != nil && !errors.Is(err, locustworker.ErrReschedule) {
			t.Errorf("%s: %v", task.name, err)
		}
	}
	if len(samples) != 10 {
		t.Errorf("%d requests, want one a task", len(samples))
	}
	for _, s := range samples {
		if s.Err == nil || s.Err.Error() != "ConnectionRefusedError(111, 'Connection refused')" {
			t.Errorf("%s: %v", s.Name, s.Err)
		}
	}
}

func TestAStoppedUserSendsNothing(t *testing.T) {
	_, host := newFakeAPI(t, "basicUser:1")
	var samples []locustworker.Sample
	u, kill := newTestUser(t, host, ClassName, &samples)
	ctx := u.self.Context()
	stopped := errors.New("stopped")
	kill(stopped)
	for _, task := range u.set.tasks {
		if err := task.do(u, ctx); !errors.Is(err, stopped) {
			t.Errorf("%s: %v", task.name, err)
		}
	}
	if len(samples) != 0 {
		t.Errorf("%d samples", len(samples))
	}
}

// A stop between the write and the delete of a document leaves none behind.
func TestAStoppedUserDeletesItsDocument(t *testing.T) {
	f, host := newFakeAPI(t)
	var samples []locustworker.Sample
	u, kill := newTestUser(t, host, "JSONDelete", &samples)
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(u.self.Context())
	store := u.stored
	u.stored = httpuser.Check(func(r *httpuser.Response) error {
		stop(stopped)
		return u.checkStored(r)
	})
	if err := u.deleteJSON(ctx); !errors.Is(err, stopped) {
		t.Errorf("the task: %v", err)
	}
	u.stored = store
	if len(f.docs) != 1 || len(samples) != 1 {
		t.Errorf("%d documents after %d requests; want 1 after 1", len(f.docs), len(samples))
	}
	kill(stopped)
	for range 2 {
		if err := u.OnStop(context.WithoutCancel(u.self.Context())); err != nil {
			t.Error(err)
		}
	}
	if len(f.docs) != 0 || len(samples) != 2 || samples[1].Name != "/api/v1/delete_json" || samples[1].Err != nil {
		t.Errorf("%d documents; samples %+v", len(f.docs), samples)
	}
}

func TestDocumentsAreRepeatable(t *testing.T) {
	flat := func() flatDocument { return newFlatDocument(gofakeit.NewFaker(newRand(), false), "basicUser:1") }
	if a, b := flat(), flat(); a != b {
		t.Errorf("%+v and %+v come from the same seed", a, b)
	}
	nested := func() nestedDocument { return newNestedDocument(gofakeit.NewFaker(newRand(), false), "user:1") }
	if a, b := nested(), nested(); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v and %+v come from the same seed", a, b)
	}
	f := gofakeit.NewFaker(newRand(), false)
	for range 1000 {
		if b := newBalance(f); b != float64(int64(b*100+0.5))/100 || b == float64(int64(b)) || outgrown([]byte(`{"balance":`+string(mustJSON(t, b))+`}`), fieldBalance) {
			t.Fatalf("balance %v", b)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheComplexDocument(t *testing.T) {
	for size, bounds := range map[string][2]int{Size13KB: {12_500, 14_000}, Size2MB: {1_900_000, 2_100_000}} {
		body := appendComplex(nil, "complex:7", size)
		var doc map[string]any
		if err := json.Unmarshal(body, &doc); err != nil || doc["id"] != "complex:7" {
			t.Fatalf("%s: id %v (%v)", size, doc["id"], err)
		}
		if n := len(body); n < bounds[0] || n > bounds[1] {
			t.Errorf("%s: it has %d bytes", size, n)
		}
		for _, fields := range [][]string{
			readFields[complexKind], wholeFields[complexKind], updateFields[complexKind], staticFields[complexKind],
			nestedFields[complexKind],
			{fieldPower, fieldSpeed},
		} {
			for _, field := range fields {
				if at(doc, field) == nil {
					t.Errorf("%s: it has no %s", size, field)
				}
			}
		}
		// What outgrows is looked for by its last name.
		if string(member(body, "speed")) != "61.5" || !bytes.Contains(body[:200], member(body, fieldAbout)) {
			t.Errorf("%s: another member comes before stats.speed or about", size)
		}
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		cfg Config
		ok  bool
	}{
		"zero":             {Config{}, true},
		"own":              {Config{MinWait: time.Second, MaxWait: time.Second, SampleSize: 1, RandomDocuments: 1, StaticDocuments: 1}, true},
		"no wait":          {Config{MinWait: -1, MaxWait: -1}, true},
		"huge documents":   {Config{DocumentSize: Size2MB}, true},
		"weights":          {Config{Weights: map[string]int{"JSONGet": 0, "JSONGet.get_json": 0, "JSONSet.add_json": 7}}, true},
		"unknown weight":   {Config{Weights: map[string]int{"JSONGet.get": 1}}, false},
		"negative weight":  {Config{Weights: map[string]int{"JSONGet": -1}}, false},
		"no task left":     {Config{Weights: map[string]int{"JSONDelete.delete_json": 0}}, false},
		"unknown size":     {Config{DocumentSize: "1KB"}, false},
		"sample too large": {Config{SampleSize: 100_001}, false},
		"wait backwards":   {Config{MinWait: 2, MaxWait: 1}, false},
		"negative timeout": {Config{RequestTimeout: -1}, false},
		"negative size":    {Config{SampleSize: -1}, false},
		"negative count":   {Config{RandomDocuments: -1}, false},
		"negative complex": {Config{StaticDocuments: -1}, false},
	} {
		s, err := New(c.cfg)
		if (err == nil) != c.ok || (s != nil) != c.ok || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

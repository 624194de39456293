package redisjson

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/brianvoe/gofakeit/v7"

	"github.com/bandwing/bandwing/locustworker"
)

// newTestUser makes a user that records into samples, until it is killed or the
// test ends.
func newTestUser(t *testing.T, host string, samples *[]locustworker.Sample) (u *user, kill context.CancelCauseFunc) {
	t.Helper()
	s, err := New(Config{FlatDocuments: 1, ComplexDocuments: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancelCause(t.Context())
	u, err = s.newUser(locustworker.NewStandaloneUser(ctx, locustworker.StandaloneConfig{
		Host: host, Record: func(s locustworker.Sample) { *samples = append(*samples, s) },
	}))
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
	u, _ := newTestUser(t, host, &samples)
	for _, task := range []func(context.Context) error{u.addFlat, u.addComplex} {
		for range 3 {
			if err := task(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 1000 {
		for _, task := range []func(context.Context) error{u.appendString, u.appendArray, u.multiply} {
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

func TestADocumentThatIsGoneIsForgotten(t *testing.T) {
	f, host := newFakeAPI(t, "basicUser:1", "user:1", "complex:1")
	f.broken = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	var samples []locustworker.Sample
	u, _ := newTestUser(t, host, &samples)
	if err := u.OnStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := u.getJSON(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(u.pool.known); n != 0 || len(samples) != 6 {
		t.Errorf("%d documents are known after %d requests, want 0 after 6", n, len(samples))
	}
}

// Without an API there are failures in the table, no errors of tasks, and no
// request beyond those that the tasks are about.
func TestWithoutAnAPI(t *testing.T) {
	var samples []locustworker.Sample
	u, _ := newTestUser(t, "http://127.0.0.1:1", &samples)
	if err := u.OnStart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, task := range tasks(u) {
		if err := task(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(samples) != 3+10 {
		t.Errorf("%d requests, want 3 for keys and one a task", len(samples))
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
	u, kill := newTestUser(t, host, &samples)
	ctx := u.self.Context()
	stopped := errors.New("stopped")
	kill(stopped)
	if err := u.OnStart(ctx); !errors.Is(err, stopped) {
		t.Errorf("OnStart: %v", err)
	}
	for name, task := range tasks(u) {
		if err := task(ctx); !errors.Is(err, stopped) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(samples) != 0 {
		t.Errorf("%d samples", len(samples))
	}
}

func TestDocumentsAreRepeatable(t *testing.T) {
	make1 := func() flatDocument { return newFlatDocument(gofakeit.NewFaker(newRand(), false), "basicUser:1") }
	if a, b := make1(), make1(); a != b {
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
	body := appendComplex(nil, "complex:7")
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil || doc["id"] != "complex:7" {
		t.Fatalf("id %v (%v)", doc["id"], err)
	}
	if n := len(body); n < 12_500 || n > 14_000 {
		t.Errorf("it has %d bytes, want about 13,000", n)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct {
		cfg Config
		ok  bool
	}{
		"zero":             {Config{}, true},
		"own":              {Config{MinWait: time.Second, MaxWait: time.Second, SampleSize: 1, FlatDocuments: 1, ComplexDocuments: 1}, true},
		"wait backwards":   {Config{MinWait: 2, MaxWait: 1}, false},
		"negative wait":    {Config{MinWait: -1}, false},
		"negative timeout": {Config{RequestTimeout: -1}, false},
		"negative size":    {Config{SampleSize: -1}, false},
		"negative count":   {Config{FlatDocuments: -1}, false},
		"negative complex": {Config{ComplexDocuments: -1}, false},
	} {
		s, err := New(c.cfg)
		if (err == nil) != c.ok || (s != nil) != c.ok || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

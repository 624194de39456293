package loadtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// loaded are the documents that Load writes with a seed.
func loaded(t *testing.T, seed uint64) map[string]map[string]any {
	t.Helper()
	f, host := newFakeAPI(t)
	shown := 0
	n, err := Load(t.Context(), Config{Seed: seed}, Loading{Host: host + "/", Each: 12, Parallel: 3, Progress: func(written, all int, _ time.Duration) {
		if shown = written; all != 60 {
			t.Errorf("progress says %d of %d", written, all)
		}
	}})
	if err != nil || n != 60 || shown != 60 {
		t.Fatalf("%d documents were written, %d shown (%v)", n, shown, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.docs
}

func TestLoadWritesEveryKind(t *testing.T) {
	docs := loaded(t, 5)
	for _, prefix := range prefixes {
		for i := 1; i <= 12; i++ {
			if docs[fmt.Sprint(prefix, i)] == nil {
				t.Errorf("there is no %s%d", prefix, i)
			}
		}
	}
	if len(docs) != 60 {
		t.Errorf("%d documents, want 60", len(docs))
	}
	if again := loaded(t, 5); !reflect.DeepEqual(docs, again) {
		t.Error("the same seed writes other documents")
	}
	if other := loaded(t, 6); reflect.DeepEqual(docs["user:1"], other["user:1"]) {
		t.Error("another seed writes the same documents")
	}
	random := loaded(t, 0)
	if other := loaded(t, 0); reflect.DeepEqual(random["user:1"], other["user:1"]) {
		t.Error("two loads without a seed write the same documents")
	}
}

// TestLoadMissing deletes the documents of two kinds, and loads what is missing.
func TestLoadMissing(t *testing.T) {
	f, host := newFakeAPI(t)
	load := func(each, want int) {
		t.Helper()
		n, err := Load(t.Context(), Config{}, Loading{Host: host, Each: each, Missing: true})
		if err != nil || n != want {
			t.Fatalf("%d documents, want %d (%v)", n, want, err)
		}
	}
	load(3, 15)
	load(3, 0)
	f.mu.Lock()
	for i := 1; i <= 3; i++ {
		delete(f.docs, fmt.Sprint(prefixes[nested], i))
		delete(f.docs, fmt.Sprint(prefixes[hash], i))
	}
	delete(f.docs, prefixes[flat]+"1") // of a kind that is there
	f.mu.Unlock()
	load(0, 0)
	load(4, 8)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.docs) != 15+8-3-3-1 || f.docs[prefixes[hash]+"4"] == nil || f.docs[prefixes[flat]+"1"] != nil {
		t.Errorf("%d documents are there", len(f.docs))
	}
}

func TestLoadFails(t *testing.T) {
	f, host := newFakeAPI(t)
	f.mu.Lock()
	f.broken = func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"error":"full"}`, http.StatusInsufficientStorage)
	}
	f.mu.Unlock()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx  context.Context
		cfg  Config
		l    Loading
		want error
		text string
	}{
		"no host":      {t.Context(), Config{}, Loading{Each: 1}, ErrLoad, "a host"},
		"no documents": {t.Context(), Config{}, Loading{Host: host}, ErrLoad, "above 0"},
		"a fault":      {t.Context(), Config{SampleSize: -1}, Loading{Host: host, Each: 1}, ErrConfig, "sample size"},
		"no list":      {t.Context(), Config{}, Loading{Host: other.URL, Each: 1, Missing: true}, ErrLoad, "not with a list of keys"},
		"a refusal":    {t.Context(), Config{AppEndpoint: host}, Loading{Each: 3}, ErrLoad, `was answered 507 Insufficient Storage: {"error":"full"}`},
		"no service":   {t.Context(), Config{APIEndpoint: "http://127.0.0.1:1"}, Loading{Each: 1}, ErrLoad, "connection refused"},
		"an end":       {ended, Config{}, Loading{Host: host, Each: 1}, context.Canceled, "0 of 5"},
	} {
		n, err := Load(c.ctx, c.cfg, c.l)
		if n != 0 || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %d documents, %v", name, n, err)
		}
	}
}

func TestDataCommand(t *testing.T) {
	_, host := newFakeAPI(t)
	for name, c := range map[string]struct {
		args           []string
		cfg            Config
		code           int
		stdout, stderr string
	}{
		"all well":       {[]string{"-n", "2", "-host", host}, Config{}, 0, "data: 10 documents, 2 of each kind\n", ""},
		"the endpoint":   {[]string{"-n", "1"}, Config{APIEndpoint: host}, 0, "data: 5 documents, 1 of each kind\n", ""},
		"only missing":   {[]string{"-n", "2", "-missing", "-host", host}, Config{}, 0, "", ""},
		"none missing":   {[]string{"-n", "0", "-missing"}, Config{}, 0, "data: -n 0: no documents written\n", ""},
		"help":           {[]string{"-h"}, Config{}, 0, "", "documents of each kind"},
		"an odd option":  {[]string{"-x"}, Config{}, 2, "", "-x"},
		"an odd number":  {[]string{"-n", "0"}, Config{}, 2, "", "above 0"},
		"a word":         {[]string{"JSONSet"}, Config{}, 2, "", "no other arguments"},
		"no service":     {[]string{"-n", "1", "-host", "http://127.0.0.1:1"}, Config{}, 1, "", "locustworker data: loadtest: documents were not loaded"},
		"what to do":     {[]string{"-n", "1", "-host", "http://127.0.0.1:1"}, Config{}, 1, "", "no service listens there: start it (make up)"},
		"no URL":         {[]string{"-host", "localhost:5000"}, Config{}, 2, "", "it must be a base URL"},
		"a faulty value": {[]string{"-n", "1", "-host", host}, Config{DocumentSize: "x"}, 1, "", "document size"},
	} {
		var stdout, stderr bytes.Buffer
		code := DataCommand(t.Context(), c.args, c.cfg, &stdout, &stderr, false)
		if code != c.code || !strings.HasSuffix(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
			t.Errorf("%s: code %d\n%s\n%s", name, code, &stdout, &stderr)
		}
	}
}

func TestBar(t *testing.T) {
	var log, screen bytes.Buffer
	for out, live := range map[io.Writer]bool{&log: false, &screen: true} {
		b := &bar{out: out, live: live}
		for _, written := range []int{0, 50, 55, 100, 1000} {
			b.show(written, 1000, 2*time.Second)
		}
		b.end()
	}
	const full = "data: [########################################] 100%  1000/1000  500 documents/s\n"
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.HasPrefix(got, "data: [####                                    ]  10%  100/1000  50 documents/s\n") || !strings.HasSuffix(got, full) {
		t.Errorf("in a log:\n%s", got)
	}
	if got := screen.String(); strings.Count(got, "\r") != 5 || !strings.HasSuffix(got, full) {
		t.Errorf("on a screen:\n%q", got)
	}
}

func TestShares(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	message := func(run any, keys ...any) map[string]any { return map[string]any{"run": run, "keys": keys} }
	for _, c := range []struct {
		data any
		want map[string]any
	}{
		{message("a", "user:1", "user:2", "other:1"), map[string]any{"run": "a", "keys": 2}},
		{message("a", "user:3"), map[string]any{"run": "a", "keys": 3}},
		{message("b", "complex:3"), map[string]any{"run": "b", "keys": 1}},
		{nil, nil},
		{"text", nil},
		{message(7), nil},
		{message(""), nil},
		{message("c", 1), nil},
		{map[string]any{"run": "c"}, nil},
	} {
		got, err := s.takeShare(c.data)
		if !reflect.DeepEqual(got, c.want) || (err == nil) != (c.want != nil) {
			t.Errorf("%v: %v, %v", c.data, got, err)
		}
	}
	if s.pool.size() != 1 {
		t.Error("a message with a fault changes the documents")
	}
}

// Whatever the master sends: no panic, and no document that is none of ours.
func FuzzTakeShare(f *testing.F) {
	for _, seed := range []string{`{"run":"a","keys":["user:1","x"]}`, `{"run":1}`, `[]`, `null`, `{"run":"a","keys":[[]]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var data any
		if json.Unmarshal(text, &data) != nil {
			return
		}
		s, err := New(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.takeShare(data); err != nil && !errors.Is(err, errMessage) {
			t.Error(err)
		}
		for key := range s.pool.known {
			if _, ok := kindOf(key); !ok {
				t.Errorf("%q is known", key)
			}
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add("LOAD_GEN_WAIT_MIN=5ms\nLOAD_GEN_WEIGHTS=JSONGet=2, JSONGet.get_json=0\n")
	f.Add("A='\n# x\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		values, err := ParseFile(text)
		if err != nil {
			if !errors.Is(err, ErrConfig) {
				t.Error(err)
			}
			return
		}
		c, err := configFrom(values)
		if err != nil && !errors.Is(err, ErrConfig) {
			t.Error(err)
		}
		if _, newErr := New(c); err == nil && newErr != nil {
			t.Errorf("read and then refused: %v", newErr)
		}
	})
}

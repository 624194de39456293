//go:build !race

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// stillStore answers without allocating.
type stillStore struct {
	fakeStore
	document json.RawMessage
}

func (s *stillStore) Get(context.Context, string, Path) (json.RawMessage, error) {
	return s.document, nil
}

func (s *stillStore) Set(context.Context, string, json.RawMessage) error { return nil }

func (s *stillStore) Update(context.Context, string, Path, json.RawMessage) error { return nil }

// sink is a connection that nobody looks at.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}

// TestAllocations pins what a request allocates in this package and gin, net/http and the store apart. A change that
// needs more has to say so here.
func TestAllocations(t *testing.T) {
	document := `{"id":"k","text":"` + strings.Repeat("x", 13_000) + `"}`
	s := newServer(t, Config{}, &stillStore{document: json.RawMessage(document)})
	for _, tc := range []struct {
		name, method, target, body string
		most                       float64
	}{
		{"GET nested", get, "/api/v1/subdoc/k/a.b", "", 4},
		{"GET 13 KB", get, "/api/v1/doc/k", "", 3},
		{"PUT nested", put, "/api/v1/redisjson/update", `{"key":"k","field":"a.b","str":"x"}`, 7},
		{"POST 13 KB", post, "/api/v1/redisjson", document, 6},
	} {
		body := bytes.NewReader([]byte(tc.body))
		target, err := url.Parse(tc.target)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(tc.method, tc.target, nil)
		w := &sink{http.Header{}}
		allocs := testing.AllocsPerRun(200, func() {
			body.Reset([]byte(tc.body))
			req.URL, req.Body, req.ContentLength = target, io.NopCloser(body), int64(len(tc.body))
			clear(w.header)
			s.ServeHTTP(w, req)
		})
		allocs-- // the NopCloser
		if allocs > tc.most {
			t.Errorf("%s: %v allocations, at most %v", tc.name, allocs, tc.most)
		}
	}
}

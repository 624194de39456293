package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestStatusOfStoreErrors(t *testing.T) {
	for _, tc := range []struct {
		err        error
		status     int
		text       string
		retryAfter string
	}{
		{fmt.Errorf("%w: why", ErrInvalid), 400, "invalid input: why", ""},
		{fmt.Errorf("%w: no key", ErrNotFound), 404, "not found: no key; GET /api/v1/keys lists keys", ""},
		{fmt.Errorf("%w: a text", ErrWrongType), 409, "wrong type: a text", ""},
		{fmt.Errorf("%w: down", ErrUnavailable), 503, "Redis cannot serve the request: down; try again", "1"},
		{context.Canceled, 499, "the client hung up", ""},
		{errors.New("odd"), 500, "internal error, report it: odd", ""},
	} {
		for _, target := range []string{"/api/v1/doc/k", "/api/v1/subdoc/k/f", "/api/v1/hash/k/f"} {
			resp, body := ask(newServer(t, Config{}, &fakeStore{err: tc.err}), get, target, "")
			if text := errorText(t, body); resp.StatusCode != tc.status || !strings.HasPrefix(text, tc.text) {
				t.Errorf("%s with %v: %d %s", target, tc.err, resp.StatusCode, text)
			}
			if got := resp.Header.Get("Retry-After"); got != tc.retryAfter {
				t.Errorf("%s with %v: Retry-After %q, want %q", target, tc.err, got, tc.retryAfter)
			}
		}
	}
}

func TestUnknownRoutesAndMethodsAreJSON(t *testing.T) {
	for _, tc := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{get, "/start", 404, ""},
		{get, "/api/v1/doc/", 404, ""},
		{get, "/api/v1/doc/a/b", 404, ""},
		{get, "/api/v1/keys/", 404, ""},
		{get, "/nope%2F", 404, ""},
		{post, "/api/v1/doc/a", 405, "GET, HEAD, OPTIONS"},
		{"PATCH", "/api/v1/redisjson/update", 405, "PUT, OPTIONS"},
		{get, "/api/v1/redisjson", 405, "POST, OPTIONS"},
		{"OPTIONS", "/nope", 404, ""},
	} {
		resp, body := ask(newServer(t, Config{}, &fakeStore{}), tc.method, tc.target, "")
		text := errorText(t, body)
		if resp.StatusCode != tc.status || resp.Header.Get("Allow") != tc.allow || !strings.Contains(text, tc.allow) {
			t.Errorf("%s %s: %d, Allow %q, %s", tc.method, tc.target, resp.StatusCode, resp.Header.Get("Allow"), text)
		}
		if got := resp.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s %s: Content-Type %q", tc.method, tc.target, got)
		}
	}
}

func TestPanicIsA500(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, &fakeStore{panics: "boom"})
	resp, body := ask(s, get, "/api/v1/doc/k", "")
	if text := errorText(t, body); resp.StatusCode != http.StatusInternalServerError || strings.Contains(text, "boom") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "fakestore_test.go") {
		t.Errorf("the log has no panic with its stack: %s", log.String())
	}
}

func TestBodyLimit(t *testing.T) {
	const limit = 64
	exact := `{"id":"k","pad":"` + strings.Repeat("x", limit-len(`{"id":"k","pad":""}`)) + `"}`
	for _, tc := range []struct {
		body   string
		status int
	}{{exact, 200}, {exact + " ", 413}, {strings.Repeat(" ", 10*limit), 413}} {
		for _, announced := range []bool{true, false} {
			req := httptest.NewRequest(post, "/api/v1/redisjson", io.NopCloser(strings.NewReader(tc.body)))
			req.ContentLength = -1 // chunked
			if announced {
				req.ContentLength = int64(len(tc.body))
			}
			rec := httptest.NewRecorder()
			newServer(t, Config{MaxBody: limit}, &fakeStore{}).ServeHTTP(rec, req)
			if rec.Code != tc.status {
				t.Errorf("%d bytes, announced %t: %d %s, want %d", len(tc.body), announced, rec.Code, rec.Body, tc.status)
			}
			if tc.status == 413 && !strings.Contains(errorText(t, rec.Body.String()), "64 bytes") {
				t.Errorf("%s does not name the limit", rec.Body)
			}
		}
	}
}

func TestABodyThatBreaksOffIsA400(t *testing.T) {
	for _, fault := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
		body := io.MultiReader(strings.NewReader(`{"id":`), faultyReader{fault})
		rec := httptest.NewRecorder()
		newServer(t, Config{}, &fakeStore{}).ServeHTTP(rec, httptest.NewRequest(post, "/api/v1/redisjson", body))
		if rec.Code != http.StatusBadRequest {
			t.Errorf("%v: %d %s", fault, rec.Code, rec.Body)
		}
	}
}

type faultyReader struct{ err error }

func (r faultyReader) Read([]byte) (int, error) { return 0, r.err }

// TestRepliesDoNotShareBuffers asks at the same time for replies of different sizes, one beyond what is kept.
func TestRepliesDoNotShareBuffers(t *testing.T) {
	done := make(chan struct{})
	for i := range 8 {
		value := `"` + strings.Repeat(string(rune('a'+i)), 1<<(3*i)) + `"`
		s := newServer(t, Config{}, &fakeStore{json: value})
		go func() {
			defer func() { done <- struct{}{} }()
			for range 20 {
				if _, body := ask(s, get, "/api/v1/doc/k", ""); body != `{"status":"ok","json":`+value+`}` {
					t.Errorf("a reply of %d bytes is not its own", len(body))
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
}

package api

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// over sends a request over a real connection.
func over(t *testing.T, srv *httptest.Server, method, target string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	store := &fakeStore{json: `"` + strings.Repeat("x", 5000) + `"`, fields: [][]string{{"a"}}, hash: []HashField{{"a", "b"}}}
	srv := httptest.NewServer(newServer(t, Config{}, store))
	defer srv.Close()
	targets := []string{"/api/v1/doc/a?x=%", "/api/v1/keys?limit=x"}
	for _, r := range newServer(t, Config{}, store).routes() {
		if r.method == get && r.path != "/metrics" { // which counts what is asked here
			targets = append(targets, strings.NewReplacer(":id", "k", ":field", "f").Replace(r.path))
		}
	}
	for _, target := range targets {
		want, _ := over(t, srv, get, target)
		got, body := over(t, srv, http.MethodHead, target)
		for _, resp := range []*http.Response{want, got} {
			resp.Header.Del("Date")
		}
		if got.StatusCode != want.StatusCode || body != "" || !maps.EqualFunc(got.Header, want.Header, slices.Equal[[]string]) {
			t.Errorf("HEAD %s: %d %v %q, GET: %d %v", target, got.StatusCode, got.Header, body, want.StatusCode, want.Header)
		}
	}
}

func TestOptionsNamesTheMethods(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	for _, r := range s.routes() {
		resp, body := ask(s, http.MethodOptions, strings.NewReplacer(":id", "k", ":field", "f").Replace(r.path), "")
		allow := strings.Split(resp.Header.Get("Allow"), ", ")
		if resp.StatusCode != http.StatusNoContent || body != "" || !slices.Contains(allow, r.method) || !slices.Contains(allow, http.MethodOptions) ||
			slices.Contains(allow, http.MethodHead) != slices.Contains(allow, get) {
			t.Errorf("OPTIONS %s: %d, Allow %q, body %q", r.path, resp.StatusCode, allow, body)
		}
	}
}

// bodies are the requests with a body, with a document or a change in it.
func bodies(key, value string) map[string]string {
	document := `{"id":"` + key + `","a":"` + value + `"}`
	return map[string]string{
		"POST /api/v1/redisjson":            document,
		"POST /api/v1/string":               document,
		"POST /api/v1/hash":                 document,
		"PUT /api/v1/redisjson/update":      `{"key":"` + key + `","field":"a","str":"` + value + `"}`,
		"PUT /api/v1/redisjson/append":      `{"key":"` + key + `","field":"a","str":"` + value + `"}`,
		"PUT /api/v1/redisjson/appendarray": `{"key":"` + key + `","field":"a","arr":"` + value + `"}`,
		"PUT /api/v1/string/update":         `{"key":"` + key + `","field":"a","str":"` + value + `"}`,
		"PUT /api/v1/hash/update":           `{"key":"` + key + `","field":"a","str":"` + value + `"}`,
	}
}

func TestLoneSurrogates(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{json: `{"a":""}`, hash: []HashField{{"a", "b"}}})
	const half = `\ud83d`
	for _, tc := range []struct {
		key, value string
		status     int
	}{
		{"k", `\ud83d\ude00`, 200},
		{`\uD83D\uDE00`, "v", 200},
		{"k", `\\ud83d`, 200},
		{half, "v", 400},
		{`\ude00`, "v", 400},
		{half + half, "v", 400},
		{half + `\u0041`, "v", 400},
		{"x" + half + "x", "v", 400},
		{half + `\\`, "v", 400},
	} {
		for request, body := range bodies(tc.key, tc.value) {
			method, target, _ := strings.Cut(request, " ")
			resp, reply := ask(s, method, target, body)
			if resp.StatusCode != tc.status || tc.status == 400 && !strings.Contains(reply, "surrogate") {
				t.Errorf("%s %s: %d %s, want %d", request, body, resp.StatusCode, reply, tc.status)
			}
		}
	}
	// RedisJSON refuses a value with half of a character itself.
	for request, body := range bodies("k", half) {
		method, target, _ := strings.Cut(request, " ")
		if resp, reply := ask(s, method, target, body); target != "/api/v1/redisjson" && resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: %d %s, want 400", request, body, resp.StatusCode, reply)
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	store := &fakeStore{json: `{"a":""}`, hash: []HashField{{"a", "b"}}}
	s := newServer(t, Config{}, store)
	for request, body := range bodies("k", "v") {
		method, target, _ := strings.Cut(request, " ")
		resp, reply := ask(s, method, target, "\ufeff"+body)
		if resp.StatusCode != http.StatusOK || strings.Contains(reply, "\ufeff") {
			t.Errorf("%s: %d %s", request, resp.StatusCode, reply)
		}
	}
	for _, call := range store.calls {
		if strings.Contains(call, "\ufeff") {
			t.Errorf("the store got the mark: %s", call)
		}
	}
	if resp, _ := ask(s, post, "/api/v1/string", "\ufeff\ufeff{}"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("two marks: %d", resp.StatusCode)
	}
}

func TestCompressedBodiesAreA415(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{json: `{"a":""}`, hash: []HashField{{"a", "b"}}})
	for coding, status := range map[string]int{"gzip": 415, "br, gzip": 415, "Identity": 200, "": 200} {
		for request, body := range bodies("k", "v") {
			method, target, _ := strings.Cut(request, " ")
			rec := httptest.NewRecorder()
			r := httptest.NewRequest(method, target, strings.NewReader(body))
			r.Header.Set("Content-Encoding", coding)
			s.ServeHTTP(rec, r)
			refused := strings.Contains(rec.Body.String(), "without compression") && rec.Header().Get("Accept-Encoding") == "identity"
			if rec.Code != status || refused != (status == 415) {
				t.Errorf("%s, %q: %d %s %v", request, coding, rec.Code, rec.Body, rec.Header())
			}
		}
	}
}

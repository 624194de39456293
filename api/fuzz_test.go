package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzMemberName holds that there is a plain path to every name, and to no other.
func FuzzMemberName(f *testing.F) {
	for _, seed := range []string{"", "a", " a", `\`, `"'`, "a.b", "[0]", "]", "\x00", "😀", "$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !utf8.ValidString(name) || len(name) > MaxPathLen/2-4 {
			return
		}
		path, err := ParsePath(`["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"]`)
		if err != nil || path.Many() {
			t.Fatalf("%q: %q, %v", name, path, err)
		}
		document, err := json.Marshal(map[string]int{name: 1, name + "x": 2, "x" + name: 3, `\` + name: 4})
		if err != nil {
			t.Fatal(err)
		}
		from, to, err := path.Locate(document)
		if err != nil || string(document[from:to]) != "1" {
			t.Fatalf("%q at %q: %q, %v", document, path, document[from:to], err)
		}
	})
}

// FuzzCheckSurrogates compares with encoding/json, which makes U+FFFD of what is refused here.
func FuzzCheckSurrogates(f *testing.F) {
	for _, seed := range []string{`"\ud83d\ude00"`, `"\ud83d"`, `"\\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\\ude00"`, `"\uFFFD"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var text string
		err := checkSurrogates([]byte(raw))
		if json.Unmarshal([]byte(raw), &text) != nil || !utf8.ValidString(raw) {
			return // it must only not panic
		}
		replaced := strings.Count(text, "\ufffd") > strings.Count(raw, "\ufffd")+strings.Count(strings.ToLower(raw), `\ufffd`)
		if err == nil && replaced || err != nil && !strings.ContainsRune(text, '\ufffd') {
			t.Fatalf("%s is %q: %v", raw, text, err)
		}
	})
}

// FuzzRequest sends all routes what a client may send. The reply must keep the contract, and no request is a 500.
func FuzzRequest(f *testing.F) {
	for i, body := range []string{
		`{"id":"a","b":1}`, `{"key":"k","field":"a","str":"x"}`, `{"key":"k","field":"a","num":1}`, `{"key":"k","field":"a","arr":[1]}`,
		"\ufeff{}", `{"id":"\ud83d"}`, `[`, `{} x`, "\xff", `{"key":"","field":"","str":null}`,
	} {
		f.Add(uint8(i*3), "k", `a["b"]`, "path=a", "application/json", "", body)
	}
	f.Add(uint8(1), "%zz", "%2F", "limit=0&pattern=%ff", "text/plain", "gzip", "")
	server, err := New(Config{MaxBody: 1 << 16}, &fakeStore{
		json: `{"a":"text","n":1}`, fields: [][]string{{"a"}}, keys: []string{"k"}, hash: []HashField{{"a", "b"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	routes := server.routes()
	f.Fuzz(func(t *testing.T, number uint8, id, field, query, media, coding, body string) {
		r := routes[int(number)%len(routes)]
		raw := strings.NewReplacer(":id", url.PathEscape(id), ":field", url.PathEscape(field)).Replace(r.path)
		path, err := url.PathUnescape(raw)
		if err != nil {
			return
		}
		req := &http.Request{
			Method: r.method, URL: &url.URL{Path: path, RawPath: raw, RawQuery: query}, Host: "x", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Content-Type": {media}, "Content-Encoding": {coding}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		rec := httptest.NewRecorder()
		server.ServeHTTP(rec, req)
		if rec.Code == http.StatusInternalServerError {
			t.Fatalf("%s %s %q: %d %s", r.method, raw, body, rec.Code, rec.Body)
		}
		if fault := contractFault(server, r.method, raw, rec.Result(), rec.Body.String()); fault != "" {
			t.Fatalf("%s %s %q: %s", r.method, raw, body, fault)
		}
		if !utf8.Valid(bytes.TrimSpace(rec.Body.Bytes())) && r.as == "" {
			t.Fatalf("%s %s %q: the reply is %q", r.method, raw, body, rec.Body)
		}
	})
}

package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	get  = "GET"
	post = "POST"
	put  = "PUT"
	del  = "DELETE"
)

func TestRoutes(t *testing.T) {
	const v1 = "/api/v1/"
	for _, tc := range []struct {
		method, target, body string
		store                *fakeStore
		call, reply          string
	}{
		{get, v1 + "keys", "", &fakeStore{keys: []string{"a", "b<\""}}, `Keys "basicUser" 10`, `{"status":"ok","json":["a","b<\""]}`},
		{get, v1 + "keys?pattern=&limit=1", "", &fakeStore{}, `Keys "" 1`, `{"status":"ok","json":[]}`},
		{get, v1 + "keys?pattern=a%2Bb*&limit=100000", "", &fakeStore{}, `Keys "a+b*" 100000`, `{"status":"ok","json":[]}`},
		{get, v1 + "doc/k:1", "", &fakeStore{json: `{"a": 1}`}, `Get "k:1" $`, `{"status":"ok","json":{"a": 1}}`},
		{get, v1 + "subdoc/k/a.b[0].name", "", &fakeStore{json: `"x"`}, `Get "k" $.a.b[0].name`, `{"status":"ok","json":"x"}`},
		{get, v1 + "subdoc/k/$..b", "", &fakeStore{json: `[1,2]`}, `Get "k" $..b`, `{"status":"ok","json":[1,2]}`},
		{get, v1 + "fields/k", "", &fakeStore{fields: [][]string{{"a", "b"}}}, `Fields "k" $`, `{"status":"ok","json":["a","b"]}`},
		{get, v1 + "fields/k?path=a", "", &fakeStore{fields: [][]string{{}}}, `Fields "k" $.a`, `{"status":"ok","json":[]}`},
		{get, v1 + "fields/k?path=$.*", "", &fakeStore{fields: [][]string{nil, {"c"}}}, `Fields "k" $.*`, `{"status":"ok","json":[null,["c"]]}`},
		{post, v1 + "redisjson", ` {"id":"k","a":1} `, &fakeStore{}, `Set "k"  {"id":"k","a":1} `, `{"status":"ok","key":"k","json":{"id":"k","a":1}}`},
		{put, v1 + "redisjson/update", `{"key":"k","field":"a","str":{"b":[1]}}`, &fakeStore{}, `Update "k" $.a {"b":[1]}`, `{"status":"ok","json":"k"}`},
		{put, v1 + "redisjson/update", `{"str":null,"more":1,"fi\u0065ld":"$","key":"\u00e9"}`, &fakeStore{}, `Update "é" $ null`, `{"status":"ok","json":"é"}`},
		{put, v1 + "redisjson/append", `{"key":"k","field":"a","str":"x\n"}`, &fakeStore{json: `{"a":"yx"}`}, `AppendString "k" $.a "x\n"`, `{"status":"ok","json":{"a":"yx"}}`},
		{put, v1 + "redisjson/appendarray", `{"key":"k","field":"a","arr":[1, {"b":2}]}`, &fakeStore{json: `[]`}, `AppendArray "k" $.a [1 {"b":2}]`, `{"status":"ok","json":[]}`},
		{put, v1 + "redisjson/appendarray", `{"key":"k","field":"a","arr":"x"}`, &fakeStore{json: `[]`}, `AppendArray "k" $.a ["x"]`, `{"status":"ok","json":[]}`},
		{put, v1 + "redisjson/increby", `{"key":"k","field":"a","num":-5}`, &fakeStore{json: `{"a":1}`}, `IncrBy "k" $.a -5`, `{"status":"ok","json":{"a":1}}`},
		{put, v1 + "redisjson/multiby", `{"key":"k","field":"a","num":1.5e3}`, &fakeStore{json: `{"a":1}`}, `MultBy "k" $.a 1.5e3`, `{"status":"ok","json":{"a":1}}`},
		{del, v1 + "redisjson/delete/k", "", &fakeStore{}, `Delete "k" $`, `{"status":"ok","json":"k"}`},
		{del, v1 + "redisjson/delete/k?path=a[0]", "", &fakeStore{}, `Delete "k" $.a[0]`, `{"status":"ok","json":"k"}`},
		{get, "/readyz", "", &fakeStore{}, `Ready`, `{"status":"ok"}`},
	} {
		resp, body := ask(newServer(t, Config{}, tc.store), tc.method, tc.target, tc.body)
		if resp.StatusCode != http.StatusOK || body != tc.reply {
			t.Errorf("%s %s: %d %s, want %s", tc.method, tc.target, resp.StatusCode, body, tc.reply)
		}
		if !slices.Equal(tc.store.calls, []string{tc.call}) {
			t.Errorf("%s %s: calls %q, want %q", tc.method, tc.target, tc.store.calls, tc.call)
		}
		if got := resp.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s %s: Content-Type %q", tc.method, tc.target, got)
		}
	}
}

func TestHealthDoesNotAskTheStore(t *testing.T) {
	store := &fakeStore{err: ErrUnavailable}
	resp, body := ask(newServer(t, Config{}, store), get, "/healthz", "")
	if resp.StatusCode != http.StatusOK || body != `{"status":"ok"}` || len(store.calls) != 0 {
		t.Errorf("%d %s, calls %q", resp.StatusCode, body, store.calls)
	}
}

func TestKeysAndFieldsWithAnyCharacters(t *testing.T) {
	for _, tc := range []struct{ target, call string }{
		{"doc/a%20b", `Get "a b" $`},
		{"doc/a+b", `Get "a+b" $`},
		{"doc/a%2Bb", `Get "a+b" $`},
		{"doc/a%2Fb+c%20d", `Get "a/b+c d" $`},
		{"doc/100%25", `Get "100%" $`},
		{"doc/%2541", `Get "%41" $`},
		{"doc/%2F%2541", `Get "/%41" $`},
		{"doc/..", `Get ".." $`},
		{"doc/a%3Fb%23c", `Get "a?b#c" $`},
		{"doc/caf%C3%A9", `Get "café" $`},
		{"doc/a:b@c;d,e=f&g", `Get "a:b@c;d,e=f&g" $`},
		{"subdoc/a%2Fb/c%2Fd", `Get "a/b" $["c/d"]`},
		{"subdoc/k/%5B%22a.b%22%5D", `Get "k" $["a.b"]`},
	} {
		store := &fakeStore{json: "1"}
		resp, body := ask(newServer(t, Config{}, store), get, "/api/v1/"+tc.target, "")
		if resp.StatusCode != http.StatusOK || !slices.Equal(store.calls, []string{tc.call}) {
			t.Errorf("%s: %d %s, calls %q, want %q", tc.target, resp.StatusCode, body, store.calls, tc.call)
		}
	}
}

func TestPostWithoutIDMakesUpAKey(t *testing.T) {
	uuid := regexp.MustCompile(`^redisJSON:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for _, document := range []string{`{"a":1}`, `{"id":5}`, `[1]`, `"id"`, `7`, `null`} {
		store := &fakeStore{}
		resp, body := ask(newServer(t, Config{}, store), post, "/api/v1/redisjson", document)
		var reply struct {
			Status, Key string
			JSON        json.RawMessage
		}
		if err := json.Unmarshal([]byte(body), &reply); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s %v", document, resp.StatusCode, body, err)
		}
		if !uuid.MatchString(reply.Key) || seen[reply.Key] || string(reply.JSON) != document {
			t.Errorf("%s: %s", document, body)
		}
		if want := `Set "` + reply.Key + `" ` + document; !slices.Equal(store.calls, []string{want}) {
			t.Errorf("calls %q, want %q", store.calls, want)
		}
		seen[reply.Key] = true
	}
}

// TestBadInput also holds that nothing malformed reaches the store.
func TestBadInput(t *testing.T) {
	const v1 = "/api/v1/"
	for _, tc := range []struct{ method, target, body, says string }{
		{get, v1 + "keys?limit=0", "", "1 to 100000"},
		{get, v1 + "keys?limit=-1", "", "1 to 100000"},
		{get, v1 + "keys?limit=100001", "", "1 to 100000"},
		{get, v1 + "keys?limit=ten", "", "1 to 100000"},
		{get, v1 + "keys?limit=", "", "1 to 100000"},
		{get, v1 + "keys?limit=99999999999999999999", "", "1 to 100000"},
		{get, v1 + "keys?pattern=%ff", "", "UTF-8"},
		{get, v1 + "keys?pattern=%zz", "", "query string"},
		{get, v1 + "keys?a;b", "", "query string"},
		{get, v1 + "doc/%ff", "", "id is not UTF-8"},
		{get, v1 + "subdoc/k/%ff", "", "field is not UTF-8"},
		{get, v1 + "subdoc/k/a[*]", "", "JSONPath"},
		{get, v1 + "fields/k?path=", "", "path is empty"},
		{get, v1 + "fields/k?path=a..b", "", "field name"},
		{del, v1 + "redisjson/delete/k?path=a[", "", "[ without ]"},
		{post, v1 + "redisjson", "", "body is empty"},
		{post, v1 + "redisjson", "{", "not one JSON value"},
		{post, v1 + "redisjson", "{} {}", "not one JSON value"},
		{post, v1 + "redisjson", `{"id":""}`, "id is empty"},
		{post, v1 + "redisjson", "{\"id\":\"\xff\"}", "id is not UTF-8"},
		{put, v1 + "redisjson/update", "", `{"key":"<key>","field":"<path>","str":<value>}`},
		{put, v1 + "redisjson/update", "[]", `{"key":"<key>","field":"<path>","str":<value>}`},
		{put, v1 + "redisjson/update", `{"key":"k","field":"f","str":1} x`, "not JSON"},
		{put, v1 + "redisjson/update", `{"key":"k","field":"f"}`, `"str":<value>`},
		{put, v1 + "redisjson/update", `{"key":"k","str":1}`, `"str":<value>`},
		{put, v1 + "redisjson/update", `{"field":"f","str":1}`, `"str":<value>`},
		{put, v1 + "redisjson/update", `{"key":1,"field":"f","str":1}`, `"str":<value>`},
		{put, v1 + "redisjson/update", `{"key":"k","field":null,"str":1}`, `"str":<value>`},
		{put, v1 + "redisjson/update", `{"key":"","field":"f","str":1}`, "key is empty"},
		{put, v1 + "redisjson/update", `{"key":"k","field":"","str":1}`, "path is empty"},
		{put, v1 + "redisjson/update", `{"Key":"k","field":"f","str":1}`, `"key":"<key>"`},
		{put, v1 + "redisjson/append", `{"key":"k","field":"f","str":1}`, "JSON string"},
		{put, v1 + "redisjson/appendarray", `{"key":"k","field":"f","str":1}`, `"arr":<value or array>`},
		{put, v1 + "redisjson/appendarray", `{"key":"k","field":"f","arr":[ ]}`, "nothing to append"},
		{put, v1 + "redisjson/increby", `{"key":"k","field":"f","num":"1"}`, "JSON number"},
		{put, v1 + "redisjson/increby", `{"key":"k","field":"f","num":[1]}`, "JSON number"},
		{put, v1 + "redisjson/multiby", `{"key":"k","field":"f","num":null}`, "JSON number"},
		{put, v1 + "redisjson/multiby", `{"key":"k","field":"f"}`, `"num":<number>`},
	} {
		store := &fakeStore{json: "1"}
		resp, body := ask(newServer(t, Config{}, store), tc.method, tc.target, tc.body)
		if text := errorText(t, body); resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, tc.says) {
			t.Errorf("%s %s %q: %d %s, want 400 that says %q", tc.method, tc.target, tc.body, resp.StatusCode, text, tc.says)
		}
		if len(store.calls) != 0 {
			t.Errorf("%s %s %q: calls %q", tc.method, tc.target, tc.body, store.calls)
		}
	}
}

// errorText returns the text of an error reply and fails the test for a body that is none.
func errorText(t *testing.T, body string) string {
	t.Helper()
	var reply map[string]string
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	if err := dec.Decode(&reply); err != nil || len(reply) != 1 || reply["error"] == "" {
		t.Fatalf("%q is no error reply: %v", body, err)
	}
	return reply["error"]
}

func TestContentTypes(t *testing.T) {
	s := newServer(t, Config{}, &fakeStore{})
	for _, route := range []string{"redisjson", "string", "hash"} {
		for contentType, want := range map[string]int{
			"":                                  http.StatusOK,
			"application/json":                  http.StatusOK,
			"Application/JSON ; charset=utf-8":  http.StatusOK,
			"application/merge-patch+json":      http.StatusOK,
			"application/x-www-form-urlencoded": http.StatusOK, // curl -d
			"text/plain":                        http.StatusUnsupportedMediaType,
			"text/json+json":                    http.StatusUnsupportedMediaType,
			"application/xml":                   http.StatusUnsupportedMediaType,
			"multipart/form-data; boundary=x":   http.StatusUnsupportedMediaType,
			"json":                              http.StatusUnsupportedMediaType,
		} {
			req := httptest.NewRequest(post, "/api/v1/"+route, strings.NewReader(`{"a":1}`))
			req.Header.Set("Content-Type", contentType)
			rec := httptest.NewRecorder()
			s.ServeHTTP(rec, req)
			if rec.Code != want || want != http.StatusOK && !strings.Contains(errorText(t, rec.Body.String()), "send application/json") {
				t.Errorf("%s with %q: %d %s, want %d", route, contentType, rec.Code, rec.Body, want)
			}
		}
	}
}

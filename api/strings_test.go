package api

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestStringAndHashRoutes(t *testing.T) {
	const v1 = "/api/v1/"
	hash := []HashField{{"a", "1"}, {"b\"", "x\xff\n"}}
	for _, tc := range []struct {
		method, target, body string
		store                *fakeStore
		call, reply          string
	}{
		{post, v1 + "string", ` {"id":"k", "n":[1e2]} `, &fakeStore{}, `SetString "k" {"id":"k", "n":[1e2]}`, `{"status":"ok","key":"k","json":"{\"id\":\"k\", \"n\":[1e2]}"}`},
		{get, v1 + "string/a%2Fb", "", &fakeStore{json: `{"é":"\u00e9<"}`}, `GetString "a/b"`, `{"status":"ok","json":"{\"é\":\"\\u00e9<\"}"}`},
		{get, v1 + "string/k", "", &fakeStore{json: "no JSON"}, `GetString "k"`, `{"status":"ok","json":"no JSON"}`},
		{get, v1 + "string/k/a.b[-1].c", "", &fakeStore{json: `{"a":{"b":[1,{"c":{"d": 1e400}}]}}`}, `GetString "k"`, `{"status":"ok","json":{"d": 1e400}}`},
		{put, v1 + "string/update", `{"key":"k","field":"a[1]","str":[7]}`, &fakeStore{json: `{"a":[1, 2 ,3]}`}, `EditString "k" {"a":[1, [7] ,3]}`, `{"status":"ok","key":"k","json":"{\"a\":[1, [7] ,3]}"}`},
		{post, v1 + "hash", `{"id":"k","n":12345678901234567890.10,"t":true,"z":null,"n":2}`, &fakeStore{}, `SetHash "k" [{"id" "k"} {"n" "2"} {"t" "true"} {"z" "null"}]`, `{"status":"ok","key":"k","json":{"id":"k","n":"2","t":"true","z":"null"}}`},
		{get, v1 + "hash/k", "", &fakeStore{hash: hash}, `GetHash "k"`, `{"status":"ok","json":{"a":"1","b\"":"x\ufffd\n"}}`},
		{get, v1 + "hash/k/a.b%20", "", &fakeStore{json: "<v>"}, `GetHashField "k" "a.b "`, `{"status":"ok","json":"<v>"}`},
		{put, v1 + "hash/update", `{"key":"k","field":"a[","str":"\u0041"}`, &fakeStore{hash: hash[:1]}, `UpdateHash "k" {"a[" "A"}`, `{"status":"ok","json":{"a":"1"}}`},
		{put, v1 + "hash/update", `{"key":"k","field":"$","str":1.50}`, &fakeStore{hash: hash[:1]}, `UpdateHash "k" {"$" "1.50"}`, `{"status":"ok","json":{"a":"1"}}`},
	} {
		resp, body := ask(newServer(t, Config{}, tc.store), tc.method, tc.target, tc.body)
		if resp.StatusCode != http.StatusOK || body != tc.reply {
			t.Errorf("%s %s: %d %s, want %s", tc.method, tc.target, resp.StatusCode, body, tc.reply)
		}
		if !slices.Equal(tc.store.calls, []string{tc.call}) {
			t.Errorf("%s %s: calls %q, want %q", tc.method, tc.target, tc.store.calls, tc.call)
		}
	}
}

func TestStringsAndHashesWithoutIDGetAKey(t *testing.T) {
	for _, tc := range []struct{ route, prefix string }{{"string", "stringJSON"}, {"hash", "hash"}} {
		key := regexp.MustCompile(`^{"status":"ok","key":"` + tc.prefix + `:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",`)
		_, body := ask(newServer(t, Config{}, &fakeStore{}), post, "/api/v1/"+tc.route, `{"a":1}`)
		if !key.MatchString(body) {
			t.Errorf("%s: %s", tc.route, body)
		}
	}
}

func TestBadStringsAndHashes(t *testing.T) {
	const v1 = "/api/v1/"
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	for _, tc := range []struct {
		method, target, body string
		status               int
		says                 string
	}{
		{post, v1 + "string", "", 400, "body is empty"},
		{post, v1 + "string", "{", 400, "not one JSON value"},
		{post, v1 + "string", "{} {}", 400, "not one JSON value"},
		{post, v1 + "string", `{"a":nul}`, 400, "not one JSON value"},
		{post, v1 + "string", deep, 400, "10000"},
		{post, v1 + "string", "{\"a\":\"\xff\"}", 400, "UTF-8"},
		{post, v1 + "string", `{"id":""}`, 400, "id is empty"},
		{get, v1 + "string/%ff", "", 400, "UTF-8"},
		{get, v1 + "string/k/$.a", "", 400, "no JSONPath"},
		{get, v1 + "string/k/a..b", "", 400, "field name"},
		{get, v1 + "string/k/nope", "", 404, "nothing at"},
		{get, v1 + "string/k/a[3]", "", 404, "nothing at"},
		{get, v1 + "string/k/a[-4]", "", 404, "nothing at"},
		{get, v1 + "string/k/a.b", "", 404, "nothing at"},
		{get, v1 + "string/k/[0]", "", 404, "nothing at"},
		{put, v1 + "string/update", `{"key":"k","field":"nope","str":1}`, 404, "nothing at"},
		{put, v1 + "string/update", `{"key":"k","field":"$..a","str":1}`, 400, "no JSONPath"},
		{put, v1 + "string/update", "{\"key\":\"k\",\"field\":\"a\",\"str\":\"\xff\"}", 400, "UTF-8"},
		{put, v1 + "string/update", `{"key":"k","field":"a"}`, 400, `"str":<value>`},
		{post, v1 + "hash", `[1]`, 400, "JSON object"},
		{post, v1 + "hash", `7`, 400, "JSON object"},
		{post, v1 + "hash", `{ }`, 400, "empty"},
		{post, v1 + "hash", `{"a":{"b":1}}`, 400, `"a" is nested`},
		{post, v1 + "hash", `{"a":1,"c":[]}`, 400, `"c" is nested`},
		{post, v1 + "hash", "{\"a\":\"\xff\"}", 400, "UTF-8"},
		{get, v1 + "hash/k/%ff", "", 400, "UTF-8"},
		{put, v1 + "hash/update", `{"key":"k","field":"","str":1}`, 400, "field is empty"},
		{put, v1 + "hash/update", `{"key":"k","field":"f","str":[1]}`, 400, "nested"},
		{put, v1 + "hash/update", "{\"key\":\"k\",\"field\":\"f\",\"str\":\"\xff\"}", 400, "UTF-8"},
	} {
		store := &fakeStore{json: `{"a":[1,2,3]}`}
		resp, body := ask(newServer(t, Config{}, store), tc.method, tc.target, tc.body)
		if text := errorText(t, body); resp.StatusCode != tc.status || !strings.Contains(text, tc.says) {
			t.Errorf("%s %s %.80q: %d %s, want %d that says %q", tc.method, tc.target, tc.body, resp.StatusCode, text, tc.status, tc.says)
		}
		for _, call := range store.calls {
			if !strings.HasPrefix(call, "GetString") {
				t.Errorf("%s %s %.80q: %s", tc.method, tc.target, tc.body, call)
			}
		}
	}
	for _, text := range []string{"no JSON", "\"\xff\"", ""} {
		resp, body := ask(newServer(t, Config{}, &fakeStore{json: text}), get, v1+"string/k/a", "")
		if says := errorText(t, body); resp.StatusCode != http.StatusConflict || !strings.Contains(says, "no JSON document") {
			t.Errorf("%q: %d %s", text, resp.StatusCode, says)
		}
	}
}

package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/internal/redistest"
)

// rest is the whole service over HTTP on a real Redis.
type rest struct {
	url    string
	client *http.Client
}

func startREST(t *testing.T, cfg api.Config, s *Store) *rest {
	t.Helper()
	service, err := api.New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(service)
	t.Cleanup(srv.Close)
	return &rest{srv.URL, srv.Client()}
}

// do returns the status and the body, and fails the test when the body is not JSON.
func (r *rest) do(t *testing.T, method, target, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil || !json.Valid(reply) {
		t.Fatalf("%s %s: %d %.200q, %v", method, target, resp.StatusCode, reply, err)
	}
	return resp.StatusCode, string(reply)
}

// step is a request and its reply: the whole body of a success, a part of the text of an error.
type step struct {
	method, target, body string
	status               int
	want                 string
}

func (r *rest) run(t *testing.T, steps []step) {
	t.Helper()
	for _, st := range steps {
		status, body := r.do(t, st.method, "/api/v1/"+st.target, st.body)
		matches := body == st.want
		if st.status != http.StatusOK {
			matches = strings.HasPrefix(body, `{"error":"`) && strings.Contains(body, st.want)
		}
		if status != st.status || !matches {
			t.Errorf("%s %s %s: %d %s, want %d %s", st.method, st.target, st.body, status, body, st.status, st.want)
		}
	}
}

// TestEveryRoute walks one document through all routes, in order.
func TestEveryRoute(t *testing.T) {
	const doc = `{"id":"basicUser:1","age":30,"name":"Ann","tags":["a"],"at":{"city":"Ulm"}}`
	ok := func(value string) string { return `{"status":"ok","json":` + value + `}` }
	startREST(t, api.Config{}, openShared(t)).run(t, []step{
		{"GET", "keys", "", 200, ok(`[]`)},
		{"POST", "redisjson", doc, 200, `{"status":"ok","key":"basicUser:1","json":` + doc + `}`},
		{"GET", "keys", "", 200, ok(`["basicUser:1"]`)},
		{"GET", "keys?pattern=other", "", 200, ok(`[]`)},
		{"GET", "doc/basicUser:1", "", 200, ok(doc)},
		{"GET", "subdoc/basicUser:1/age", "", 200, ok(`30`)},
		{"GET", "subdoc/basicUser:1/tags[0]", "", 200, ok(`"a"`)},
		{"GET", "subdoc/basicUser:1/$..city", "", 200, ok(`["Ulm"]`)},
		{"GET", "fields/basicUser:1", "", 200, ok(`["id","age","name","tags","at"]`)},
		{"GET", "fields/basicUser:1?path=at", "", 200, ok(`["city"]`)},
		{"PUT", "redisjson/update", `{"key":"basicUser:1","field":"at.city","str":"Bonn"}`, 200, ok(`"basicUser:1"`)},
		{
			"PUT", "redisjson/append", `{"key":"basicUser:1","field":"name","str":"a \"B\""}`,
			200, ok(`{"id":"basicUser:1","age":30,"name":"Anna \"B\"","tags":["a"],"at":{"city":"Bonn"}}`),
		},
		{
			"PUT", "redisjson/appendarray", `{"key":"basicUser:1","field":"tags","arr":["b",{"c":[]}]}`,
			200, ok(`{"id":"basicUser:1","age":30,"name":"Anna \"B\"","tags":["a","b",{"c":[]}],"at":{"city":"Bonn"}}`),
		},
		{"PUT", "redisjson/update", `{"key":"basicUser:1","field":"$","str":{"n":2,"l":[]}}`, 200, ok(`"basicUser:1"`)},
		{"PUT", "redisjson/appendarray", `{"key":"basicUser:1","field":"l","arr":{"x":1}}`, 200, ok(`{"n":2,"l":[{"x":1}]}`)},
		{"PUT", "redisjson/increby", `{"key":"basicUser:1","field":"n","num":-5}`, 200, ok(`{"n":-3,"l":[{"x":1}]}`)},
		{"PUT", "redisjson/multiby", `{"key":"basicUser:1","field":"n","num":0.5}`, 200, ok(`{"n":-1.5,"l":[{"x":1}]}`)},
		{"DELETE", "redisjson/delete/basicUser:1?path=l", "", 200, ok(`"basicUser:1"`)},
		{"GET", "doc/basicUser:1", "", 200, ok(`{"n":-1.5}`)},
		{"DELETE", "redisjson/delete/basicUser:1", "", 200, ok(`"basicUser:1"`)},
		{"GET", "doc/basicUser:1", "", 404, "not found"},
	})
}

func TestEveryErrorClass(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", `{"n":1,"s":"x"}`)
	if err := s.client.Set(t.Context(), "plain", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	startREST(t, api.Config{MaxBody: 100}, s).run(t, []step{
		{"GET", "doc/nope", "", 404, `no key`},
		{"GET", "subdoc/k/nope", "", 404, `nothing at`},
		{"GET", "subdoc/k/$..nope", "", 404, `nothing at`},
		{"GET", "fields/nope", "", 404, `no key`},
		{"PUT", "redisjson/update", `{"key":"k","field":"nope","str":1}`, 404, `nothing at`},
		{"PUT", "redisjson/append", `{"key":"nope","field":"s","str":"x"}`, 404, `no key`},
		{"PUT", "redisjson/increby", `{"key":"k","field":"nope","num":1}`, 404, `nothing at`},
		{"DELETE", "redisjson/delete/nope", "", 404, `no key`},
		{"DELETE", "redisjson/delete/k?path=nope", "", 404, `nothing at`},

		{"GET", "doc/plain", "", 409, `holds no JSON document`},
		{"GET", "fields/k?path=n", "", 409, `not an object`},
		{"POST", "redisjson", `{"id":"plain"}`, 409, `holds no JSON document`},
		{"PUT", "redisjson/append", `{"key":"k","field":"n","str":"x"}`, 409, `not a string`},
		{"PUT", "redisjson/appendarray", `{"key":"k","field":"s","arr":1}`, 409, `not an array`},
		{"PUT", "redisjson/increby", `{"key":"k","field":"s","num":1}`, 409, `not a number`},
		{"PUT", "redisjson/multiby", `{"key":"plain","field":"s","num":1}`, 409, `holds no JSON document`},
		{"DELETE", "redisjson/delete/plain", "", 409, `holds no JSON document`},

		{"POST", "redisjson", `{"a":tru}`, 400, `line 1 column`},
		{"POST", "redisjson", `{"a":1} x`, 400, `not one JSON value`},
		{"POST", "redisjson", "{\"a\":\"\xff\"}", 400, `UTF-8`},
		{"GET", "subdoc/k/$[", "", 400, `position`},
		{"PUT", "redisjson/update", "{\"key\":\"k\",\"field\":\"s\",\"str\":\"\xff\"}", 400, `UTF-8`},
		{"PUT", "redisjson/append", "{\"key\":\"k\",\"field\":\"s\",\"str\":\"\xff\"}", 400, `UTF-8`},
		{"PUT", "redisjson/increby", `{"key":"k","field":"n","num":1e999}`, 400, `out of range`},

		{"POST", "redisjson", `{"pad":"` + strings.Repeat("x", 100) + `"}`, 413, `100 bytes`},

		{"GET", "doc/k", "", 200, `{"status":"ok","json":{"n":1,"s":"x"}}`}, // nothing changed
	})
	resp, _ := s.client.DBSize(t.Context()).Result()
	if resp != 2 {
		t.Errorf("%d keys, want the 2 that were there", resp)
	}
}

func TestEveryKeyIsReachable(t *testing.T) {
	r := startREST(t, api.Config{}, openShared(t))
	for _, key := range []string{
		"a b", "a+b", "a/b", "/", "100%", "%41", "%2F", "a/b+c%20d", "..", ".", "a?b#c", "größe", "日本", "\"q\"", `back\slash`,
		"a:b", "new\nline", "😀/😀", "*", "[x]", strings.Repeat("k", 4000),
	} {
		id, err := json.Marshal(key)
		if err != nil {
			t.Fatal(err)
		}
		doc := `{"id":` + string(id) + `,"n":1}`
		if status, body := r.do(t, "POST", "/api/v1/redisjson", doc); status != http.StatusOK {
			t.Errorf("POST %q: %d %s", key, status, body)
		}
		segment := url.PathEscape(key)
		if strings.Trim(key, ".") == "" {
			segment = strings.ReplaceAll(key, ".", "%2E") // clients remove dot segments
		}
		if status, body := r.do(t, "GET", "/api/v1/subdoc/"+segment+"/n", ""); status != http.StatusOK || body != `{"status":"ok","json":1}` {
			t.Errorf("GET %q: %d %s", key, status, body)
		}
		status, body := r.do(t, "GET", "/api/v1/keys?pattern="+url.QueryEscape(key)+"&limit=1", "")
		var reply struct{ JSON []string }
		if err := json.Unmarshal([]byte(body), &reply); err != nil || status != http.StatusOK || len(reply.JSON) != 1 || reply.JSON[0] != key {
			t.Errorf("keys %q: %d %s", key, status, body)
		}
		if status, body := r.do(t, "DELETE", "/api/v1/redisjson/delete/"+segment, ""); status != http.StatusOK {
			t.Errorf("DELETE %q: %d %s", key, status, body)
		}
	}
}

// TestRedisDownAndBackOverHTTP also holds that the process's own health does not follow Redis's.
func TestRedisDownAndBackOverHTTP(t *testing.T) {
	server := redistest.Start(t)
	r := startREST(t, api.Config{}, open(t, Config{Addr: server.Addr}))
	check := func(wanted int) error {
		for target, want := range map[string]int{"/readyz": wanted, "/api/v1/keys": wanted, "/healthz": http.StatusOK} {
			if status, body := r.do(t, "GET", target, ""); status != want {
				return fmt.Errorf("%s: %d %s", target, status, body)
			}
		}
		return nil
	}
	if err := check(http.StatusOK); err != nil {
		t.Error(err)
	}
	server.Stop()
	if err := check(http.StatusServiceUnavailable); err != nil {
		t.Error(err)
	}
	resp, err := r.client.Post(r.url+"/api/v1/redisjson", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("POST: %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func(context.Context) error { return check(http.StatusOK) })
}

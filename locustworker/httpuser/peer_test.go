package httpuser

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
)

// A peerCase is one request, as a Locust user writes it and as it is written here.
type peerCase struct {
	name, method, path string
	python             map[string]any
	opts               []Option
}

type args = map[string]any

func peerCases() []peerCase {
	text := Body([]byte("hello"), "text/plain")
	plain := args{"Content-Type": "text/plain"}
	return []peerCase{
		{"get", "GET", "/get?x=1", nil, nil},
		{"head", "HEAD", "/get", nil, nil},
		{"options", "OPTIONS", "/get", nil, nil},
		{"delete", "DELETE", "/get", nil, nil},
		{"delete with a body", "DELETE", "/get", args{"json": 7}, []Option{JSON(7)}},
		{"post nothing", "POST", "/post", nil, nil},
		{"post text", "POST", "/post", args{"data": "hello", "headers": plain}, []Option{text}},
		{"post a form", "POST", "/post", args{"data": args{"a": "1 2", "b": "é&"}}, []Option{Form(url.Values{"a": {"1 2"}, "b": {"é&"}})}},
		{"put JSON", "PUT", "/post", args{"json": "x"}, []Option{JSON("x")}},
		{"patch JSON", "PATCH", "/post", args{"json": 7}, []Option{JSON(7)}},
		{"parameters", "GET", "/get?a=1", args{"params": args{"q": "a b/é"}, "name": "n"}, []Option{Query("q", "a b/é"), Name("n")}},
		{"own headers", "GET", "/get", args{"headers": args{"Accept": "text/x", "X-Own": "1"}}, []Option{Header("accept", "text/x"), Header("X-Own", "1")}},
		{"basic auth", "GET", "/get", args{"auth": []string{"user", "pä:ss"}}, []Option{BasicAuth("user", "pä:ss")}},
		{"name", "GET", "/get/17", args{"name": "/get/[id]"}, []Option{Name("/get/[id]")}},
		{"group", "GET", "/get/17", args{"group": "/get/[id]"}, nil},
		{"group and name", "GET", "/get/17", args{"group": "/get/[id]", "name": "n"}, []Option{Name("n")}},
		{"group 404", "GET", "/404/17", args{"group": "/404/[id]"}, nil},
		{"not found", "GET", "/404?x=1", nil, nil},
		{"renamed in the block", "GET", "/404", args{"catch": true}, []Option{Catch(func(r *Response) error { r.Name = "/caught"; return r.Err })}},
		{"log in", "POST", "/login", nil, nil},
		{"logged in", "GET", "/get", nil, nil},
		{"elsewhere", "GET", "/other/x", nil, nil},
		{"own cookie", "GET", "/get", args{"cookies": args{"mine": "1"}}, []Option{Cookie("mine", "1")}},
		{"own cookie gone", "GET", "/get", nil, nil},
		{"own cookie, redirected", "GET", "/302", args{"cookies": args{"mine": "1"}}, []Option{Cookie("mine", "1")}},
		{"session's cookie", "GET", "/get", args{"session_cookies": args{"set": "2"}}, nil},
		{"log out", "GET", "/logout", nil, nil},
		{"logged out", "GET", "/get", nil, nil},
		{"session's header", "GET", "/get", args{"session_headers": args{"X-Token": "t"}}, nil},
		{"session's header stays", "GET", "/get", nil, nil},
		{"its own over the session's", "GET", "/get", args{"headers": args{"X-Token": "own"}}, []Option{Header("X-Token", "own")}},
		{"301", "GET", "/301", nil, nil},
		{"302 to post", "POST", "/302", args{"data": "hello", "headers": plain}, []Option{text}},
		{"302 to put", "PUT", "/302", args{"data": "hello", "headers": plain}, []Option{text}},
		{"301 to put", "PUT", "/301", args{"data": "hello", "headers": plain}, []Option{text}},
		{"303 to delete", "DELETE", "/303", nil, nil},
		{"307 to post", "POST", "/307", args{"data": "hello", "headers": plain}, []Option{text}},
		{"308 to put", "PUT", "/308", args{"json": 1}, []Option{JSON(1)}},
		{"302 to head", "HEAD", "/302", nil, nil},
		{"302 to head, followed", "HEAD", "/302", args{"allow_redirects": true}, []Option{Redirects(30)}},
		{"not followed", "GET", "/302", args{"allow_redirects": false}, []Option{Redirects(-1)}},
		{"loop", "GET", "/loop", nil, nil},
		{"gzip", "GET", "/gzip", nil, nil},
		{"deflate", "GET", "/deflate", nil, nil},
		{"raw deflate", "GET", "/deflate, raw", args{"name": "raw"}, []Option{Name("raw")}},
		{"br", "GET", "/br", nil, nil},
		{"bad gzip", "GET", "/badgzip", nil, nil},
		{"no time for caches", "rest_", "/get?a=1", nil, []Option{CacheBuster()}},
		{"no time for caches, named", "rest_", "/get", args{"name": "n"}, []Option{CacheBuster(), Name("n")}},
	}
}

// A seen is a request as the server saw it.
type seen struct {
	method, uri, body string
	length            int64
	header            map[string]string
}

// A peerServer keeps what it sees under the value of X-Case.
type peerServer struct {
	mu     sync.Mutex
	log    map[string][]seen
	packed map[string][]byte
}

func (p *peerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s := seen{r.Method, r.RequestURI, string(body), r.ContentLength, map[string]string{}}
	for _, key := range []string{"Content-Type", "Accept", "Accept-Encoding", "Authorization", "Cookie", "X-Own", "X-Token"} {
		if v := r.Header.Get(key); v != "" {
			s.header[key] = v
		}
	}
	p.mu.Lock()
	name := r.Header.Get("X-Case")
	p.log[name] = append(p.log[name], s)
	p.mu.Unlock()
	switch path := r.URL.Path[1:]; {
	case path == "301", path == "302", path == "303", path == "307", path == "308":
		var code int
		fmt.Sscan(path, &code)
		http.SetCookie(w, &http.Cookie{Name: "hop", Value: path, Path: "/end"})
		http.Redirect(w, r, "end?from="+path, code)
	case path == "loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case strings.HasPrefix(path, "404"):
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"error": "gone"}`)
	case path == "login", path == "logout":
		age := map[string]int{"login": 100, "logout": -1}[path]
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "42", Path: "/", MaxAge: age})
		http.SetCookie(w, &http.Cookie{Name: "there", Value: "1", Path: "/other", MaxAge: age})
	case path == "badgzip":
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "no gzip")
	case p.packed[path] != nil:
		encoding, _, _ := strings.Cut(path, ",")
		w.Header().Set("Content-Encoding", encoding)
		w.Write(p.packed[path])
	default:
		io.WriteString(w, `{"ok": true}`)
	}
}

var stamp = regexp.MustCompile(`_=\d{13}\b`)

// take returns what was seen, without the time of CacheBuster.
func (p *peerServer) take() map[string][]seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	log := p.log
	p.log = map[string][]seen{}
	for _, requests := range log {
		for i := range requests {
			requests[i].uri = stamp.ReplaceAllString(requests[i].uri, "_=T")
		}
	}
	return log
}

// One HttpUser and one session make the same calls: the server sees the same
// requests, and the same is recorded. The proxy that the environment names is
// used by neither.
//
// Conformance: P1
func TestSessionIsHttpUsers(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	p := &peerServer{log: map[string][]seen{}, packed: Encodings(t, []byte(Bandwing))}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	for _, base := range []string{"", "//u%40x:p%C3%A9@"} {
		host := srv.URL
		if base != "" {
			host = strings.Replace(host, "//", base, 1)
		}
		cases := peerCases()
		var calls [][]any
		for _, c := range cases {
			given := maps.Clone(c.python)
			if given == nil {
				given = args{}
			}
			calls = append(calls, []any{c.name, c.method, c.path, given})
		}
		var recorded map[string][6]any
		python(t, "session", args{"host": host, "calls": calls}, &recorded)
		for name, r := range recorded {
			r[5] = stamp.ReplaceAllString(r[5].(string), "_=T")
			recorded[name] = r
		}
		wantSeen := p.take()
		got := callAll(t, host, cases)
		gotSeen := p.take()
		for _, c := range cases {
			if got[c.name] != recorded[c.name] {
				t.Errorf("%s: recorded %v, by HttpUser %v", c.name, got[c.name], recorded[c.name])
			}
			if !reflect.DeepEqual(gotSeen[c.name], wantSeen[c.name]) || len(wantSeen[c.name]) == 0 {
				t.Errorf("%s: the server sees\n%+v, of HttpUser\n%+v", c.name, gotSeen[c.name], wantSeen[c.name])
			}
		}
	}
}

// callAll makes the calls in order as one user.
func callAll(t *testing.T, host string, cases []peerCase) map[string][6]any {
	t.Helper()
	recorded := map[string][6]any{}
	var name string
	var r *Response
	user := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
		Host: host,
		Record: func(s locustworker.Sample) {
			recorded[name] = [6]any{0.0, float64(s.Length), recordedText(s.Err), s.Type, s.Name, ""}
		},
	})
	s, err := New(user, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		name = c.name
		for k, v := range headersOf(c.python["session_headers"]) {
			if err := s.SetHeader(k, v); err != nil {
				t.Fatal(err)
			}
		}
		for k, v := range headersOf(c.python["session_cookies"]) {
			if err := s.SetCookies("/", &http.Cookie{Name: k, Value: v}); err != nil {
				t.Fatal(err)
			}
		}
		group, _ := c.python["group"].(string)
		method, do := c.method, s.Do
		if method == "rest_" {
			method = "GET"
			do = func(ctx context.Context, method, path string, opts ...Option) (*Response, error) {
				return s.REST(ctx, method, path, opts...)
			}
		}
		err := s.Group(group, func() (err error) {
			r, err = do(user.Context(), method, c.path, append(c.opts, Header("X-Case", c.name))...)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		result := recorded[name]
		result[0], result[5] = float64(r.StatusCode), stamp.ReplaceAllString(r.URL(), "_=T")
		recorded[name] = result
	}
	return recorded
}

func headersOf(v any) map[string]string {
	headers := map[string]string{}
	if m, ok := v.(args); ok {
		for k, v := range m {
			headers[k] = v.(string)
		}
	}
	return headers
}

package httpuser_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// echo answers with what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	json.NewEncoder(w).Encode(map[string]any{
		"method": r.Method, "uri": r.RequestURI, "host": r.Host, "header": r.Header, "body": string(body),
	})
}

type echoed struct {
	Method, URI, Host, Body string
	Header                  http.Header
}

func decode(t *testing.T, r *httpuser.Response) (e echoed) {
	t.Helper()
	if err := r.JSON(&e); err != nil {
		t.Fatalf("%v: %s", err, r.Body)
	}
	return e
}

// Conformance: P2
func TestMethodsSendWhatTheyAreTold(t *testing.T) {
	srv := serve(t, echo)
	r := newRig(t, srv.URL, httpuser.Config{Headers: map[string]string{"X-All": "a", "X-One": "config"}}, 0)
	ctx := r.user.Context()
	n := 0
	for method, do := range map[string]func(context.Context, string, ...httpuser.Option) (*httpuser.Response, error){
		"GET": r.Get, "POST": r.Post, "PUT": r.Put, "PATCH": r.Patch, "DELETE": r.Delete, "OPTIONS": r.Options,
	} {
		resp := must(t)(do(ctx, "/a?x=1", httpuser.Body([]byte("hello"), "text/plain"), httpuser.Header("x-one", "call")))
		n++
		got := decode(t, resp)
		if got.Method != method || got.URI != "/a?x=1" || got.Body != "hello" || got.Host != strings.TrimPrefix(srv.URL, "http://") {
			t.Errorf("%s sent as %+v", method, got)
		}
		for key, want := range map[string]string{
			"X-All": "a", "X-One": "call", "Content-Type": "text/plain",
			"User-Agent": "locustworker", "Accept-Encoding": "gzip, deflate, br",
		} {
			if h := got.Header.Get(key); h != want {
				t.Errorf("%s: header %s is %q, want %q", method, key, h, want)
			}
		}
		if s := r.last(t, n); s.Type != method || s.Name != "/a?x=1" || s.Err != nil || s.Length != int64(len(resp.Body)) || s.ResponseTime <= 0 || s.ResponseTime != resp.Duration {
			t.Errorf("%s recorded as %+v", method, s)
		}
	}
	if resp := must(t)(r.Head(ctx, "/")); resp.StatusCode != http.StatusOK || len(resp.Body) != 0 {
		t.Errorf("HEAD: %d %q", resp.StatusCode, resp.Body)
	}
	if resp := must(t)(r.Do(ctx, "purge", "/", httpuser.Name("drop"))); decode(t, resp).Method != "purge" {
		t.Error("a method of one's own is changed")
	}
	if s := r.last(t, n+2); s.Type != "purge" || s.Name != "drop" {
		t.Errorf("recorded as %+v", s)
	}
}

func TestJSONBodyAndQuery(t *testing.T) {
	r := newRig(t, serve(t, echo).URL, httpuser.Config{}, 0)
	resp := must(t)(r.Post(r.user.Context(), "/p?a=1", httpuser.JSON(map[string]int{"n": 7}), httpuser.Query("b c", "d&é"), httpuser.Query("e", "")))
	got := decode(t, resp)
	if got.Body != `{"n":7}` || got.Header.Get("Content-Type") != "application/json" || got.URI != "/p?a=1&b+c=d%26%C3%A9&e=" {
		t.Errorf("sent %+v", got)
	}
	if s := r.last(t, 1); s.Name != "/p?a=1" {
		t.Errorf("the row is named %q", s.Name)
	}
}

// Conformance: P20
func TestOneConnectionIsKept(t *testing.T) {
	remotes := map[string]int{}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { remotes[r.RemoteAddr]++ })
	r := newRig(t, srv.URL, httpuser.Config{}, 0)
	for range 5 {
		must(t)(r.Get(r.user.Context(), "/"))
	}
	if len(remotes) != 1 {
		t.Errorf("5 requests came over %d connections", len(remotes))
	}
}

// Conformance: P5
func TestCompressedBodies(t *testing.T) {
	want := strings.Repeat("bandwing ", 1000)
	pack := func(w interface {
		io.WriteCloser
	}, buf *bytes.Buffer,
	) []byte {
		io.WriteString(w, want)
		w.Close()
		return buf.Bytes()
	}
	var g, z bytes.Buffer
	packed := map[string][]byte{"gzip": pack(gzip.NewWriter(&g), &g), "deflate": pack(zlib.NewWriter(&z), &z), "identity": []byte(want)}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", r.URL.Path[1:])
		w.Write(packed[r.URL.Path[1:]])
	})
	r := newRig(t, srv.URL, httpuser.Config{MaxBody: len(want)}, 0)
	n := 0
	for encoding := range packed {
		resp := must(t)(r.Get(r.user.Context(), "/"+encoding))
		n++
		if string(resp.Body) != want || r.last(t, n).Length != int64(len(want)) {
			t.Errorf("%s: %d bytes, recorded %d, want %d", encoding, len(resp.Body), r.last(t, n).Length, len(want))
		}
	}
	small := newRig(t, srv.URL, httpuser.Config{MaxBody: len(want) - 1}, 0)
	for i, encoding := range []string{"gzip", "identity"} {
		resp := must(t)(small.Get(small.user.Context(), "/"+encoding))
		if s := small.last(t, i+1); resp.OK() || resp.StatusCode != 0 || s.Length != 0 || s.Err == nil ||
			s.Err.Error() != "ContentTooLarge('The body is larger than the limit')" {
			t.Errorf("%s: a body above the limit is %+v", encoding, s)
		}
	}
}

// Conformance: P20
func TestCookiesBelongToTheUser(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "42", Path: "/"})
			http.SetCookie(w, &http.Cookie{Name: "elsewhere", Value: "1", Path: "/other"})
			return
		}
		io.WriteString(w, r.Header.Get("Cookie"))
	})
	r, other := newRig(t, srv.URL, httpuser.Config{}, 0), newRig(t, srv.URL, httpuser.Config{}, 0)
	must(t)(r.Get(r.user.Context(), "/login"))
	if got := string(must(t)(r.Get(r.user.Context(), "/")).Body); got != "sid=42" {
		t.Errorf("the user sends cookies %q", got)
	}
	if got := string(must(t)(other.Get(other.user.Context(), "/")).Body); got != "" {
		t.Errorf("another user sends cookies %q", got)
	}
}

// Conformance: P4
func TestRedirectsAreOneSample(t *testing.T) {
	other := serve(t, echo)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/303", "/307":
			code := map[string]int{"/303": 303, "/307": 307}[r.URL.Path]
			http.Redirect(w, r, "/end?from="+r.URL.Path[1:], code)
		case "/away":
			http.Redirect(w, r, other.URL+"/there", http.StatusFound)
		case "/ftp":
			w.Header().Set("Location", "ftp://example.invalid/")
			w.WriteHeader(http.StatusFound)
		default:
			echo(w, r)
		}
	})
	host := strings.Replace(srv.URL, "http://", "http://u%40x:p@", 1)
	r := newRig(t, host, httpuser.Config{}, 0)
	ctx := r.user.Context()
	body := httpuser.Body([]byte("b"), "text/plain")

	got := decode(t, must(t)(r.Post(ctx, "/303", body)))
	if got.Method != http.MethodGet || got.URI != "/end?from=303" || got.Body != "" || got.Header.Get("Content-Type") != "" || got.Header.Get("Authorization") == "" {
		t.Errorf("after 303: %+v", got)
	}
	got = decode(t, must(t)(r.Post(ctx, "/307", body, httpuser.Name("n"))))
	if got.Method != http.MethodPost || got.Body != "b" || got.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("after 307: %+v", got)
	}
	if s := r.last(t, 2); s.Type != "POST" || s.Name != "n" {
		t.Errorf("recorded as %+v", s)
	}
	got = decode(t, must(t)(r.Get(ctx, "/307", httpuser.Header("Authorization", "mine"), httpuser.Header("Cookie", "a=b"))))
	if got.Header.Get("Authorization") != "mine" || got.Header.Get("Cookie") != "" {
		t.Errorf("own headers after a redirect: %+v", got)
	}
	got = decode(t, must(t)(r.Get(ctx, "/307", httpuser.BasicAuth("me", "secret"))))
	if got.Header.Get("Authorization") != "Basic bWU6c2VjcmV0" {
		t.Errorf("basic authentication: %+v", got)
	}
	got = decode(t, must(t)(r.Get(ctx, "/away")))
	if got.URI != "/there" || "http://"+got.Host != other.URL || got.Header.Get("Authorization") != "" {
		t.Errorf("on another server: %+v", got)
	}
	if resp := must(t)(r.Get(ctx, "/loop", httpuser.Redirects(3))); resp.StatusCode != 0 || resp.Err.Error() != "TooManyRedirects('Exceeded 3 redirects.')" {
		t.Errorf("a loop ends as %d %v", resp.StatusCode, resp.Err)
	}
	if resp := must(t)(r.Get(ctx, "/loop", httpuser.Redirects(-1))); resp.StatusCode != http.StatusFound || !resp.OK() {
		t.Errorf("not followed: %d %v", resp.StatusCode, resp.Err)
	}
	if resp := must(t)(r.Head(ctx, "/loop")); resp.StatusCode != http.StatusFound || !resp.OK() {
		t.Errorf("HEAD: %d %v", resp.StatusCode, resp.Err)
	}
	if resp := must(t)(r.Get(ctx, "/ftp")); resp.OK() {
		t.Error("a redirect to ftp is a success")
	}
	r.last(t, 9)
}

// Conformance: P14, P16
// Conformance (catch sets time): P17
func TestChecksDecide(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/404" {
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, "text")
	})
	bad := func(*httpuser.Response) error { return errors.New("it's bad") }
	fine := func(*httpuser.Response) error { return nil }
	seesSuccess := func(r *httpuser.Response) error {
		if !r.OK() || r.StatusCode != http.StatusOK || string(r.Body) != "text" || r.Header("Content-Length") != "4" {
			return fmt.Errorf("seen %+v", r)
		}
		return nil
	}
	seesCheck := func(r *httpuser.Response) error {
		if text(r.Err) != `CatchResponseError("it's bad")` {
			return fmt.Errorf("seen %+v", r)
		}
		return nil
	}
	keep := func(r *httpuser.Response) error { return r.Err }
	slow := func(r *httpuser.Response) error { r.Duration = time.Hour; return r.Err }
	const notFound = "HTTPError('404 Client Error: Not Found for url: n')"
	for name, c := range map[string]struct {
		path string
		opts []httpuser.Option
		want string
		time time.Duration
	}{
		"status":             {"/404", nil, notFound, 0},
		"check fails":        {"/200", []httpuser.Option{httpuser.Check(bad)}, `CatchResponseError("it's bad")`, 0},
		"check passes":       {"/200", []httpuser.Option{httpuser.Check(fine)}, "", 0},
		"status goes first":  {"/404", []httpuser.Option{httpuser.Check(fine)}, notFound, 0},
		"catch forgives":     {"/404", []httpuser.Option{httpuser.Catch(fine)}, "", 0},
		"catch keeps":        {"/404", []httpuser.Option{httpuser.Catch(keep)}, notFound, 0},
		"catch fails":        {"/200", []httpuser.Option{httpuser.Catch(bad)}, `CatchResponseError("it's bad")`, 0},
		"catch sets time":    {"/200", []httpuser.Option{httpuser.Catch(slow)}, "", time.Hour},
		"check sees":         {"/200", []httpuser.Option{httpuser.Check(seesSuccess)}, "", 0},
		"catch sees":         {"/200", []httpuser.Option{httpuser.Catch(seesSuccess)}, "", 0},
		"catch sees check":   {"/200", []httpuser.Option{httpuser.Catch(seesCheck), httpuser.Check(bad)}, "", 0},
		"catch sees refusal": {"http://127.0.0.1:1/", []httpuser.Option{httpuser.Catch(keep)}, "ConnectionRefusedError(111, 'Connection refused')", 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, srv.URL, httpuser.Config{}, 0)
			resp := must(t)(r.Get(r.user.Context(), c.path, append(c.opts, httpuser.Name("n"))...))
			s := r.last(t, 1)
			if got := text(s.Err); got != c.want || !errors.Is(s.Err, resp.Err) || resp.OK() != (c.want == "") {
				t.Errorf("verdict %q, want %q", got, c.want)
			}
			if c.time != 0 && s.ResponseTime != c.time {
				t.Errorf("recorded %v", s.ResponseTime)
			}
			if wantLength := int64(4); resp.StatusCode != 0 && s.Length != wantLength {
				t.Errorf("length %d, want %d", s.Length, wantLength)
			}
		})
	}
}

// Conformance: P15
func TestPanicInACheckIsRecordedOnce(t *testing.T) {
	r := newRig(t, serve(t, echo).URL, httpuser.Config{}, 0)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		r.Get(r.user.Context(), "/", httpuser.Check(func(*httpuser.Response) error { panic("oh") }))
	}()
	if s := r.last(t, 1); s.Err == nil {
		t.Error("recorded as a success")
	}
	must(t)(r.Get(r.user.Context(), "/"))
	r.last(t, 2)
}

func TestRequestsThatCannotBeBuilt(t *testing.T) {
	r := newRig(t, serve(t, echo).URL, httpuser.Config{}, 0)
	ctx := r.user.Context()
	for name, err := range map[string]error{
		"url":    second(r.Get(ctx, "http://[::1")),
		"host":   second(r.Get(ctx, "http://")),
		"port":   second(r.Get(ctx, ":99x/")),
		"method": second(r.Do(ctx, "GET /\r\n", "/")),
		"header": second(r.Get(ctx, "/", httpuser.Header("X", "a\r\nY: b"))),
		"type":   second(r.Get(ctx, "/", httpuser.Body(nil, "a\nb"))),
		"json":   second(r.Post(ctx, "/", httpuser.JSON(func() {}))),
	} {
		if !errors.Is(err, httpuser.ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if samples, cuts := r.counts(); samples != 0 || cuts != 0 {
		t.Errorf("%d samples, %d cuts", samples, cuts)
	}
	must(t)(r.Get(ctx, "/"))
	r.last(t, 1)
}

func second(_ *httpuser.Response, err error) error { return err }

// Conformance (no host): SP13
func TestNewRefusesBadConfig(t *testing.T) {
	for name, c := range map[string]struct {
		host string
		cfg  httpuser.Config
	}{
		"no host":    {"", httpuser.Config{}},
		"no scheme":  {"localhost:5000", httpuser.Config{}},
		"no name":    {"http://:80", httpuser.Config{}},
		"bad host":   {"http://a b/", httpuser.Config{}},
		"max body":   {"http://a", httpuser.Config{MaxBody: -1}},
		"user agent": {"http://a", httpuser.Config{UserAgent: "a\nb"}},
		"header":     {"http://a", httpuser.Config{Headers: map[string]string{"a b": ""}}},
	} {
		u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: c.host})
		if s, err := httpuser.New(u, c.cfg); !errors.Is(err, httpuser.ErrConfig) || s != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

package httpuser_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// A response is the caller's to keep: the session's next request, the end of the
// task and other users leave it alone.
func TestResponsesAreKept(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		if r.URL.Path == "/b" {
			w.WriteHeader(http.StatusNotFound)
		}
		io.WriteString(w, strings.Repeat(r.URL.Path[1:], 50_000))
	})
	one, two := newRig(t, srv.URL, httpuser.Config{}, 0), newRig(t, srv.URL, httpuser.Config{}, 0)
	a := must(t)(one.Get(one.user.Context(), "/a"))
	body := a.Body
	b := must(t)(one.Get(one.user.Context(), "/b"))
	one.user.Client().EndTask()
	must(t)(two.Get(two.user.Context(), "/c"))
	if a == b || a.StatusCode != http.StatusOK || a.Name != "/a" || !a.OK() || a.Header("X-Path") != "/a" || a.URL() != srv.URL+"/a" {
		t.Errorf("the first response is now %d %s %q", a.StatusCode, a.Name, a.Header("X-Path"))
	}
	if bytes.Count(body, []byte("a")) != 50_000 || !bytes.Equal(a.Body, body) {
		t.Error("the first response's body is another one now")
	}
	if b.StatusCode != http.StatusNotFound || bytes.Count(b.Body, []byte("b")) != 50_000 {
		t.Errorf("the second response is now %d with %d bytes", b.StatusCode, len(b.Body))
	}
}

// A body's memory ends with the body: what a caller appends goes elsewhere.
func TestBodiesHaveNoRoomBehindThem(t *testing.T) {
	srv := serve(t, echo)
	for _, reuse := range []bool{false, true} {
		r := newRig(t, srv.URL, httpuser.Config{ReuseResponses: reuse}, 0)
		if resp := must(t)(r.Get(r.user.Context(), "/")); cap(resp.Body) != len(resp.Body) {
			t.Errorf("reused %v: a body of %d bytes has room for %d", reuse, len(resp.Body), cap(resp.Body))
		}
	}
}

func TestReusedResponsesAreOne(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		io.WriteString(w, "body of "+r.URL.Path)
	})
	r := newRig(t, srv.URL, httpuser.Config{ReuseResponses: true}, 0)
	var first *httpuser.Response
	for _, path := range []string{"/a", "/a/longer/one", "/c"} {
		resp := must(t)(r.Get(r.user.Context(), path))
		if string(resp.Body) != "body of "+path || resp.Header("X-Path") != path || resp.URL() != srv.URL+path {
			t.Errorf("%s: %q, %q, %s", path, resp.Body, resp.Header("X-Path"), resp.URL())
		}
		if first == nil {
			first = resp
		} else if resp != first {
			t.Errorf("%s: a response of its own", path)
		}
	}
}

func TestChecksAddUp(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "x") })
	r := newRig(t, srv.URL, httpuser.Config{}, 0)
	var called []string
	check := func(name string, err error) httpuser.Option {
		return httpuser.Check(func(*httpuser.Response) error { called = append(called, name); return err })
	}
	judge := func(name, want string) httpuser.Option {
		return httpuser.Catch(func(r *httpuser.Response) error {
			called = append(called, name)
			if text(r.Err) != want {
				t.Errorf("%s finds the verdict %v, want %q", name, r.Err, want)
			}
			return errors.New(name)
		})
	}
	for i, c := range []struct {
		opts   []httpuser.Option
		called []string
		want   string
	}{
		{[]httpuser.Option{check("1", errors.New("no price")), check("2", nil)}, []string{"1"}, "CatchResponseError('no price')"},
		{[]httpuser.Option{check("1", nil), check("2", errors.New("no price"))}, []string{"1", "2"}, "CatchResponseError('no price')"},
		{[]httpuser.Option{check("1", nil), check("2", nil)}, []string{"1", "2"}, ""},
		{[]httpuser.Option{judge("a", ""), judge("b", "CatchResponseError('a')")}, []string{"a", "b"}, "CatchResponseError('b')"},
	} {
		called = nil
		resp := must(t)(r.Get(r.user.Context(), "/", c.opts...))
		if !slices.Equal(called, c.called) || text(resp.Err) != c.want {
			t.Errorf("case %d: called %v, recorded %v, want %v and %q", i, called, resp.Err, c.called, c.want)
		}
	}
}

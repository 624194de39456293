package httpuser_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// Conformance: P1
func TestNames(t *testing.T) {
	srv := serve(t, echo)
	r := newRig(t, srv.URL+"/base", httpuser.Config{}, 0)
	n := 0
	named := func(want, path string, opts ...httpuser.Option) {
		t.Helper()
		if resp := must(t)(r.Get(r.user.Context(), path, opts...)); !resp.OK() {
			t.Error(resp.Err)
		}
		n++
		if got := r.last(t, n).Name; got != want {
			t.Errorf("%s is named %q, want %q", path, got, want)
		}
	}
	named("/a?b=c", "/a?b=c")
	named("/a?b=c", "/a?b=c", httpuser.Query("page", "7"))
	named("/a?b=c", srv.URL+"/a?b=c")
	named("/", srv.URL)
	named("/?x", srv.URL+"?x")
	named("n", "/a", httpuser.Name("n"))
	named("/a", "/a", httpuser.Name(""))

	errGroup := errors.New("the group's error")
	err := r.Group("outer", func() error {
		named("outer", "/1")
		named("own", "/2", httpuser.Name("own"))
		r.Group("inner", func() error {
			named("inner", "/3")
			return nil
		})
		named("outer", "/4")
		return errGroup
	})
	if !errors.Is(err, errGroup) {
		t.Errorf("Group returns %v", err)
	}
	named("/5", "/5")
	func() {
		defer func() { recover() }()
		r.Group("panic", func() error { panic("oh") })
	}()
	named("/6", "/6")
	r.SetRequestName("set")
	named("set", "/7")
	r.SetRequestName("")
	named("/8", "/8")
}

// The name of a group is in the failure's text too.
func TestGroupNamesFailures(t *testing.T) {
	host := serveRaw(t, statusServer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
	r := newRig(t, host, httpuser.Config{}, 0)
	r.Group("/[id]", func() error {
		must(t)(r.Get(r.user.Context(), "/17"))
		return nil
	})
	if got := text(r.last(t, 1).Err); got != "HTTPError('404 Client Error: Not Found for url: /[id]')" {
		t.Errorf("recorded %q", got)
	}
}

func TestConnectTimeoutOfARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{Timeout: -1, ConnectTimeout: time.Second}, 3*time.Second, 0)
		for i, c := range []struct {
			opts []httpuser.Option
			want string
			at   time.Duration
		}{
			{nil, "ConnectTimeoutError('Connection to stage timed out. (connect timeout=1)')", time.Second},
			{[]httpuser.Option{httpuser.ConnectTimeout(ms(500))}, "ConnectTimeoutError('Connection to stage timed out. (connect timeout=0.5)')", ms(500)},
			{[]httpuser.Option{httpuser.ConnectTimeout(ms(500)), httpuser.Timeout(ms(100))}, "ConnectTimeoutError('Connection to stage timed out. (connect timeout=0.1)')", ms(100)},
			{[]httpuser.Option{httpuser.ConnectTimeout(0)}, "", 3 * time.Second},
		} {
			must(t)(s.Get(s.user.Context(), "/", c.opts...))
			if got := s.last(t, i+1); text(got.Err) != c.want || got.ResponseTime != c.at {
				t.Errorf("recorded %+v, want %q at %v", got, c.want, c.at)
			}
		}
		s.kill(errStopped)
	})
}

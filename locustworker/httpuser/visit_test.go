package httpuser_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// Each visit is a new visitor's: without cookies, headers and names of the one
// before, over a connection of its own.
func TestNewVisitor(t *testing.T) {
	var mu sync.Mutex
	remotes := map[string]bool{}
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		remotes[r.RemoteAddr] = true
		mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		fmt.Fprintf(w, "%s|%s", r.Header.Get("Cookie"), r.Header.Get("X-Token"))
	})
	r := newRig(t, srv.URL, httpuser.Config{Headers: map[string]string{"X-Token": "config"}}, 0)
	const visits = 20
	for i := range visits {
		r.NewVisitor()
		if got := string(must(t)(r.Get(r.user.Context(), "/")).Body); got != "|config" {
			t.Errorf("visit %d begins with %q", i, got)
		}
		if err := r.SetHeader("X-Token", "own"); err != nil {
			t.Fatal(err)
		}
		r.SetRequestName("page")
		if got := string(must(t)(r.Get(r.user.Context(), "/")).Body); got != "seen=1|own" {
			t.Errorf("visit %d goes on with %q", i, got)
		}
		if err := r.Parallel(func(s *httpuser.Session) error { return only(s.Get(r.user.Context(), "/")) }); err != nil {
			t.Error(err)
		}
	}
	if s := r.last(t, 3*visits); s.Name != "page" {
		t.Errorf("the last one is named %s", s.Name)
	}
	if len(remotes) != 2*visits {
		t.Errorf("%d connections for %d visits with two each", len(remotes), visits)
	}
}

func only(_ *httpuser.Response, err error) error { return err }

// A thousand visits leave nothing behind: no connection, no goroutine, no memory.
func TestVisitsLeakNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{}, 0, 0)
		visit := func() {
			s.NewVisitor()
			must(t)(s.Get(s.user.Context(), "/"))
			session, err := httpuser.New(s.user, httpuser.Config{Dial: s.dial})
			if err != nil {
				t.Fatal(err)
			}
			must(t)(session.Get(s.user.Context(), "/"))
			session.Close()
			session.Close()
			if _, err := session.Get(s.user.Context(), "/"); !errors.Is(err, httpuser.ErrClosed) {
				t.Errorf("a closed session: %v", err)
			}
		}
		visit()
		synctest.Wait()
		before := runtime.NumGoroutine()
		for range 1000 {
			visit()
		}
		synctest.Wait()
		if after := runtime.NumGoroutine(); after > before {
			t.Errorf("%d goroutines became %d", before, after)
		}
		s.kill(errStopped)
	})
}

// A page and its images: all over one cookie jar, at the same time, each recorded.
func TestParallelRequestsShareTheJar(t *testing.T) {
	const images = 6
	var together sync.WaitGroup
	together.Add(images)
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n := strings.TrimPrefix(r.URL.Path, "/image"); n != r.URL.Path {
			together.Done()
			together.Wait() // they are all here
			http.SetCookie(w, &http.Cookie{Name: "i" + n, Value: n, Path: "/"})
		} else {
			http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", Path: "/"})
		}
		io.WriteString(w, r.Header.Get("Cookie")+"|"+r.Header.Get("X-Token"))
	})
	for _, pool := range []*httpuser.Pool{nil, httpuser.NewPool(httpuser.PoolConfig{})} {
		r := newRig(t, srv.URL, httpuser.Config{Pool: pool}, 0)
		must(t)(r.Get(r.user.Context(), "/"))
		if err := r.SetHeader("X-Token", "own"); err != nil {
			t.Fatal(err)
		}
		var functions []func(*httpuser.Session) error
		for i := range images {
			functions = append(functions, func(s *httpuser.Session) error {
				resp, err := s.Get(r.user.Context(), fmt.Sprint("/image", i), httpuser.Name("/image"))
				if err == nil && string(resp.Body) != "sid=1|own" {
					t.Errorf("image %d gets %q", i, resp.Body)
				}
				return err
			})
		}
		if err := r.Parallel(functions...); err != nil {
			t.Error(err)
		}
		if got := string(must(t)(r.Get(r.user.Context(), "/")).Body); strings.Count(got, ";") != images || !strings.HasPrefix(got, "sid=1; i") {
			t.Errorf("the cookies afterwards are %q", got)
		}
		r.last(t, images+2)
		together.Add(images)
	}
}

func TestParallelErrorsAndPanics(t *testing.T) {
	r := newRig(t, serve(t, echo).URL, httpuser.Config{}, 0)
	errA, errB := errors.New("a"), errors.New("b")
	err := r.Parallel(
		func(*httpuser.Session) error { return errA },
		func(s *httpuser.Session) error { return only(s.Get(r.user.Context(), "/")) },
		func(*httpuser.Session) error { return errB },
	)
	if !errors.Is(err, errA) || !errors.Is(err, errB) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() {
			if p := recover(); p != "oh" {
				t.Errorf("the panic became %v", p)
			}
		}()
		r.Parallel(func(*httpuser.Session) error { panic("oh") }, func(s *httpuser.Session) error { return only(s.Get(r.user.Context(), "/")) })
	}()
	if err := r.Parallel(); err != nil {
		t.Error(err)
	}
	r.last(t, 2)
}

// Served = recorded + cut for requests that run in parallel, too.
func TestParallelRequestsEndWithTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{}, 0, 2*time.Second)
		time.AfterFunc(1500*time.Millisecond, func() { s.kill(errStopped) })
		get := func(delay time.Duration) func(*httpuser.Session) error {
			return func(session *httpuser.Session) error {
				time.Sleep(delay)
				return only(session.Get(s.user.Context(), "/"))
			}
		}
		if err := s.Parallel(get(0), get(time.Millisecond), get(time.Second), get(2*time.Second)); !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
		samples, cuts := s.counts()
		if served := s.served.Load(); samples != 2 || cuts != 1 || served != 3 {
			t.Errorf("%d served, %d recorded, %d cut", served, samples, cuts)
		}
		time.Sleep(time.Minute) // the server finds its connections closed, or the test fails
	})
}

func TestCloseWhileARequestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{}, 0, time.Second)
		var done atomic.Bool
		go func() {
			must(t)(s.Get(context.WithoutCancel(s.user.Context()), "/"))
			done.Store(true)
		}()
		synctest.Wait()
		s.Close()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !done.Load() {
			t.Error("the request has not come back")
		}
		s.last(t, 1)
	})
}

package httpuser_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

var errStopped = errors.New("the test stopped the user")

// A stage is a session over memory, in fake time, to a server that answers late.
type stage struct {
	*rig
	served  atomic.Int64 // requests that the server has read
	dialled atomic.Int64
	dial    func(context.Context, string, string) (net.Conn, error)
}

func newStage(t *testing.T, cfg httpuser.Config, dialTakes, answerTakes time.Duration, also ...func(*httpuser.Config)) *stage {
	s := &stage{}
	cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		s.dialled.Add(1)
		select {
		case <-time.After(dialTakes):
		case <-ctx.Done():
			return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
		}
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			br := bufio.NewReader(server)
			for {
				if _, err := http.ReadRequest(br); err != nil {
					return
				}
				s.served.Add(1)
				time.Sleep(answerTakes)
				if _, err := io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
					return
				}
			}
		}()
		return client, nil
	}
	s.dial = cfg.Dial
	for _, change := range also {
		change(&cfg)
	}
	s.rig = newRig(t, "http://stage", cfg, time.Second)
	return s
}

// pooled makes the stage's connections those of a pool.
func pooled(cfg *httpuser.Config) {
	cfg.Pool = httpuser.NewPool(httpuser.PoolConfig{MaxConns: 1, Dial: cfg.Dial})
	cfg.Dial = nil
}

type contextFunc func(s *stage) (context.Context, context.CancelFunc)

func usersOwn(s *stage) (context.Context, context.CancelFunc) {
	return s.user.Context(), func() {}
}

func within(d time.Duration) contextFunc {
	return func(s *stage) (context.Context, context.CancelFunc) {
		return context.WithTimeout(s.user.Context(), d)
	}
}

func cancelledAt(d time.Duration) contextFunc {
	return func(s *stage) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(s.user.Context())
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

// onStops is what OnStop gets: a context that the user's end does not end.
func onStops(s *stage) (context.Context, context.CancelFunc) {
	return context.WithoutCancel(s.user.Context()), func() {}
}

func onStopsCancelledAt(d time.Duration) contextFunc {
	return func(s *stage) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.WithoutCancel(s.user.Context()))
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

// An endCase is one request and what ends it. Times are in ms after its start; the
// drain timeout is 1 s in all of them.
type endCase struct {
	cfg           httpuser.Config
	dial, answer  int // what they take
	killed        int // never, or before it
	ctx           contextFunc
	samples, cuts int
	failure       string // of the sample
	at            int    // when the call returns
}

const (
	never  = -1
	before = 0
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func endCases() map[string]endCase {
	const (
		success = ""
		noTime  = "TimeoutError('timed out')"
		gone    = "CancelledError('The request was cancelled by its task')"
	)
	return map[string]endCase{
		"answered":                     {answer: 5000, killed: never, ctx: usersOwn, samples: 1, failure: success, at: 5000},
		"time limit":                   {cfg: httpuser.Config{Timeout: ms(2500)}, answer: 5000, killed: never, ctx: usersOwn, samples: 1, failure: `ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host='stage', port=80): Read timed out. (read timeout=2.5)"))`, at: 2500},
		"default time limit":           {answer: 90_000, killed: never, ctx: usersOwn, samples: 1, failure: `ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host='stage', port=80): Read timed out. (read timeout=60)"))`, at: 60_000},
		"no time limit":                {cfg: httpuser.Config{Timeout: -1}, answer: 90_000, killed: never, ctx: usersOwn, samples: 1, at: 90_000},
		"killed, back in time":         {answer: 5000, killed: 4500, ctx: usersOwn, samples: 1, failure: success, at: 5000},
		"killed, not back in time":     {answer: 9000, killed: 4500, ctx: usersOwn, cuts: 1, at: 5500},
		"killed, time limit first":     {cfg: httpuser.Config{Timeout: ms(5000)}, answer: 9000, killed: 4500, ctx: usersOwn, samples: 1, failure: `ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host='stage', port=80): Read timed out. (read timeout=5)"))`, at: 5000},
		"killed before":                {answer: 1000, killed: before, ctx: usersOwn, at: 0},
		"killed while connecting":      {dial: 3000, answer: 1000, killed: 2000, ctx: usersOwn, at: 2000},
		"no connection in time":        {cfg: httpuser.Config{ConnectTimeout: ms(500)}, dial: 3000, killed: never, ctx: usersOwn, samples: 1, failure: `ConnectTimeoutError('Connection to stage timed out. (connect timeout=0.5)')`, at: 500},
		"no connection in all time":    {cfg: httpuser.Config{Timeout: ms(400)}, dial: 3000, killed: never, ctx: usersOwn, samples: 1, failure: `ConnectTimeoutError('Connection to stage timed out. (connect timeout=0.4)')`, at: 400},
		"deadline":                     {answer: 5000, killed: never, ctx: within(ms(2000)), samples: 1, failure: noTime, at: 2000},
		"deadline while connecting":    {dial: 5000, killed: never, ctx: within(ms(2000)), samples: 1, failure: noTime, at: 2000},
		"deadline after the limit":     {cfg: httpuser.Config{Timeout: ms(1000)}, answer: 5000, killed: never, ctx: within(ms(2000)), samples: 1, failure: `ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host='stage', port=80): Read timed out. (read timeout=1)"))`, at: 1000},
		"derived, killed, back":        {answer: 5000, killed: 4500, ctx: within(ms(20_000)), samples: 1, at: 5000},
		"derived, killed, not back":    {answer: 9000, killed: 4500, ctx: within(ms(20_000)), cuts: 1, at: 5500},
		"derived, killed, deadline":    {answer: 9000, killed: 4500, ctx: within(ms(5000)), samples: 1, failure: noTime, at: 5000},
		"derived, killed connecting":   {dial: 9000, killed: 4500, ctx: within(ms(20_000)), at: 4500},
		"cancelled":                    {answer: 5000, killed: never, ctx: cancelledAt(ms(2000)), samples: 1, failure: gone, at: 2000},
		"cancelled while connecting":   {dial: 5000, killed: never, ctx: cancelledAt(ms(2000)), at: 2000},
		"cancelled, then killed":       {answer: 5000, killed: 3000, ctx: cancelledAt(ms(2000)), samples: 1, failure: gone, at: 2000},
		"killed, then cancelled":       {answer: 5000, killed: 3000, ctx: cancelledAt(ms(3500)), cuts: 1, at: 4000},
		"OnStop":                       {answer: 5000, killed: before, ctx: onStops, samples: 1, at: 5000},
		"OnStop, then killed":          {answer: 5000, killed: 1000, ctx: onStops, samples: 1, at: 5000},
		"OnStop, cancelled":            {answer: 5000, killed: before, ctx: onStopsCancelledAt(ms(2000)), cuts: 1, at: 2000},
		"OnStop, cancelled connecting": {dial: 5000, killed: before, ctx: onStopsCancelledAt(ms(2000)), at: 2000},
	}
}

// Conformance (killed, back in time): L12
// Conformance (killed, not back in time): P21
// Conformance (no connection in time): P9
// Conformance (time limit): P9
func TestEndsOfContexts(t *testing.T) {
	for name, c := range endCases() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t) })
		})
		t.Run(name+", pooled", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(t, pooled) })
		})
	}
}

func (c endCase) run(t *testing.T, also ...func(*httpuser.Config)) {
	s := newStage(t, c.cfg, ms(c.dial), ms(c.answer), also...)
	switch c.killed {
	case never:
	case before:
		s.kill(errStopped)
	default:
		time.AfterFunc(ms(c.killed), func() { s.kill(errStopped) })
	}
	ctx, cancel := c.ctx(s)
	defer cancel()
	start := time.Now()
	resp, err := s.Get(ctx, "/", httpuser.Name("n"))
	if took := time.Since(start); took != ms(c.at) {
		t.Errorf("it took %v, want %v", took, ms(c.at))
	}
	samples, cuts := s.counts()
	if samples != c.samples || cuts != c.cuts {
		t.Fatalf("%d samples and %d cuts, want %d and %d (%v)", samples, cuts, c.samples, c.cuts, err)
	}
	if samples == 0 {
		if resp != nil || err == nil || !errors.Is(err, context.Cause(ctx)) {
			t.Errorf("got %v and %v, want an error with the cause %v", resp, err, context.Cause(ctx))
		}
	} else if got := s.samples[0]; err != nil || !errors.Is(got.Err, resp.Err) || text(got.Err) != c.failure || got.ResponseTime != ms(c.at) {
		t.Errorf("recorded %+v (%v), want %q", got, err, c.failure)
	}
	if served := s.served.Load(); c.dial > 0 && served != 0 {
		t.Errorf("%d requests were sent without a connection", served)
	}
	s.kill(errStopped)
	time.Sleep(time.Hour) // the server finds its connection closed
	synctest.Wait()
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNothingIsSentAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{}, 0, time.Second)
		must(t)(s.Get(s.user.Context(), "/"))
		time.AfterFunc(500*time.Millisecond, func() { s.kill(errStopped) })
		must(t)(s.Get(s.user.Context(), "/"))
		for range 3 {
			if _, err := s.Get(s.user.Context(), "/"); !errors.Is(err, errStopped) {
				t.Errorf("a request after the end: %v", err)
			}
		}
		s.last(t, 2)
		if served := s.served.Load(); served != 2 {
			t.Errorf("%d requests were served, want 2", served)
		}
	})
}

// Connections of requests that OnStop makes are closed at once, because nothing
// comes after it that could close them.
func TestConnectionsEndWithTheUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{}, 0, 0)
		must(t)(s.Get(s.user.Context(), "/"))
		s.kill(errStopped)
		synctest.Wait() // fails when the server's goroutine for the idle connection is left
		for range 2 {
			must(t)(s.Get(context.WithoutCancel(s.user.Context()), "/"))
		}
		s.last(t, 3)
		if n := s.dialled.Load(); n != 3 {
			t.Errorf("%d connections, want 3", n)
		}
	})
}

func TestOneRequestAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, httpuser.Config{}, 0, time.Second)
		go s.Get(s.user.Context(), "/")
		synctest.Wait()
		if _, err := s.Get(s.user.Context(), "/"); !errors.Is(err, httpuser.ErrBusy) {
			t.Errorf("a second request beside the first: %v", err)
		}
		time.Sleep(2 * time.Second)
		s.last(t, 1)
		s.kill(errStopped)
	})
}

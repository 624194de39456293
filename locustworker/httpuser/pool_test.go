package httpuser_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// Requests served = recorded + cut for 2,000 users over 50 connections too, when
// they are killed at any moment and some answers never come; there are never more
// connections, and none is left.
func TestPoolServesManyUsersExactly(t *testing.T) {
	const conns, killedAt = 50, 4000
	var open, peak atomic.Int64
	pool := httpuser.NewPool(httpuser.PoolConfig{MaxConns: conns, Dial: counting(&open, &peak)})
	served, recorded, cut := killing{
		users: 2000, cfg: httpuser.Config{Pool: pool}, killedAt: killedAt, lasts: 50 * time.Millisecond,
		hangs: func(n int64) bool { return n > killedAt && n%7 == 0 },
	}.run(t)
	if peak.Load() > conns {
		t.Errorf("%d connections at a time, want at most %d", peak.Load(), conns)
	}
	eventually(t, "the last user's end closes all connections", func() bool { return open.Load() == 0 })
	if served != recorded+cut || recorded < killedAt-conns || cut == 0 {
		t.Errorf("%d served, %d recorded, %d cut", served, recorded, cut)
	}
}

// counting dials and counts the connections that are open, and the most there were.
func counting(open, peak *atomic.Int64) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		now := open.Add(1)
		for was := peak.Load(); now > was && !peak.CompareAndSwap(was, now); was = peak.Load() {
		}
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			open.Add(-1)
			return nil, err
		}
		return &countedConn{Conn: c, closed: sync.OnceFunc(func() { open.Add(-1) })}, nil
	}
}

// A countedConn tells when it is closed for the first time.
type countedConn struct {
	net.Conn
	closed func()
}

func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.closed()
	return err
}

// eventually polls until what must happen has happened.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// A poolStage is users over memory, in fake time, of one pool to servers that
// take a second for each answer.
type poolStage struct {
	pool    *httpuser.Pool
	dialled []string // addresses
	open    int
	mu      sync.Mutex
}

func newPoolStage(conns int) *poolStage {
	s := &poolStage{}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dialled = append(s.dialled, address)
		s.open++
		client, server := net.Pipe()
		go func() {
			redirecting(server, "http://other/end", time.Second)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.open--
		}()
		return client, nil
	}
	s.pool = httpuser.NewPool(httpuser.PoolConfig{MaxConns: conns, Dial: dial})
	return s
}

func TestPoolIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newPoolStage(1)
		const users, rounds = 5, 3
		var order []int
		var wg sync.WaitGroup
		for i := range users {
			r := newRig(t, "http://h", httpuser.Config{Pool: s.pool, Timeout: time.Hour}, time.Second)
			wg.Go(func() {
				time.Sleep(time.Duration(i+1) * time.Millisecond)
				for range rounds {
					if resp, err := r.Get(r.user.Context(), "/end"); err != nil || !resp.OK() {
						t.Error(resp, err)
					}
					order = append(order, i) // one at a time: there is one connection
				}
				r.kill(errStopped)
			})
		}
		wg.Wait()
		if want := slices.Repeat([]int{0, 1, 2, 3, 4}, rounds); !slices.Equal(order, want) {
			t.Errorf("served in the order %v", order)
		}
		synctest.Wait()
		if len(s.dialled) != 1 || s.open != 0 {
			t.Errorf("dialled %v, %d open at the end", s.dialled, s.open)
		}
	})
}

// One user holds the only connection for a second; another one waits for it.
func TestEndsOfAWaitForAConnection(t *testing.T) {
	const empty = `EmptyPoolError("HTTPConnectionPool(host='h', port=80): Pool is empty and a new connection can't be opened due to blocking mode.")`
	for name, c := range map[string]struct {
		ctx     contextFunc
		timeout time.Duration
		killed  time.Duration
		failure string
		none    bool // nothing is recorded
		at      time.Duration
	}{
		"its turn":      {ctx: usersOwn, at: 2 * time.Second},
		"time limit":    {ctx: usersOwn, timeout: ms(300), failure: empty, at: ms(300)},
		"deadline":      {ctx: within(ms(300)), failure: "TimeoutError('timed out')", at: ms(300)},
		"stopped":       {ctx: usersOwn, killed: ms(300), none: true, at: ms(300)},
		"own, stopped":  {ctx: within(time.Hour), killed: ms(300), none: true, at: ms(300)},
		"cancelled":     {ctx: cancelledAt(ms(300)), none: true, at: ms(300)},
		"after its end": {ctx: onStops, killed: ms(300), at: 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newPoolStage(1)
				first := newRig(t, "http://h", httpuser.Config{Pool: s.pool}, time.Second)
				go first.Get(first.user.Context(), "/end")
				synctest.Wait()
				r := newRig(t, "http://h", httpuser.Config{Pool: s.pool, Timeout: c.timeout}, time.Second)
				if c.killed > 0 {
					time.AfterFunc(c.killed, func() { r.kill(errStopped) })
				}
				ctx, cancel := c.ctx(&stage{rig: r})
				defer cancel()
				start := time.Now()
				_, err := r.Get(ctx, "/end")
				if took := time.Since(start); took != c.at {
					t.Errorf("it took %v, want %v", took, c.at)
				}
				samples, cuts := r.counts()
				if c.none != (samples == 0) || cuts != 0 || c.none != (err != nil) {
					t.Fatalf("%d samples, %d cuts, %v", samples, cuts, err)
				}
				if samples > 0 && (text(r.samples[0].Err) != c.failure || r.samples[0].ResponseTime != c.at) {
					t.Errorf("recorded %+v, want %q", r.samples[0], c.failure)
				}
				time.Sleep(time.Minute)
				if resp := must(t)(first.Get(first.user.Context(), "/end")); !resp.OK() { // nothing was lost
					t.Error(resp.Err)
				}
				first.last(t, 2)
				first.kill(errStopped)
				r.kill(errStopped)
				synctest.Wait()
				if s.open != 0 {
					t.Errorf("%d connections at the end", s.open)
				}
			})
		})
	}
}

// Users whose requests need two servers, one after the other, do not wait for
// each other for ever.
func TestPoolAcrossServers(t *testing.T) {
	for _, conns := range []int{1, 2, -1} {
		synctest.Test(t, func(t *testing.T) {
			s := newPoolStage(conns)
			var rigs []*rig
			var wg sync.WaitGroup
			for range 3 {
				r := newRig(t, "http://h", httpuser.Config{Pool: s.pool, Timeout: time.Hour}, time.Second)
				rigs = append(rigs, r)
				wg.Go(func() {
					for range 2 {
						if resp, err := r.Get(r.user.Context(), "/"); err != nil || !resp.OK() {
							t.Error(resp, err)
						}
					}
					r.last(t, 2)
				})
			}
			wg.Wait()
			synctest.Wait()
			if s.open > conns && conns > 0 || s.open < 1 {
				t.Errorf("%d connections of %d: dialled %v", s.open, conns, s.dialled)
			}
			for _, r := range rigs {
				r.kill(errStopped)
			}
			synctest.Wait()
			if s.open != 0 {
				t.Errorf("%d connections at the end", s.open)
			}
			// What OnStop asks for leaves nothing open either.
			must(t)(rigs[0].Get(context.WithoutCancel(rigs[0].user.Context()), "/end"))
			synctest.Wait()
			if s.open != 0 {
				t.Errorf("%d connections after OnStop", s.open)
			}
		})
	}
}

// A connection that went stale in the pool is replaced by the one that found out.
func TestStalePooledConnectionIsReplaced(t *testing.T) {
	closed := make(chan struct{})
	host := serveRaw(t, func(n int, c net.Conn, next func() bool) {
		for next() {
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			if n == 1 {
				c.Close()
				close(closed)
				return
			}
		}
	})
	pool := httpuser.NewPool(httpuser.PoolConfig{MaxConns: 1})
	a, b := newRig(t, host, httpuser.Config{Pool: pool}, 0), newRig(t, host, httpuser.Config{Pool: pool}, 0)
	must(t)(a.Get(a.user.Context(), "/"))
	recv(t, closed)
	for i, r := range []*rig{b, a, b} {
		if resp := must(t)(r.Get(r.user.Context(), "/")); !resp.OK() {
			t.Errorf("request %d: %v", i, resp.Err)
		}
	}
}

func TestPooledGetDoesNotAllocate(t *testing.T) {
	u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: serveFixed(t, 1024)})
	s, err := httpuser.New(u, httpuser.Config{Pool: httpuser.NewPool(httpuser.PoolConfig{}), ReuseResponses: true})
	if err != nil {
		t.Fatal(err)
	}
	got := testing.AllocsPerRun(500, func() {
		if r, err := s.Get(u.Context(), "/doc/1", httpuser.Name("/doc")); err != nil || r.Err != nil {
			t.Fatal(r, err)
		}
	})
	if got != allocationsPerGet && !raceEnabled {
		t.Errorf("%v allocations a GET, want %d", got, allocationsPerGet)
	}
}

func TestPoolOpensItsOwnConnections(t *testing.T) {
	pool := httpuser.NewPool(httpuser.PoolConfig{})
	u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: "http://h"})
	for _, cfg := range []httpuser.Config{
		{Pool: pool, TLS: &tls.Config{MinVersion: tls.VersionTLS12}},
		{Pool: pool, Dial: failing(io.EOF)},
	} {
		if _, err := httpuser.New(u, cfg); !errors.Is(err, httpuser.ErrConfig) {
			t.Errorf("accepted beside a pool: %v", err)
		}
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(echo))
	t.Cleanup(srv.Close)
	verified := httpuser.NewPool(httpuser.PoolConfig{TLS: &tls.Config{RootCAs: roots(srv), MinVersion: tls.VersionTLS12}})
	r := newRig(t, srv.URL, httpuser.Config{Pool: verified}, 0)
	if resp := must(t)(r.Get(r.user.Context(), "/")); !resp.OK() {
		t.Error(resp.Err)
	}
}

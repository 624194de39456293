package httpuser

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// defaultMaxConns is PoolConfig.MaxConns where none is given.
const defaultMaxConns = 100

// A PoolConfig describes a Pool. The zero value is usable.
type PoolConfig struct {
	// MaxConns is how many connections there may be at a time, to all servers
	// together: open, being opened, and idle. Default 100; negative means that
	// connections are shared but not limited.
	MaxConns int
	// TLS and Dial are those of Config, for all of the pool's users.
	TLS  *tls.Config
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Pool holds connections that users share, in place of the connection that
// each user otherwise keeps for itself: for more users than one process may have
// files open, or to load a server as clients behind one proxy do (Locust's
// client_pool and pool_manager). Give it to their sessions as Config.Pool.
//
// A request takes a connection from its first byte to the last one of its answer,
// redirects included. When none is free it waits for one. Those who wait are
// served in the order in which they came. The wait is part of the response time,
// as in Locust, and within Config.Timeout: read the response times of a pool that
// is too small as such. Who is stopped while it waits has sent nothing, and
// nothing is recorded.
//
// Cookies, headers and names stay each user's own. The idle connections are
// closed when the last of the pool's users has ended. A Pool is safe for
// concurrent use.
type Pool struct {
	max  int // or negative
	tls  *tls.Config
	dial dialFunc

	mu    sync.Mutex
	users int                // sessions whose user has not ended
	open  int                // leases and idle connections
	idle  map[string][]*conn // by origin, the longest idle first; empty while somebody waits
	clock uint64             // counts what is put into idle
	queue queue
	free  queue // waiters to use again

	h2    *h2client
	last  *settings        // of the session that was made last
	bases map[string]*base // of its users' hosts
}

// NewPool returns a pool without connections.
func NewPool(cfg PoolConfig) *Pool {
	p := &Pool{max: cfg.MaxConns, tls: cfg.TLS, dial: cfg.Dial, idle: map[string][]*conn{}, bases: map[string]*base{}}
	if p.max == 0 {
		p.max = defaultMaxConns
	}
	return p
}

// maxBases is how many hosts a pool remembers; there are seldom more than one.
const maxBases = 16

// base is parseBase, with one result for all users of a host.
func (p *Pool) base(host string) (*base, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.bases[host]; b != nil {
		return b, nil
	}
	b, err := parseBase(host)
	if err == nil && len(p.bases) < maxBases {
		p.bases[host] = b
	}
	return b, err
}

// shared returns one value for settings that are alike.
func (p *Pool) shared(set *settings) *settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || !p.last.same(set) {
		p.last = set
	}
	return p.last
}

func (p *Pool) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
}

// leave is called when the user of a session has ended.
func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	if p.h2 != nil {
		p.h2.retire()
	}
	for origin, conns := range p.idle {
		for _, c := range conns {
			c.Close()
		}
		p.open -= len(conns)
		delete(p.idle, origin)
	}
}

// lease gives the right to one connection to origin, and an idle one if there is
// one; else the caller dials. It blocks until ctx or the time limit ends, and
// then returns an error: os.ErrDeadlineExceeded for the limit, else that of ctx.
// The right is given back with release.
func (p *Pool) lease(ctx context.Context, origin string, limit time.Time) (*conn, error) {
	p.mu.Lock()
	if c, ok := p.take(origin); ok {
		p.mu.Unlock()
		return c, nil
	}
	w := p.free.pop()
	if w == nil {
		w = newWaiter()
	}
	w.origin = origin
	p.queue.push(w)
	p.mu.Unlock()

	granted, err := w.wait(ctx, limit)
	p.mu.Lock()
	queued := err != nil && p.queue.remove(w)
	p.mu.Unlock()
	if err != nil && !queued { // it was granted in the same moment
		p.release(origin, <-w.granted)
	}
	p.mu.Lock()
	p.free.push(w)
	p.mu.Unlock()
	return granted, err
}

// take is lease without waiting. p.mu is held.
func (p *Pool) take(origin string) (c *conn, ok bool) {
	if conns := p.idle[origin]; len(conns) > 0 {
		last := len(conns) - 1
		c, conns[last] = conns[last], nil
		p.idle[origin] = conns[:last]
		return c, true
	}
	if p.max < 0 || p.open < p.max {
		p.open++
		return nil, true
	}
	return nil, p.evict()
}

// evict closes the connection that was idle for the longest time, so that there
// may be another one in its place. p.mu is held.
func (p *Pool) evict() bool {
	oldest := ""
	var since uint64
	for origin, conns := range p.idle {
		if len(conns) == 0 {
			delete(p.idle, origin)
		} else if oldest == "" || conns[0].since < since {
			oldest, since = origin, conns[0].since
		}
	}
	if oldest == "" {
		return false
	}
	conns := p.idle[oldest]
	conns[0].Close()
	copy(conns, conns[1:])
	conns[len(conns)-1] = nil
	p.idle[oldest] = conns[:len(conns)-1]
	return true
}

// release ends a lease. c is the connection to origin that can serve again, or
// nil.
func (p *Pool) release(origin string, c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w := p.queue.pop(); w != nil {
		if c != nil && w.origin != origin {
			c.Close()
			c = nil
		}
		w.granted <- c
		return
	}
	if c == nil {
		p.open--
		return
	}
	if p.users == 0 { // nobody would close it
		c.Close()
		p.open--
		return
	}
	p.clock++
	c.since = p.clock
	p.idle[origin] = append(p.idle[origin], c)
}

package httpuser

import (
	"context"
	"slices"
	"sync"
	"time"
)

// A gate stands between the end of a context, which comes from another
// goroutine, and the session's connections. It decides how long the running
// request may go on.
//
// A context that ends never closes the connection in use; it moves that
// connection's deadline, so that the user's goroutine finds out by itself, in
// the one place where it judges errors. No request costs a goroutine or a timer
// for it: the user's own context is watched once a session.
type gate struct {
	mu      sync.Mutex
	drain   time.Duration
	ended   bool    // the user's context has ended
	peers   []*peer // all of the session's, its host first; only the session's goroutine writes
	running bool
	turn    uint64    // number of the running request
	orphan  bool      // it was begun after the user's end
	own     bool      // it runs under the user's context itself
	limit   time.Time // its time limit, or zero
	busy    *conn     // the connection it is using, if any
	ending  ending
	cutoff  time.Time // when the ending takes effect
}

// An ending is why a request must end before its time limit.
type ending uint8

const (
	notEnding ending = iota
	stopped          // the user was stopped; its drain time runs
	cancelled        // the request's own context was cancelled
)

// begin opens a turn. ok is false when another one is running.
func (g *gate) begin(own, orphan bool) (turn uint64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running {
		return 0, false
	}
	g.turn++
	g.running, g.own, g.orphan = true, own, orphan
	g.limit, g.ending, g.cutoff = time.Time{}, notEnding, time.Time{}
	if own && g.ended {
		g.end(stopped, time.Now().Add(g.drain))
	}
	return g.turn, true
}

// setLimit sets the turn's time limit; zero is none.
func (g *gate) setLimit(limit time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limit = limit
}

// finish closes the turn and, after the user's end, all connections.
func (g *gate) finish() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = false
	if g.ended {
		g.closeIdle()
	}
}

// userEnded is called once, when the user's context ends.
func (g *gate) userEnded() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
	switch {
	case !g.running:
		g.closeIdle()
	case g.own:
		g.end(stopped, time.Now().Add(g.drain))
	}
}

// closeIdle closes the connections that no request uses. g.mu is held.
func (g *gate) closeIdle() {
	for _, p := range g.peers {
		if p.idle != nil {
			p.idle.Close()
			p.idle = nil
		}
	}
}

// callEnded is called when the context of the given turn ends, if it is not the
// user's own. A deadline needs nothing: it is part of the turn's limit.
func (g *gate) callEnded(turn uint64, cause error, userEnded bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.running || g.turn != turn:
	case userEnded && !g.orphan:
		g.end(stopped, time.Now().Add(g.drain))
	case cause != context.DeadlineExceeded: //nolint:errorlint // ctx.Err() is never wrapped
		g.end(cancelled, time.Now())
	}
}

// end lets the running request go on until t. g.mu is held.
func (g *gate) end(why ending, t time.Time) {
	if g.ending != notEnding {
		return
	}
	g.ending, g.cutoff = why, t
	if g.busy != nil {
		g.busy.SetDeadline(g.deadline()) //nolint:errcheck // a closed connection fails by itself
	}
}

// deadline is the earlier of limit and cutoff. g.mu is held.
func (g *gate) deadline() time.Time {
	if g.ending != notEnding && (g.limit.IsZero() || g.cutoff.Before(g.limit)) {
		return g.cutoff
	}
	return g.limit
}

// why reports what ended a request whose connection ran into its deadline.
func (g *gate) why() ending {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ending != notEnding && (g.limit.IsZero() || g.cutoff.Before(g.limit)) {
		return g.ending
	}
	return notEnding
}

// take makes the peer's idle connection the one in use, or returns nil.
func (g *gate) take(p *peer) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := p.idle
	p.idle = nil
	if c != nil {
		g.use(c)
	}
	return c
}

// adopt makes a new connection the one in use.
func (g *gate) adopt(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.use(c)
}

func (g *gate) use(c *conn) {
	g.busy = c
	c.sent, c.err = false, nil
	c.SetDeadline(g.deadline()) //nolint:errcheck // a closed connection fails by itself
}

// drop takes the peer's idle connection, if any, out of the session's hands.
func (g *gate) drop(p *peer) *conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := p.idle
	p.idle = nil
	return c
}

// put ends the use of a connection. It is kept when it can serve again.
func (g *gate) put(p *peer, c *conn, reusable bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.busy = nil
	if reusable && p.idle == nil && slices.Contains(g.peers, p) {
		c.used = true
		p.idle = c
		return
	}
	c.Close()
}

// add makes a peer known to the session, in place of the oldest of too many
// beside its host.
func (g *gate) add(p *peer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.peers) > maxPeers {
		if c := g.peers[1].idle; c != nil {
			c.Close()
		}
		g.peers = slices.Delete(g.peers, 1, 2)
	}
	g.peers = append(g.peers, p)
}

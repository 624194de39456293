package httpuser

import (
	"context"
	"slices"
	"time"
)

// A turn is what the end of a context, which comes from another goroutine, finds
// of a running request.
//
// A context that ends never closes the connection in use; it moves that
// connection's deadline, so that the user's goroutine finds out by itself, in the
// one place where it judges errors. No request costs a goroutine or a timer for
// it: the user's own context is watched once a session. Session.mu guards a turn.
type turn struct {
	number uint64    // of the request
	orphan bool      // it was begun after the user's end
	own    bool      // it runs under the user's context itself
	limit  time.Time // its time limit, or zero
	busy   *conn     // the connection it is using, if any
	cancel func()    // ends a request over HTTP/2, which has no connection of its own
	ending ending
	cutoff time.Time // when the ending takes effect
}

// An ending is why a request must end before its time limit.
type ending uint8

const (
	notEnding ending = iota
	stopped          // the user was stopped; its drain time runs
	cancelled        // the request's own context was cancelled
)

// end lets the request go on until t.
func (t *turn) end(why ending, at time.Time) {
	if t.ending != notEnding {
		return
	}
	t.ending, t.cutoff = why, at
	if t.busy != nil {
		t.busy.setDeadline(t.deadline())
	}
	if t.cancel != nil {
		t.cancel()
	}
}

// deadline is the earlier of limit and cutoff, zero for none.
func (t *turn) deadline() time.Time {
	if t.ending != notEnding && (t.limit.IsZero() || t.cutoff.Before(t.limit)) {
		return t.cutoff
	}
	return t.limit
}

// begin makes the request the session's running one.
func (s *Session) begin(t *turn, own, orphan bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.turn != nil:
		return ErrBusy
	}
	s.turns++
	*t = turn{number: s.turns, own: own, orphan: orphan}
	s.turn = t
	if own && s.ended {
		s.stopTurn(t)
	}
	return nil
}

// stopTurn lets the request go on for the drain timeout. s.mu is held.
func (s *Session) stopTurn(t *turn) {
	t.end(stopped, time.Now().Add(s.user.Client().DrainTimeout()))
}

// setLimit sets the turn's time limit; zero is none.
func (s *Session) setLimit(t *turn, limit time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.limit = limit
}

// finish ends the turn and, after the user's end, closes all connections.
func (s *Session) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn = nil
	if s.ended || s.closed {
		s.closeIdle()
	}
}

// closeIdle closes the connections that no request uses. s.mu is held.
func (s *Session) closeIdle() {
	for _, c := range s.idle {
		c.Close()
	}
	s.idle = nil
	if s.h2 != nil && s.cfg.Pool == nil && s.parent == nil {
		s.h2.retire()
	}
}

// callEnded is called when the context of the request with the given number ends,
// if it is not the user's own. A deadline needs nothing: it is part of the turn's
// limit.
func (s *Session) callEnded(number uint64, cause error, userEnded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch t := s.turn; {
	case t == nil || t.number != number:
	case userEnded && !t.orphan:
		s.stopTurn(t)
	case cause != context.DeadlineExceeded: //nolint:errorlint // ctx.Err() is never wrapped
		t.end(cancelled, time.Now())
	}
}

// why reports what ended a request that ran into its deadline.
func (s *Session) why(t *turn) ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.ending != notEnding && (t.limit.IsZero() || t.cutoff.Before(t.limit)) {
		return t.ending
	}
	return notEnding
}

// take makes the idle connection to an origin the one in use, or returns nil.
func (s *Session) take(t *turn, origin string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.removeIdle(origin)
	if c != nil {
		s.use(t, c)
	}
	return c
}

func (s *Session) removeIdle(origin string) *conn {
	for i, c := range s.idle {
		if c.origin == origin {
			s.idle = slices.Delete(s.idle, i, i+1)
			return c
		}
	}
	return nil
}

// adopt makes a new connection the one in use.
func (s *Session) adopt(t *turn, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.use(t, c)
}

func (s *Session) use(t *turn, c *conn) {
	t.busy = c
	c.user, c.sent = s, false
	c.arm(t.deadline())
}

// extend gives a connection that ran into its deadline the turn's, and reports
// whether that is a later one: deadlines are not moved with each request.
func (s *Session) extend(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turn == nil || s.turn.busy != c {
		return false
	}
	d := s.turn.deadline()
	if !d.IsZero() && !time.Now().Before(d) {
		return false
	}
	c.setDeadline(d)
	return true
}

// drop takes the idle connection to an origin, if any, out of the session's hands.
func (s *Session) drop(origin string) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeIdle(origin)
}

// put ends the use of a connection. It is kept when it can serve again, in place
// of the oldest one of too many beside that to the user's host.
func (s *Session) put(t *turn, c *conn, reusable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.busy, c.user = nil, nil
	if !reusable || s.closed {
		c.Close()
		return
	}
	c.used = true
	s.idle = append(s.idle, c)
	if len(s.idle) <= maxPeers {
		return
	}
	oldest, others := -1, 0
	for i, c := range s.idle {
		if c.origin != s.base.peer.origin {
			if others++; oldest < 0 {
				oldest = i
			}
		}
	}
	if others > maxPeers {
		s.idle[oldest].Close()
		s.idle = slices.Delete(s.idle, oldest, oldest+1)
	}
}

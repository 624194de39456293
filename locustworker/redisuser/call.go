package redisuser

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrStopped says that a command has no result and no sample because its user was
// stopped, or its context had ended before it was sent.
var ErrStopped = errors.New("redisuser: the user was stopped")

// An ending is why a command must end before its time limit.
type ending uint8

const (
	notEnding    ending = iota
	endStopped          // the user was stopped; its drain time runs
	endCancelled        // the command's own context was cancelled
)

// A call is one command or pipeline on its way. It is the context that go-redis gets
// with it, and that the greeting of a new connection comes back to the hook with.
type call struct {
	context.Context //nolint:containedctx // lives as long as the command

	s      *Session
	link   *link
	other  bool // the link is not the session's own client
	orphan bool // begun after the user's end
	start  time.Time
	why    ending // guarded by s.mu
	cutoff time.Time
	stop   func() bool // ends the watch of ctx, or nil
}

type callKey struct{}

// Value finds the call itself, or what its context has.
func (c *call) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// isGreeting reports whether a command under ctx is go-redis's own, such as HELLO on a
// new connection.
func isGreeting(ctx context.Context) bool { return ctx.Value(callKey{}) != nil }

// begin waits for a link. The error wraps ErrStopped, and nothing is recorded then, or
// is a failure of the command.
func (s *Session) begin(ctx context.Context) (*call, error) {
	c := &call{s: s, Context: ctx, start: time.Now()}
	if ctx.Err() != nil {
		return nil, stopped(ctx)
	}
	if err := s.user.Client().TaskAborted(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStopped, err)
	}
	users := s.user.Context()
	c.orphan = users.Err() != nil
	var err error
	if c.link, c.other, err = s.lease(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		return c, err
	}
	c.link.begin(c.start)
	s.mu.Lock()
	s.running[c] = struct{}{}
	if s.ended && !c.orphan {
		c.end(endStopped, time.Now().Add(s.user.Client().DrainTimeout()))
	}
	s.mu.Unlock()
	if done := ctx.Done(); done != nil && done != users.Done() {
		c.stop = context.AfterFunc(ctx, c.contextEnded)
	}
	return c, nil
}

func stopped(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrStopped, context.Cause(ctx)) }

// contextEnded follows the end of a context that is not the user's own. Its deadline is
// go-redis's business.
func (c *call) contextEnded() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if _, running := c.s.running[c]; !running {
		return // the link may be another command's by now
	}
	switch {
	case c.Err() == context.DeadlineExceeded && !c.orphan: //nolint:errorlint // ctx.Err() is never wrapped
	case c.s.user.Context().Err() != nil && !c.orphan: // userEnded may not have run yet
		c.end(endStopped, time.Now().Add(c.s.user.Client().DrainTimeout()))
	default:
		c.end(endCancelled, time.Now())
	}
}

// end lets the command go on until t. s.mu is held.
func (c *call) end(why ending, t time.Time) {
	if c.why != notEnding {
		return
	}
	c.why, c.cutoff = why, t
	c.link.cut(t)
}

// A result is what became of a call.
type result struct {
	took   time.Duration
	length int64
	sent   bool
	broken bool   // there is no complete reply
	ending ending // why it ended before its reply
}

// finish gives the link back. err is the command's error.
func (c *call) finish(err error) result {
	now := time.Now()
	r := result{took: now.Sub(c.start)}
	if c.link == nil {
		r.broken = true
		return r
	}
	if c.stop != nil {
		c.stop()
	}
	c.s.mu.Lock()
	delete(c.s.running, c)
	r.sent, r.length = c.link.end(now)
	_, replied := err.(redis.Error) //nolint:errorlint // what wraps one is no reply
	r.broken = err != nil && (!r.sent || !replied)
	switch {
	case !r.broken:
	case !r.sent && c.Err() == context.Canceled: //nolint:errorlint // ctx.Err() is never wrapped
		r.ending = endStopped
	case c.why != notEnding && !time.Now().Before(c.cutoff):
		r.ending = c.why
		if c.orphan {
			r.ending = endStopped
		}
	}
	c.s.mu.Unlock()
	if r.broken {
		r.length = 0
	}
	c.s.release(c.link, c.other)
	return r
}

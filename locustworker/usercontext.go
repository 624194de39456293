package locustworker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A lifetime is the state of a user's context.
type lifetime struct {
	ended atomic.Int32 // one of the values below
	mu    sync.Mutex
	done  chan struct{} // nil until somebody asks for it
	after *afterFunc    // the last one first
}

const (
	lifeGoesOn   int32 = iota
	lifeIsOver         // the user has ended by itself
	lifeWasTaken       // the user was killed
)

// An afterFunc is a function to call at the end of a context.
type afterFunc struct {
	call func()
	next *afterFunc
}

// A userContext is the context of a user that a worker runs: the User itself, so
// that one which waits needs no other object. It makes its channel when somebody
// asks for it.
type userContext User

var _ context.Context = (*userContext)(nil)

// Deadline implements context.Context; there is none.
func (c *userContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done implements context.Context.
func (c *userContext) Done() <-chan struct{} {
	c.life.mu.Lock()
	defer c.life.mu.Unlock()
	if c.life.done == nil {
		c.life.done = make(chan struct{})
		if c.life.ended.Load() != lifeGoesOn {
			close(c.life.done)
		}
	}
	return c.life.done
}

// Err implements context.Context.
func (c *userContext) Err() error {
	if c.life.ended.Load() == lifeGoesOn {
		return nil
	}
	return context.Canceled
}

// Value implements context.Context. The values of a killed user's context are those
// of world.killed, so that context.Cause finds why it ended.
func (c *userContext) Value(key any) any {
	if c.life.ended.Load() == lifeWasTaken {
		return c.world.killed.Value(key)
	}
	return c.world.parent.Value(key)
}

// AfterFunc has f called when the context has ended; f must not block. Package
// context looks for this method, so that a context made from this one costs no
// goroutine.
func (c *userContext) AfterFunc(f func()) (stop func() bool) {
	c.life.mu.Lock()
	defer c.life.mu.Unlock()
	if c.life.ended.Load() != lifeGoesOn {
		go f()
		return func() bool { return false }
	}
	a := &afterFunc{call: f, next: c.life.after}
	c.life.after = a
	return func() bool { return c.life.drop(a) }
}

// drop takes a function out, unless it was called.
func (l *lifetime) drop(a *afterFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := &l.after; *p != nil; p = &(*p).next {
		if *p == a {
			*p = a.next
			return true
		}
	}
	return false
}

// finish ends the context, unless it has ended.
func (l *lifetime) finish(how int32) {
	l.mu.Lock()
	if l.ended.Load() != lifeGoesOn {
		l.mu.Unlock()
		return
	}
	l.ended.Store(how)
	if l.done != nil {
		close(l.done)
	}
	after := l.after
	l.after = nil
	l.mu.Unlock()
	for ; after != nil; after = after.next {
		after.call()
	}
}

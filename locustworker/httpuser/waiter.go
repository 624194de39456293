package httpuser

import (
	"context"
	"os"
	"time"
)

// A waiter is a session that waits for a connection of a pool. The pool uses it
// again.
type waiter struct {
	origin     string
	granted    chan *conn // takes one value without blocking
	timer      *time.Timer
	prev, next *waiter
	queued     bool
}

func newWaiter() *waiter { return &waiter{granted: make(chan *conn, 1)} }

// wait blocks until something is granted, ctx ends or limit, if it is not zero,
// has passed.
func (w *waiter) wait(ctx context.Context, limit time.Time) (*conn, error) {
	var expired <-chan time.Time
	if !limit.IsZero() {
		if w.timer == nil {
			w.timer = time.NewTimer(time.Until(limit))
		} else {
			w.timer.Reset(time.Until(limit))
		}
		defer w.timer.Stop()
		expired = w.timer.C
	}
	select {
	case c := <-w.granted:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-expired:
		return nil, os.ErrDeadlineExceeded
	}
}

// A queue holds waiters, first come first served.
type queue struct{ first, last *waiter }

func (q *queue) push(w *waiter) {
	w.queued, w.prev, w.next = true, q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
}

// pop takes the first waiter out, or returns nil.
func (q *queue) pop() *waiter {
	w := q.first
	if w != nil {
		q.remove(w)
	}
	return w
}

// remove reports whether w was in the queue.
func (q *queue) remove(w *waiter) bool {
	if !w.queued {
		return false
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued, w.prev, w.next = false, nil, nil
	return true
}

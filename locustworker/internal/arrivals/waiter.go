package arrivals

import "time"

// napLimit is the longest wait that a nap serves. Timers of the Go runtime may be
// late by as much, when the process has nothing else to do.
const napLimit = time.Millisecond

// A Waiter waits for one goroutine. Stop it at the end.
type Waiter struct {
	now   func() time.Duration
	nap   func(time.Duration) // or nil
	timer *time.Timer
}

// NewWaiter returns a waiter that naps through the last millisecond of a wait. nap
// sleeps for a short time, more exactly than a timer of the runtime does; nil uses
// timers alone, and so does a waiter whose clock stands still during a nap, as the
// fake one of testing/synctest does.
func NewWaiter(now func() time.Duration, nap func(time.Duration)) *Waiter {
	w := &Waiter{now: now, nap: nap, timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// Wait waits for d at most, or until changed has a value. It may return before.
func (w *Waiter) Wait(d time.Duration, changed <-chan struct{}) {
	switch {
	case d <= 0:
		return
	case w.nap == nil:
	case d <= napLimit:
		before := w.now()
		if w.nap(d); w.now() == before {
			w.nap = nil
		}
		return
	default:
		d -= napLimit
	}
	w.timer.Reset(d)
	select {
	case <-w.timer.C:
	case <-changed:
	}
}

// Stop gives back what the waiter has.
func (w *Waiter) Stop() { w.timer.Stop() }

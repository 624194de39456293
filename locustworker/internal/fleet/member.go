package fleet

import (
	"sync/atomic"
	"time"
)

// Work is what one member does.
type Work interface {
	// Step does the next piece of work, in an executor, and may block. It returns
	// how long the member waits before the next Step; 0 or less means not at all, Park
	// until Member.Wake.
	// done ends the member. When the member was asked to stop (Member.Stopping), Step
	// is called without delay and should end soon with done.
	Step() (wait time.Duration, done bool)
	// Woke tells how long after the intended time the next Step comes. It is called
	// before each Step that follows a wait, unless a stop ended the wait.
	Woke(late time.Duration)
	// Kill interrupts a Step that runs and those that follow. It must not block. It
	// may be called at any time, more than once, and after the member's end.
	Kill()
}

// A Member is the fleet's side of one member. Embed it in what implements Work,
// call Init, and give it to the fleet: see Group.
type Member struct {
	work  Work
	shard *shard
	group *Group
	stop  *stop   // that it is part of, or nil; guarded by Fleet.mu
	next  *Member // in a list of its shard
	due   time.Duration
	slot  int32 // place in group.running; guarded by Fleet.mu
	state state // guarded by shard.mu
	woken bool  // Wake was called while it was not parked; guarded by shard.mu
	asked atomic.Bool
}

// A state is where a member stands.
type state uint8

const (
	queued  state = iota // for an executor
	running              // in an executor
	waiting              // in the heap
	parked               // until Wake
)

// Init sets what the member does. Call it once, before anything else.
func (m *Member) Init(w Work) { m.work = w }

// Stopping reports whether the member was asked to stop. It is safe for concurrent
// use.
func (m *Member) Stopping() bool { return m.asked.Load() }

// A list holds members, first come, first served.
type list struct{ first, last *Member }

func (l *list) push(m *Member) {
	m.next = nil
	if l.last == nil {
		l.first = m
	} else {
		l.last.next = m
	}
	l.last = m
}

// pop takes the first member out, or returns nil.
func (l *list) pop() *Member {
	m := l.first
	if m == nil {
		return nil
	}
	if l.first = m.next; l.first == nil {
		l.last = nil
	}
	m.next = nil
	return m
}

func (l *list) empty() bool { return l.first == nil }

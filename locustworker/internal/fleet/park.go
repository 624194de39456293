package fleet

import (
	"math"
	"time"
)

// Park is what Step returns as the wait of a member that waits until it is woken
// (Member.Wake) or asked to stop.
const Park time.Duration = math.MaxInt64

// Wake ends the wait of a member that is parked: its next Step comes without delay.
// A member that is not parked does not park the next time. It is safe for
// concurrent use, and may be called after the member's end. Woke is not called.
func (m *Member) Wake() {
	s := m.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.state != parked {
		m.woken = true
		return
	}
	m.state = queued
	s.ready.push(m)
	s.wakeOne()
}

// Start adds one member to a group, and returns it, or nil when the fleet's context
// has ended. It returns at once: unlike Spawn it does not wait for others to stop.
func (f *Fleet) Start(group string) *Member {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	for _, g := range f.groups {
		if g.name == group {
			return f.startLocked(g)
		}
	}
	return nil
}

// close stops and kills all members when the fleet's context has ended. No member
// that Start adds can miss it.
func (f *Fleet) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.stopAll(0)
}

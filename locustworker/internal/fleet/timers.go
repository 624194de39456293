package fleet

import "time"

// fanout is the number of children of a place in the heap: with entries of 16
// bytes, four of them are one cache line.
const fanout = 4

// A timer says when a member's wait ends.
type timer struct {
	due    time.Duration // on the fleet's clock
	member *Member
}

// timers is a heap: no entry is due before the one at (i-1)/fanout. The entry of a
// member that a stop has taken out of its wait stays until it is due, or until
// there are too many of these; the member's state tells.
type timers struct {
	heap  []timer
	stale int
}

// compactAt is the least number of stale entries that are worth a pass over all.
const compactAt = 64

func (t *timers) push(due time.Duration, m *Member) {
	t.heap = append(t.heap, timer{due, m})
	t.up(len(t.heap) - 1)
}

// next returns when the first entry is due.
func (t *timers) next() (due time.Duration, ok bool) {
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].due, true
}

// pop takes the first entry out and returns its member, or nil if it is stale.
func (t *timers) pop() *Member {
	m := t.heap[0].member
	last := len(t.heap) - 1
	t.heap[0] = t.heap[last]
	t.heap[last] = timer{}
	t.heap = t.heap[:last]
	if last == 0 {
		t.heap = nil // gives the memory back
	} else {
		t.down(0)
	}
	if m.state != waiting {
		t.stale--
		return nil
	}
	return m
}

// dropped notes that the entry of a member has become stale.
func (t *timers) dropped() {
	t.stale++
	if t.stale < len(t.heap) && (t.stale < compactAt || t.stale < len(t.heap)/2) {
		return
	}
	kept := make([]timer, 0, len(t.heap)-t.stale)
	for _, e := range t.heap {
		if e.member.state == waiting {
			kept = append(kept, e)
		}
	}
	t.heap, t.stale = kept, 0
	for i := (len(kept) - 2) / fanout; i >= 0 && len(kept) > 1; i-- {
		t.down(i)
	}
	if len(kept) == 0 {
		t.heap = nil
	}
}

func (t *timers) up(i int) {
	e := t.heap[i]
	for i > 0 {
		parent := (i - 1) / fanout
		if t.heap[parent].due <= e.due {
			break
		}
		t.heap[i] = t.heap[parent]
		i = parent
	}
	t.heap[i] = e
}

func (t *timers) down(i int) {
	e := t.heap[i]
	for {
		first := i*fanout + 1
		if first >= len(t.heap) {
			break
		}
		least := first
		for c := first + 1; c < min(first+fanout, len(t.heap)); c++ {
			if t.heap[c].due < t.heap[least].due {
				least = c
			}
		}
		if e.due <= t.heap[least].due {
			break
		}
		t.heap[i] = t.heap[least]
		i = least
	}
	t.heap[i] = e
}

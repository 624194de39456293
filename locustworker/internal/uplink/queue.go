package uplink

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// MaxQueue is how many bytes of messages wait for a master that cannot be
	// reached or does not read, as the frames will have them and with itemBytes for
	// each. What the worker itself has to say is never refused.
	MaxQueue = 64 << 20
	// itemBytes is about what a message in the queue costs beside its own bytes.
	itemBytes = 100
)

// Errors of [Uplink.Send].
var (
	// ErrFull says that MaxQueue bytes wait already.
	ErrFull = fmt.Errorf("%d MiB of messages wait for the master already", MaxQueue>>20)
	// ErrTooLong says that a message is longer than a frame may be.
	ErrTooLong = errors.New("the message is too long")
)

// An item is a message in the queue: encoded, or a report that the ledger keeps
// and the writer encodes.
type item struct {
	message  wire.Encoded
	delivery *delivery     // nil: not a report that could be lost
	users    userCounts    // for a delivery
	written  chan struct{} // closed when it is on the wire; may be nil
}

// userCounts are the users of each class, and their sum.
type userCounts struct {
	byClass map[string]int
	sum     int
}

// A queue holds messages for the master, in order, across connections. It is safe
// for concurrent use. Each operation takes constant time, but for those that look
// at all items.
type queue struct {
	wake chan struct{} // holds a token while there may be something to take

	mu    sync.Mutex
	items []item // those from head on
	head  int
	bytes int
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (it item) size() int { return it.message.Len() + itemBytes }

// push adds an item at the end.
func (q *queue) push(it item) {
	q.mu.Lock()
	q.append(it)
	q.mu.Unlock()
	q.signal()
}

// pushBounded is push for what may be refused: it returns ErrFull when the item
// does not fit, unless it is the only one.
func (q *queue) pushBounded(it item) error {
	q.mu.Lock()
	full := q.bytes > 0 && q.bytes+it.size() > MaxQueue
	if !full {
		q.append(it)
	}
	q.mu.Unlock()
	if full {
		return ErrFull
	}
	q.signal()
	return nil
}

func (q *queue) append(it item) {
	q.items = append(q.items, it)
	q.bytes += it.size()
}

// pushFront puts items ahead of all others, in their order.
func (q *queue) pushFront(items ...item) {
	q.mu.Lock()
	q.items = append(slices.Clone(items), q.items[q.head:]...)
	q.head = 0
	for _, it := range items {
		q.bytes += it.size()
	}
	q.mu.Unlock()
	q.signal()
}

func (q *queue) pop() (item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.head == len(q.items) {
		return item{}, false
	}
	it := q.items[q.head]
	q.items[q.head] = item{}
	q.head++
	q.bytes -= it.size()
	if q.head > len(q.items)/2 { // moves each item once at most, on average
		q.items = append(q.items[:0:0], q.items[q.head:]...)
		q.head = 0
	}
	return it, true
}

// dropReports removes the reports: the ledger has them and sends them again.
func (q *queue) dropReports() { q.keep(func(it item) bool { return it.delivery == nil }) }

// keepReports removes everything else.
func (q *queue) keepReports() { q.keep(func(it item) bool { return it.delivery != nil }) }

func (q *queue) keep(wanted func(item) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var kept []item
	q.bytes = 0
	for _, it := range q.items[q.head:] {
		if wanted(it) {
			kept = append(kept, it)
			q.bytes += it.size()
		}
	}
	q.items, q.head = kept, 0
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

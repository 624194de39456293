package locustworker

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// heartbeatInterval is Locust's HEARTBEAT_INTERVAL.
	heartbeatInterval = time.Second
	// A report is followed by a heartbeat at once, so that its arrival is proven
	// within a round trip. The heartbeats after it keep this distance, a little
	// long, so that the one which the next report brings, 3 s later, takes the
	// place of the third and there is one a second in all.
	heartbeatSpacing = heartbeatInterval + 20*time.Millisecond
)

// An outbox holds messages for the master, in order, across connections. It is
// safe for concurrent use.
type outbox struct {
	mu    sync.Mutex
	items []parcel
	wake  chan struct{} // holds a token while there may be something to take
}

// A parcel is a message and, for a report, its entry in the ledger.
type parcel struct {
	message  wire.Outbound
	delivery *delivery
	written  chan struct{} // closed when it is on the wire; may be nil
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

func (b *outbox) push(p parcel) {
	b.mu.Lock()
	b.items = append(b.items, p)
	b.mu.Unlock()
	b.signal()
}

func (b *outbox) pushFront(p parcel) {
	b.mu.Lock()
	b.items = slices.Insert(b.items, 0, p)
	b.mu.Unlock()
	b.signal()
}

func (b *outbox) pop() (parcel, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		return parcel{}, false
	}
	p := b.items[0]
	b.items = slices.Delete(b.items, 0, 1)
	return p, true
}

// dropReports removes the reports: the ledger has them and sends them again.
func (b *outbox) dropReports() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items = slices.DeleteFunc(b.items, func(p parcel) bool { return p.delivery != nil })
}

// keepReports removes everything else.
func (b *outbox) keepReports() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.items = slices.DeleteFunc(b.items, func(p parcel) bool { return p.delivery == nil })
}

func (b *outbox) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items)
}

func (b *outbox) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// A pump writes to one connection. Heartbeats have a goroutine of their own, so
// that they never wait for a report to be encoded; mu orders the two, because
// the ledger's proof rests on how many heartbeats were written before a report.
type pump struct {
	conn   conn
	nodeID string
	box    *outbox
	direct *outbox // what may pass before the box is open: client_ready
	log    *slog.Logger

	mu         sync.Mutex
	heartbeats int64 // written, and due for an answer
	unknown    bool  // between client_stopped and client_ready the master answers none
	halted     bool

	nudge chan struct{} // holds a token when a heartbeat is due at once
	stop  chan struct{}
	wg    sync.WaitGroup
}

// newPump starts a pump that writes nothing but what direct gets.
func newPump(c conn, nodeID string, box *outbox, log *slog.Logger) *pump {
	p := &pump{
		conn: c, nodeID: nodeID, box: box, direct: newOutbox(), log: log,
		nudge: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	p.wg.Go(func() { p.drain(p.direct) })
	return p
}

// open lets the box flow. Call it once.
func (p *pump) open() { p.wg.Go(func() { p.drain(p.box) }) }

// beat sends a heartbeat at once, then one a second, and one right behind every
// report. Call it once. message is called in the pump's goroutine.
func (p *pump) beat(message func() wire.Heartbeat) {
	p.wg.Go(func() {
		ticker := time.NewTicker(heartbeatInterval)
		defer ticker.Stop()
		for p.write(parcel{message: message()}) {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
			case <-p.nudge:
				ticker.Reset(heartbeatSpacing)
			}
		}
	})
}

// halt makes the pump write nothing more. It does not block and reports false
// when a write is under way.
func (p *pump) halt() bool {
	if !p.mu.TryLock() {
		return false
	}
	defer p.mu.Unlock()
	p.halted = true
	return true
}

// close ends the pump's goroutines and waits for them. The connection must have
// been closed before, so that no write blocks.
func (p *pump) close() {
	close(p.stop)
	p.wg.Wait()
}

func (p *pump) drain(box *outbox) {
	for {
		next, ok := box.pop()
		if !ok {
			select {
			case <-p.stop:
				return
			case <-box.wake:
			}
			continue
		}
		if !p.write(next) {
			if next.delivery == nil {
				box.pushFront(next) // for the next connection
			}
			return
		}
	}
}

// write encodes and sends one message. It reports false when the connection is
// lost.
func (p *pump) write(next parcel) bool {
	frame, err := wire.Encode(p.nodeID, next.message)
	if err != nil {
		p.log.Error("dropped a message that cannot be encoded", "error", err)
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.halted {
		return false
	}
	switch next.message.(type) {
	case wire.Heartbeat:
		if !p.unknown {
			p.heartbeats++
		}
	case wire.ClientStopped:
		p.unknown = true
	case wire.ClientReady:
		p.unknown = false
	}
	if next.delivery != nil {
		next.delivery.heartbeatsBefore = p.heartbeats
	}
	if err := p.conn.Send(frame); err != nil {
		return false
	}
	if next.delivery != nil {
		next.delivery.end.Store(p.conn.Sent())
		select {
		case p.nudge <- struct{}{}:
		default:
		}
	}
	if next.written != nil {
		close(next.written)
	}
	return true
}

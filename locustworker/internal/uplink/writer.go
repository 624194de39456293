package uplink

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
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

// A writer writes to one connection. Heartbeats have a goroutine of their own, so
// that they never wait for a report to be encoded; mu orders the two, because
// the ledger's proof rests on how many heartbeats were written before a report.
type writer struct {
	conn   Conn
	nodeID string
	queue  *queue
	direct *queue // what may be sent before the queue is open: client_ready
	log    *slog.Logger
	// unsendable follows a report that cannot be encoded or is longer than a frame.
	unsendable func(*delivery, error)

	mu         sync.Mutex
	heartbeats int64 // written, and due for an answer
	unknown    bool  // between client_stopped and client_ready the master answers none
	halted     bool

	beatNow chan struct{} // holds a token when a heartbeat is due at once
	stop    chan struct{}
	wg      sync.WaitGroup
}

// start begins to write what direct gets, and nothing else.
func (w *writer) start() {
	w.direct = newQueue()
	w.beatNow, w.stop = make(chan struct{}, 1), make(chan struct{})
	w.wg.Go(func() { w.drain(w.direct) })
}

// open begins to write the queue. Call it once.
func (w *writer) open() { w.wg.Go(func() { w.drain(w.queue) }) }

// beat sends a heartbeat at once, then one a second, and one right behind every
// report. Call it once. message is called in a goroutine of the writer.
func (w *writer) beat(message func() wire.Heartbeat) {
	w.wg.Go(func() {
		ticker := time.NewTicker(heartbeatInterval)
		defer ticker.Stop()
		for w.writeHeartbeat(message()) {
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			case <-w.beatNow:
				ticker.Reset(heartbeatSpacing)
			}
		}
	})
}

func (w *writer) writeHeartbeat(m wire.Heartbeat) bool {
	e, err := wire.EncodeBody(m)
	if err != nil {
		w.log.Error("dropped a heartbeat that cannot be encoded", "error", err)
		return true
	}
	return w.write(item{message: e})
}

// halt makes the writer write nothing more. It does not block and reports false
// when a write is under way.
func (w *writer) halt() bool {
	if !w.mu.TryLock() {
		return false
	}
	defer w.mu.Unlock()
	w.halted = true
	return true
}

// unanswered reports whether the master does not answer heartbeats because the
// worker has said client_stopped. It does not block: a write that is under way
// is none of client_stopped's time.
func (w *writer) unanswered() bool {
	if !w.mu.TryLock() {
		return false
	}
	defer w.mu.Unlock()
	return w.unknown
}

// close ends the writer's goroutines and waits for them. The connection must have
// been closed before, so that no write blocks.
func (w *writer) close() {
	close(w.stop)
	w.wg.Wait()
}

func (w *writer) drain(q *queue) {
	for {
		next, ok := q.pop()
		if !ok {
			select {
			case <-w.stop:
				return
			case <-q.wake:
			}
			continue
		}
		if !w.write(next) {
			if next.delivery == nil {
				q.pushFront(next) // for the next connection
			}
			return
		}
	}
}

func (w *writer) frame(it item) ([]byte, error) {
	if it.delivery != nil {
		return wire.Encode(w.nodeID, statsMessage(it.delivery, it.users))
	}
	return it.message.Frame(w.nodeID)
}

// write sends one message. It reports false when the connection is lost.
func (w *writer) write(next item) bool {
	frame, err := w.frame(next)
	if err != nil {
		w.drop(next, err)
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.halted {
		return false
	}
	w.count(next)
	switch err := w.conn.Send(frame); {
	case errors.Is(err, transport.ErrTooLong):
		w.drop(next, err)
		return true
	case err != nil:
		return false
	}
	if next.delivery != nil {
		next.delivery.end.Store(w.conn.Sent())
		select {
		case w.beatNow <- struct{}{}:
		default:
		}
	}
	if next.written != nil {
		close(next.written)
	}
	return true
}

// count keeps the books of heartbeats. The caller holds mu.
func (w *writer) count(next item) {
	if next.delivery != nil {
		next.delivery.heartbeatsBefore = w.heartbeats
		return
	}
	switch next.message.Type() {
	case wire.TypeHeartbeat:
		if !w.unknown {
			w.heartbeats++
		}
	case wire.TypeClientStopped:
		w.unknown = true
	case wire.TypeClientReady:
		w.unknown = false
	}
}

// drop gives up a message that can never be sent; the others go on.
func (w *writer) drop(it item, err error) {
	if it.delivery != nil {
		w.unsendable(it.delivery, err)
		return
	}
	w.log.Error("dropped a message that cannot be sent", "type", it.message.Type(), "error", err)
}

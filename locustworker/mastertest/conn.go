package mastertest

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
)

// What a connection in memory does as one over TCP does.
const (
	headerBytes  = 9       // what a frame costs beyond itself
	bufferBytes  = 4 << 20 // Send blocks when so much waits to be read
	writeTimeout = 30 * time.Second
	closeTimeout = 2 * time.Second
)

var (
	errReset   = errors.New("connection reset by peer")
	errStalled = errors.New("the peer has taken no bytes for too long")
)

// pipe is a connection in memory. Its mutex guards both ends.
type pipe struct {
	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each change
	stalled  bool
	stranded bool // stalled for ever
	hideAcks bool
}

func newPipe(hideAcks bool) (worker, master *Conn) {
	p := &pipe{changed: make(chan struct{}), hideAcks: hideAcks}
	worker, master = &Conn{pipe: p}, &Conn{pipe: p}
	worker.other, master.other = master, worker
	return worker, master
}

// notify wakes everything that waits for a change. The caller holds mu.
func (p *pipe) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits for a change until the deadline. The caller holds mu, and does so
// again afterwards.
func (p *pipe) await(deadline <-chan time.Time) (inTime bool) {
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-changed:
		return true
	case <-deadline:
		return false
	}
}

// Conn is one end of a connection in memory, with the methods and the manners of
// a worker's connection over TCP. They are safe for concurrent use.
type Conn struct {
	pipe  *pipe
	other *Conn

	flight  [][]byte // sent by this end and not arrived
	arrived [][]byte // for this end to receive
	sent    int64
	acked   int64
	cause   error // why this end is down
	closed  bool  // by this end: nothing is received any more
	leaving bool  // by this end, in good order: the other sees an end, not a reset
}

func size(frame []byte) int64 { return int64(len(frame) + headerBytes) }

// Send hands a frame to the connection. It blocks while 4 MiB wait to be read, for
// at most 30 s. It fails when the connection is lost.
func (c *Conn) Send(frame []byte) error {
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	for c.cause == nil && c.waiting() >= bufferBytes {
		if !c.pipe.await(timer.C) {
			c.cause = errStalled
			c.pipe.notify()
		}
	}
	if c.cause != nil {
		return c.down()
	}
	c.sent += size(frame)
	c.flight = append(c.flight, append([]byte(nil), frame...))
	if !c.pipe.stalled {
		c.land()
	}
	c.pipe.notify()
	return nil
}

// waiting counts the bytes that the other end has not received.
func (c *Conn) waiting() (n int64) {
	for _, frame := range c.flight {
		n += size(frame)
	}
	for _, frame := range c.other.arrived {
		n += size(frame)
	}
	return n
}

// land brings what is in flight to the other end. One that is gone answers with a
// reset, one that is leaving takes it and throws it away.
func (c *Conn) land() {
	if len(c.flight) > 0 && c.other.closed && !c.other.leaving {
		c.flight = nil
		c.lose(errReset)
	}
	for _, frame := range c.flight {
		c.acked += size(frame)
		if !c.other.closed {
			c.other.arrived = append(c.other.arrived, frame)
		}
	}
	c.flight = nil
}

// stall takes the network away from both ends, or brings it back.
func (c *Conn) stall(on bool) {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	c.pipe.stalled = on || c.pipe.stranded
	if !c.pipe.stalled {
		c.land()
		c.other.land()
	}
	c.pipe.notify()
}

// strand takes the network away from both ends for ever.
func (c *Conn) strand() {
	c.pipe.mu.Lock()
	c.pipe.stranded = true
	c.pipe.mu.Unlock()
	c.stall(true)
}

func (c *Conn) lose(cause error) {
	if c.cause == nil {
		c.cause = cause
	}
}

func (c *Conn) down() error { return fmt.Errorf("%w: %w", transport.ErrDown, c.cause) }

// gone tells whether the other end has left and this one could know.
func (c *Conn) gone() bool {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	return c.cause != nil || c.other.leaving && !c.pipe.stalled
}

// Sent returns how many bytes were sent.
func (c *Conn) Sent() int64 {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	return c.sent
}

// Acked returns how many of the Sent bytes have arrived, which does not mean that
// the master has read them. ok is false after Close and Abort, and with HideAcks.
func (c *Conn) Acked() (n int64, ok bool) {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	if c.pipe.hideAcks {
		return 0, false
	}
	return c.acked, !c.closed
}

// InFlight returns how many of the Sent bytes are in the network and were not
// acknowledged: 0 unless the network is gone. ok is as for Acked.
func (c *Conn) InFlight() (n int64, ok bool) {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	if c.pipe.hideAcks {
		return 0, false
	}
	for _, frame := range c.flight {
		n += size(frame)
	}
	return n, !c.closed
}

// Recv returns the next frame. It blocks until there is one or the connection is
// lost, and then fails for ever.
func (c *Conn) Recv() ([]byte, error) {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	for {
		switch {
		case len(c.arrived) > 0:
			frame := c.arrived[0]
			c.arrived = c.arrived[1:]
			c.pipe.notify()
			return frame, nil
		case c.cause != nil:
			return nil, c.down()
		case c.other.leaving && !c.pipe.stalled:
			c.lose(io.EOF)
			c.pipe.notify()
		default:
			c.pipe.await(nil)
		}
	}
}

// Close delivers what was sent and waits for the other end to close, for at most
// 2 s; then, or if the connection was lost before, it is an Abort. The error is
// always nil.
func (c *Conn) Close() error {
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	if !c.closed && c.cause == nil {
		c.leaving = true
		c.leave()
		c.pipe.notify()
	}
	for c.leaving && (!c.other.closed || len(c.flight) > 0) {
		if !c.pipe.await(timer.C) {
			break
		}
	}
	c.reset()
	return nil
}

// Abort resets the connection: what has not arrived never will. The error is always
// nil.
func (c *Conn) Abort() error {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	c.reset()
	return nil
}

// cut breaks the connection between the two ends. What has arrived can be received.
func (c *Conn) cut() {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	c.flight, c.other.flight = nil, nil
	c.lose(errReset)
	c.other.lose(errReset)
	c.pipe.notify()
}

// leave ends Send and Recv of this end.
func (c *Conn) leave() {
	c.closed = true
	c.arrived = nil
	c.lose(transport.ErrClosed)
}

func (c *Conn) reset() {
	c.leave()
	c.leaving = false
	c.flight = nil
	if !c.pipe.stalled { // else the other end never hears of it, and what it has sent stays unacknowledged
		c.other.flight = nil
		c.other.lose(errReset)
	}
	c.pipe.notify()
}

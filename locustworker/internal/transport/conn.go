package transport

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of a Conn.
var (
	// ErrDown is wrapped by the errors of Send and Recv, together with the
	// cause: the connection is lost and stays so.
	ErrDown = errors.New("transport: link down")
	// ErrClosed is the cause after Close or Abort.
	ErrClosed = errors.New("closed by this side")
	// ErrTooLong refuses a frame and leaves the connection as it was.
	ErrTooLong = fmt.Errorf("transport: frame longer than %d bytes", maxFrame)

	errStalled = errors.New("the peer has taken no bytes for too long")
)

const (
	// writeTimeout is how long Send of an accepted connection waits for the kernel
	// to take one byte more. A dialed one waits for as long as the link lives: a
	// master whose program stands still reads on later.
	writeTimeout = 30 * time.Second
	// ackTimeout is how long written bytes may stay unacknowledged until the
	// kernel gives the connection up (TCP_USER_TIMEOUT). It is as long as a worker
	// waits for a master (Locust's MASTER_HEARTBEAT_TIMEOUT), because kernels
	// before 5.11 count the time of a full receive window too.
	ackTimeout = time.Minute
	// lingerTimeout bounds Close.
	lingerTimeout = 2 * time.Second
	// lastWords is how long Recv may go on reading what had arrived when Send
	// found the link broken: a master may say "quit" and be gone.
	lastWords = time.Second
)

// Conn is one TCP connection that carries messages of one frame each. Its
// methods are safe for concurrent use; Recv has one caller at a time, others
// wait for it.
type Conn struct {
	nc    net.Conn
	peer  string // the peer's identity
	sent  atomic.Int64
	acked atomic.Int64 // the most that was seen to be acknowledged

	rmu  sync.Mutex // held while reading
	r    *bufio.Reader
	deaf atomic.Bool // Recv is over: what is left in r does not count

	wmu          sync.Mutex    // held while writing
	writeTimeout time.Duration // 0: none
	linger       time.Duration

	mu    sync.Mutex // guards cause and the deadlines that it demands
	cause error      // why the link is down

	closing sync.Once
	aborted chan struct{} // closed by Abort
	abort   sync.Once
}

func newConn(nc net.Conn) *Conn {
	return &Conn{
		nc: nc, r: bufio.NewReaderSize(nc, readStep), aborted: make(chan struct{}),
		writeTimeout: writeTimeout, linger: lingerTimeout,
	}
}

// Peer returns the identity that the peer gave; "" for a ROUTER, which has none.
func (c *Conn) Peer() string { return c.peer }

// Send sends a message of one frame and returns when the kernel has taken its
// bytes, which does not mean that they arrived: see Acked. It blocks while the
// kernel's buffer is full: on a dialed connection until the link is lost, on an
// accepted one for 30 s, and then the link counts as lost. The error wraps
// ErrDown, or is ErrTooLong. Send does not keep frame.
func (c *Conn) Send(frame []byte) error {
	if len(frame) > maxFrame {
		return ErrTooLong
	}
	b := appendFrame(make([]byte, 0, len(frame)+9), 0, frame)
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if err := c.down(); err != nil {
		return err
	}
	if err := c.write(b); err != nil {
		return c.lose(err, time.Now().Add(lastWords))
	}
	return nil
}

// write hands b to the kernel and counts the bytes. The caller holds wmu.
func (c *Conn) write(b []byte) error {
	for len(b) > 0 {
		if err := c.renewWriteDeadline(); err != nil {
			return err
		}
		n, err := c.nc.Write(b)
		c.sent.Add(int64(n))
		b = b[n:]
		var timeout net.Error
		switch {
		case err == nil:
		case !errors.As(err, &timeout) || !timeout.Timeout():
			return err
		case n == 0:
			return errStalled
		}
	}
	return nil
}

// Sent returns how many bytes were handed to the kernel so far, handshake and
// headers included: once Send has returned, its frame ends at or before Sent.
func (c *Conn) Sent() int64 { return c.sent.Load() }

// Acked returns how many of the Sent bytes the peer's TCP has acknowledged: they
// are in its kernel's hands, or its program's. It never says too much and never
// goes back. ok is false where the system cannot tell (other than Linux). It
// still answers when the link is lost. After Close or Abort, ok is false and n the
// number that the connection ended with.
func (c *Conn) Acked() (n int64, ok bool) {
	// The order matters: bytes sent between the two lines make the result too
	// small, the other way round they would make it too large.
	sent := c.sent.Load()
	pending, ok := unacknowledged(c.nc)
	if !ok {
		return c.acked.Load(), false
	}
	for n = sent - pending; ; {
		seen := c.acked.Load()
		if n <= seen {
			return seen, true
		}
		if c.acked.CompareAndSwap(seen, n) {
			return n, true
		}
	}
}

// InFlight returns how many of the Sent bytes this machine has put on the network
// and the peer's TCP has not acknowledged. It stays above 0 only when the peer's
// machine or the network is gone: the TCP of a program that stands still goes on
// acknowledging, and when its receive buffer is full, the rest waits on this
// machine and is not in flight. ok is false where the system cannot tell (other
// than Linux) and after Close or Abort.
func (c *Conn) InFlight() (n int64, ok bool) {
	// In this order: bytes that are written or sent in between make the result
	// too small.
	queued, ok := unacknowledged(c.nc)
	if !ok {
		return 0, false
	}
	waiting, ok := unsent(c.nc)
	return max(queued-waiting, 0), ok
}

// Recv returns the first frame of the next message. It blocks until there is
// one or the link is lost; from then on it always fails, with an error that
// wraps ErrDown. PINGs of the peer are answered while somebody is in Recv.
func (c *Conn) Recv() ([]byte, error) {
	c.rmu.Lock()
	defer c.rmu.Unlock()
	if c.deaf.Load() {
		return nil, c.down()
	}
	body, err := readMessage(c.r, c.onCommand)
	if err != nil {
		c.deaf.Store(true)
		return nil, c.lose(err, longAgo())
	}
	return body, nil
}

// onCommand answers a PING with the context that came with it; other commands
// are for other kinds of sockets.
func (c *Conn) onCommand(name string, data []byte) error {
	const ttl, maxContext = 2, 16
	if name != "PING" {
		return nil
	}
	if len(data) < ttl || len(data) > ttl+maxContext {
		return protocolError("PING with %d bytes", len(data))
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.write(appendCommand(nil, "PONG", data[ttl:]))
}

// down returns the error for a link that is lost, nil for a good one.
func (c *Conn) down() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrDown, c.cause)
}

// lose marks the link as lost, wakes whoever writes, and readers at the given
// time. The first cause is kept. The connection itself stays, for Acked.
func (c *Conn) lose(cause error, readers time.Time) error {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
		// these fail only when the connection is closed, which wakes everybody
		_ = c.nc.SetWriteDeadline(longAgo())
		_ = c.nc.SetReadDeadline(readers)
	}
	c.mu.Unlock()
	return c.down()
}

func (c *Conn) renewWriteDeadline() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	if c.writeTimeout == 0 {
		return c.nc.SetWriteDeadline(time.Time{})
	}
	return c.nc.SetWriteDeadline(time.Now().Add(c.writeTimeout))
}

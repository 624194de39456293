package redisuser

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// A link is a go-redis client with one connection to each server, which executes one
// command or pipeline at a time.
type link struct {
	client redis.UniversalClient

	mu     sync.Mutex
	conns  map[*conn]struct{} // open
	cutoff time.Time          // when the command in flight must have come back, or zero
	begun  time.Time          // when the command in flight began
	sent   bool               // a byte of it was written
	read   int64              // bytes of its reply
	reader *conn              // what they came from last
	opened func() func()      // counts a connection as open
}

// newLink returns a link without connections. opened is called for each one that is
// made, and what it returned when that one is closed.
func newLink(o *redis.UniversalOptions, opened func() func()) *link {
	l := &link{conns: make(map[*conn]struct{}), opened: opened}
	own := *o
	own.OnConnect = func(context.Context, *redis.Conn) error {
		l.greeted()
		return nil
	}
	dialer := &net.Dialer{Timeout: o.DialTimeout}
	sentinels := o.MasterName != ""
	own.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var nc net.Conn
		var err error
		if o.TLSConfig != nil {
			nc, err = (&tls.Dialer{NetDialer: dialer, Config: o.TLSConfig}).DialContext(ctx, network, addr)
		} else {
			nc, err = dialer.DialContext(ctx, network, addr)
		}
		switch {
		case sentinels && slices.Contains(o.Addrs, addr):
			return nc, err // a Sentinel gets no commands of the user
		case err != nil:
			return failedConn{err}, nil //nolint:nilerr // the connection tells it
		}
		return l.adopt(nc), nil
	}
	l.client = redis.NewUniversalClient(&own)
	return l
}

// begin makes the link ready for a command.
func (l *link) begin(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun, l.sent, l.read, l.reader = now, false, 0, nil
}

// greeted follows the greeting of a new connection, which belongs to no command. A
// cluster's connections may be opened at the same time; then the command is on its way
// over the first of them.
func (l *link) greeted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.ready = true
	}
}

// end reports what was sent and read since begin, and lifts the cutoff.
func (l *link) end(now time.Time) (sent bool, read int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutoff = time.Time{}
	if l.reader != nil {
		l.reader.used = now
	}
	return l.sent, l.read
}

// cut ends the command in flight at t, unless it ends before.
func (l *link) cut(t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cutoff.IsZero() && l.cutoff.Before(t) {
		return
	}
	l.cutoff = t
	for c := range l.conns {
		c.reading, c.writing = t, t
		_ = c.Conn.SetDeadline(t) // a closed connection fails by itself
	}
}

// adopt makes a connection one of the link's.
func (l *link) adopt(nc net.Conn) net.Conn {
	c := &conn{Conn: nc, link: l, closed: l.opened()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	if raw, ok := nc.(syscall.Conn); ok {
		return plainConn{c, raw}
	}
	return c
}

// close closes the client and its connections.
func (l *link) close() { _ = l.client.Close() }

// A conn counts what goes over one connection and keeps its deadlines before the
// link's cutoff.
type conn struct {
	net.Conn
	link   *link
	closed func()

	// These are guarded by link.mu.
	ready            bool      // the greeting is over
	used             time.Time // when the last command ended that it was read for
	reading, writing time.Time // its deadlines
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.link.mu.Lock()
	if c.ready {
		c.link.read += int64(n)
		c.link.reader = c
	}
	c.link.mu.Unlock()
	return n, err
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.link.mu.Lock()
	if c.ready && n > 0 {
		c.link.sent = true
	}
	c.link.mu.Unlock()
	return n, err
}

func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	c.closed()
	return c.Conn.Close()
}

// checkAfter is how long a connection must have been idle to be looked at before it is
// used again. A user who does not wait would pay for it with each command: a twentieth
// of the CPU time by `make bench-redis`.
const checkAfter = time.Millisecond

// busy reports whether the connection was in use right before the command in flight.
// link.mu is held.
func (c *conn) busy() bool { return c.link.begun.Sub(c.used) < checkAfter }

// SetDeadline sets both deadlines. go-redis takes them away before each command, and
// sets new ones then: of a connection in use they stay.
func (c *conn) SetDeadline(t time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if t.IsZero() && c.busy() {
		return nil
	}
	if err := c.limit(t, &c.reading, c.Conn.SetReadDeadline); err != nil {
		return err
	}
	return c.limit(t, &c.writing, c.Conn.SetWriteDeadline)
}

// SetReadDeadline sets the deadline of reads.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.limit(t, &c.reading, c.Conn.SetReadDeadline)
}

// SetWriteDeadline sets the deadline of writes.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	return c.limit(t, &c.writing, c.Conn.SetWriteDeadline)
}

// limit sets a deadline, which is the cutoff if that is earlier. A time limit of d may
// be up to d/64 longer, so that not every command sets the connection's timers anew.
// link.mu is held.
func (c *conn) limit(t time.Time, now *time.Time, set func(time.Time) error) error {
	cutoff := c.link.cutoff
	switch {
	case !cutoff.IsZero() && (t.IsZero() || cutoff.Before(t)):
		t = cutoff
	case !t.IsZero():
		latest := t.Add(max(t.Sub(c.link.begun)/64, 0))
		if !now.Before(t) && !now.After(latest) {
			return nil
		}
		t = latest
	}
	*now = t
	return set(t)
}

// A plainConn is a conn without TLS, which lets go-redis see that the server has
// closed it while it was idle.
type plainConn struct {
	*conn
	raw syscall.Conn
}

// SyscallConn returns the socket, which go-redis looks at by Read alone.
func (c plainConn) SyscallConn() (syscall.RawConn, error) {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.busy() {
		return busySocket{}, nil
	}
	return c.raw.SyscallConn() //nolint:wrapcheck // this is a forward
}

// A busySocket is that of a connection in use, which need not be looked at.
type busySocket struct{}

func (busySocket) Control(func(fd uintptr)) error    { return nil }
func (busySocket) Read(func(fd uintptr) bool) error  { return nil }
func (busySocket) Write(func(fd uintptr) bool) error { return nil }

// A failedConn is a connection that could not be opened: the command that needs it
// fails with the reason. An error of the dialer itself would make go-redis fail the
// commands that follow without a try.
type failedConn struct{ err error }

func (c failedConn) Read([]byte) (int, error)         { return 0, c.err }
func (c failedConn) Write([]byte) (int, error)        { return 0, c.err }
func (c failedConn) Close() error                     { return nil }
func (c failedConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c failedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c failedConn) SetDeadline(time.Time) error      { return nil }
func (c failedConn) SetReadDeadline(time.Time) error  { return nil }
func (c failedConn) SetWriteDeadline(time.Time) error { return nil }

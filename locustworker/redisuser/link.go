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
	sent   bool               // a byte of the command was written
	read   int64              // bytes of its reply
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
func (l *link) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sent, l.read = false, 0
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
func (l *link) end() (sent bool, read int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutoff = time.Time{}
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
	ready  bool // the greeting is over; guarded by link.mu
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.link.mu.Lock()
	if c.ready {
		c.link.read += int64(n)
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

func (c *conn) SetDeadline(t time.Time) error      { return c.limit(t, c.Conn.SetDeadline) }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.limit(t, c.Conn.SetReadDeadline) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.limit(t, c.Conn.SetWriteDeadline) }

func (c *conn) limit(t time.Time, set func(time.Time) error) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if cutoff := c.link.cutoff; !cutoff.IsZero() && (t.IsZero() || cutoff.Before(t)) {
		t = cutoff
	}
	return set(t)
}

// A plainConn is a conn without TLS, which lets go-redis see that the server has
// closed it while it was idle.
type plainConn struct {
	*conn
	raw syscall.Conn
}

// SyscallConn returns the socket.
func (c plainConn) SyscallConn() (syscall.RawConn, error) {
	return c.raw.SyscallConn() //nolint:wrapcheck // this is a forward
}

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

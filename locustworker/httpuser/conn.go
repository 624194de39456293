package httpuser

import (
	"context"
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// A conn is a connection to one server.
type conn struct {
	net.Conn
	raw    net.Conn        // below TLS
	rc     syscall.RawConn // of raw, or nil
	origin string
	user   *Session // whose request it serves
	closed func()   // takes it out of the count of open connections
	armed  time.Time
	since  uint64 // when it became idle, in its pool's count
	used   bool   // it has brought an answer before
	sent   bool   // a byte of the running request went out
}

// plain reports whether bytes can be exchanged with the socket itself.
func (c *conn) plain() bool { return c.rc != nil && c.Conn == c.raw }

// setDeadline moves the deadline of both directions; zero is none.
func (c *conn) setDeadline(t time.Time) {
	c.armed = t
	c.Conn.SetDeadline(t) //nolint:errcheck // a closed connection fails by itself
}

// arm sets the deadline for a request. One that is set already and comes first
// stays: see Session.extend. TLS is not made for deadlines that pass.
func (c *conn) arm(t time.Time) {
	if c.plain() && !c.armed.IsZero() && (t.IsZero() || !c.armed.After(t)) && time.Until(c.armed) > 0 {
		return
	}
	if !c.armed.IsZero() || !t.IsZero() {
		c.setDeadline(t)
	}
}

// Read reads from the connection. A deadline that passed ends it only when it is
// the running request's.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n == 0 && err != nil && isTimeout(err) && c.user.extend(c) {
			continue
		}
		return n, err
	}
}

// write writes all of p, like Read.
func (c *conn) write(p []byte) error {
	for {
		n, err := c.Conn.Write(p)
		c.sent = c.sent || n > 0
		p = p[n:]
		if err != nil && c.plain() && isTimeout(err) && c.user.extend(c) {
			continue
		}
		return err
	}
}

// Close closes the connection without TLS's closing alert, which could block for
// seconds on a peer that does not read. (Python's clients send none either.)
func (c *conn) Close() error {
	c.closed()
	return c.raw.Close()
}

// stale reports whether an idle connection must not be used: there are bytes to
// read on it, or it is at its end. A connection that is neither TCP nor TLS over
// TCP cannot be asked.
func (c *conn) stale() bool {
	if tc, ok := c.Conn.(*tls.Conn); ok {
		c.setDeadline(time.Unix(1, 0)) // what TLS has read already is looked at, the socket is not
		if n, err := tc.Read(make([]byte, 1)); n > 0 || !isTimeout(err) {
			return true
		}
	}
	return c.rc != nil && readable(c.rc)
}

// dial opens a connection. The time limits are limit, if it is not zero, and
// connect, if it is positive.
func (s *Session) dial(ctx context.Context, p *peer, connect time.Duration, limit time.Time) (*conn, error) {
	if connect > 0 {
		if own := time.Now().Add(connect); limit.IsZero() || own.Before(limit) {
			limit = own
		}
	}
	if !limit.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, limit)
		defer cancel()
	}
	nc, err := s.cfg.Dial(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, raw: nc, rc: rawConn(nc), origin: p.origin, closed: s.user.Client().Connected()}
	if p.tls {
		tc := tls.Client(nc, s.tlsConfig(p))
		if err := tc.HandshakeContext(ctx); err != nil {
			c.Close()
			return nil, err
		}
		c.Conn = tc
	}
	return c, nil
}

func (s *Session) tlsConfig(p *peer) *tls.Config {
	var cfg *tls.Config
	if s.cfg.TLS != nil {
		cfg = s.cfg.TLS.Clone()
	} else {
		cfg = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // documented default: a load test is no secret
	}
	if cfg.ServerName == "" {
		cfg.ServerName = p.hostname
	}
	return cfg
}

package httpuser

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// A conn is a connection to one peer. It remembers what the codec's errors leave
// out.
type conn struct {
	net.Conn
	raw    net.Conn // below TLS
	closed func()   // takes it out of the count of open connections
	used   bool     // it has brought an answer before
	sent   bool     // a byte of the running request went out
	err    error
	since  uint64 // when it became idle, in its pool's count
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.err = err
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if n > 0 {
		c.sent = true
	}
	if err != nil {
		c.err = err
	}
	return n, err
}

// Close closes the connection without TLS's farewell, which could block for
// seconds on a peer that does not read. (Python's clients send none either.)
func (c *conn) Close() error {
	c.closed()
	return c.raw.Close()
}

// dial opens a connection. The time limits are limit, if it is not zero, and
// the request's ConnectTimeout.
func (s *Session) dial(ctx context.Context, p *peer, limit time.Time) (*conn, error) {
	if s.call.connect > 0 {
		if own := time.Now().Add(s.call.connect); limit.IsZero() || own.Before(limit) {
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
	c := &conn{Conn: nc, raw: nc, closed: s.user.Connected()}
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

// Buffers are a user's only while it sends or reads, so that users who wait cost
// none. They hold an ordinary document, so that it takes one system call.
const bufferSize = 16 << 10

var (
	readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, bufferSize) }}
	answers = sync.Pool{New: func() any { return newAnswer() }}
)

package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
)

// ErrIdentity is returned for an identity that ZeroMQ does not allow.
var ErrIdentity = errors.New("transport: an identity has 1 to 255 bytes and does not begin with a zero byte")

// Keepalive finds a dead link in about a minute when nothing is being sent.
// Locust sets the idle time (rpc/zmqrpc.py) and leaves the rest to the system,
// which then takes up to 12 minutes.
const (
	keepAliveIdle     = 30 * time.Second
	keepAliveInterval = 10 * time.Second
	keepAliveCount    = 3
)

// Dial connects to the ROUTER at addr ("host:port") as a DEALER named identity.
// It resolves the host anew at each call, over IPv4 and IPv6, and blocks until
// the peer is ready for frames; ctx bounds all of it.
//
// A ROUTER ignores a connection whose identity it knows already, for as long as
// that connection lives, and the handshake succeeds all the same. So Close the old
// Conn first; then wait a moment, because the ROUTER lets go of it only when its
// program runs next; and rely on the new Conn when something was answered.
func Dial(ctx context.Context, addr, identity string) (*Conn, error) {
	if identity == "" || len(identity) > maxIdentity || identity[0] == 0 {
		return nil, fmt.Errorf("%w: %q", ErrIdentity, identity)
	}
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
		},
		Control: func(_, _ string, raw syscall.RawConn) error {
			limitSilence(raw, ackTimeout)
			return nil
		},
	}
	nc, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("transport: dial: %w", err)
	}
	c, err := open(ctx, nc, role{socket: "DEALER", identity: identity, peers: []string{"ROUTER", "REP", "DEALER"}})
	if err != nil {
		return nil, err
	}
	c.writeTimeout = 0
	return c, nil
}

// Accept is the other half: it makes nc, just accepted, the ROUTER's end of a
// connection. It blocks for the handshake, which ctx bounds, and owns nc.
// The dialer's identity is [Conn.Peer].
func Accept(ctx context.Context, nc net.Conn) (*Conn, error) {
	return open(ctx, nc, role{socket: "ROUTER", peers: []string{"DEALER", "REQ", "ROUTER"}})
}

// role is one side's part in the handshake.
type role struct {
	socket   string
	identity string
	peers    []string // socket types that it can talk to
}

func open(ctx context.Context, nc net.Conn, r role) (*Conn, error) {
	c := newConn(nc)
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(longAgo()) })
	err := c.handshake(r)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = nc.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = nc.Close()
		if ctx.Err() != nil {
			err = fmt.Errorf("%w (%w)", ctx.Err(), err)
		}
		return nil, fmt.Errorf("transport: handshake with %s: %w", nc.RemoteAddr(), err)
	}
	return c, nil
}

// handshake sends all of its own part before it reads the peer's: the NULL
// mechanism lets either side do so.
func (c *Conn) handshake(r role) error {
	n, err := c.nc.Write(append(greeting(), readyCommand(r.socket, r.identity)...))
	c.sent.Add(int64(n))
	if err != nil {
		return err
	}
	g := make([]byte, greetingSize)
	if err := readGreeting(c.r, g); err != nil {
		return err
	}
	f, err := readHeader(c.r)
	if err != nil {
		return err
	}
	if !f.command {
		return protocolError("a message before READY")
	}
	body, err := readBody(c.r, f.size)
	if err != nil {
		return err
	}
	socket, identity, err := parseReady(body)
	if err != nil {
		return err
	}
	if !slices.Contains(r.peers, socket) {
		return protocolError("it is a %q socket, want one of %q", socket, r.peers)
	}
	c.peer = identity
	return nil
}

// readGreeting looks at the signature first, so that a peer of another protocol
// is found out by its first bytes and not by a timeout.
func readGreeting(r *bufio.Reader, g []byte) error {
	const signature = 10
	if first, err := r.Peek(1); err == nil && first[0] != 0xff {
		return protocolError("it began with 0x%02x, is this a Locust master's port?", first[0])
	}
	if _, err := io.ReadFull(r, g[:signature]); err != nil {
		return inside(err)
	}
	if _, err := io.ReadFull(r, g[signature:]); err != nil {
		return inside(err)
	}
	return checkGreeting(g)
}

// longAgo is a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }

package httpuser

import (
	"context"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/cookies"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// An exchange is one request on its way, with the redirects that answer it. It is
// borrowed for the request, with all memory that only a request needs.
type exchange struct {
	turn
	call call
	ctx  context.Context //nolint:containedctx // lives as long as one call of Do

	deadline bool                      // turn.limit is the context's
	trace    locustworker.RequestTrace // or nil
	peer     *peer
	method   string // of the request that is sent now
	uri      []byte // its target
	head     []byte // its head
	body     []byte // of the request; none after some redirects
	fields   []header
	usual    []byte // fields that are written already, in place of fields

	in       http1.Reader
	answer   http1.Head // of which Raw is in in's buffer, or in resp's memory
	payload  http1.Body
	direct   direct
	resp     *Response
	memory   []byte // of resp
	raw      []byte // a body that is read before it is kept
	decoded  []byte
	location []byte
	pairs    []cookies.Pair // to send
	leased   *peer          // to which it has the right to one of the pool's connections
	hop      bool           // the answer leads to another request

	sent     bool // a byte of it reached a server, as far as can be known
	at       phase
	reusable bool // the connection after the answer
}

// maxScratch is the largest buffer in bytes that an exchange keeps.
const maxScratch = 1 << 20

var exchanges = sync.Pool{New: func() any { return newExchange() }}

func newExchange() *exchange {
	x := &exchange{}
	x.direct.step = x.direct.next
	x.direct.in = &x.in
	return x
}

// release gives the exchange back. Nothing of what a caller passed in or got stays
// in it.
func (x *exchange) release() {
	x.in.Release()
	x.call.clear()
	clear(x.fields)
	clear(x.pairs)
	d := x.direct
	d.out, d.err = nil, nil
	*x = exchange{
		call: x.call, direct: d, fields: x.fields[:0], pairs: x.pairs[:0],
		uri: scratch(x.uri), head: scratch(x.head), raw: scratch(x.raw), decoded: scratch(x.decoded), location: scratch(x.location),
	}
	exchanges.Put(x)
}

func scratch(b []byte) []byte {
	if cap(b) > maxScratch {
		return nil
	}
	return b[:0]
}

// errUnsent says that nothing of a request can have reached the server, because
// the connection was not clean.
var errUnsent = errors.New("httpuser: the connection was at its end")

// exchange sends the request and reads the final answer. Its error is a failure,
// or an *abort when there is nothing to record.
func (s *Session) exchange(x *exchange) error {
	defer s.giveBack(x)
	for hops := 0; ; hops++ {
		if err := s.hop(x); err != nil {
			return err
		}
		if !x.hop {
			return nil
		}
		if hops == x.call.redirects {
			return redirectFailure(x.call.redirects)
		}
		if err := s.follow(x); err != nil {
			return err
		}
	}
}

// hop sends one request and reads one answer, in the protocol that the server
// speaks.
func (s *Session) hop(x *exchange) error {
	if s.h2 != nil && s.h2.speaks(x.peer, s.cfg.Protocol) {
		err := s.roundTrip2(x)
		if err != errNotHTTP2 { //nolint:errorlint // it is never wrapped
			return err
		}
		s.h2.isPlain(x.peer.origin)
	}
	return s.roundTrip(x)
}

// roundTrip sends one request and reads one answer over HTTP/1.1. A request is sent again, over
// a fresh connection, only when nothing of it can have been read.
func (s *Session) roundTrip(x *exchange) error {
	c, err := s.reuse(x)
	if err != nil {
		return err
	}
	if c != nil {
		if err := s.transfer(x, c); err != errUnsent { //nolint:errorlint // it is never wrapped
			return err
		}
	}
	if c, err = s.connect(x); err != nil {
		return err
	}
	return s.transfer(x, c)
}

// reuse returns an open connection, or nil when one must be dialled. With a pool
// it waits for the right to either.
func (s *Session) reuse(x *exchange) (*conn, error) {
	if c := s.take(&x.turn, x.peer.origin); c != nil || s.cfg.Pool == nil {
		return c, nil
	}
	s.giveBack(x) // who held one connection while waiting for another could wait for ever
	x.at = queueing
	c, err := s.cfg.Pool.lease(x.ctx, x.peer.origin, x.limit)
	if err != nil {
		if s.interrupted(x) {
			return nil, s.halted(x)
		}
		return nil, s.explain(x, err)
	}
	x.leased = x.peer
	if c != nil {
		s.adopt(&x.turn, c)
	}
	if s.interrupted(x) {
		if c != nil {
			s.put(&x.turn, c, true)
		}
		return nil, s.halted(x)
	}
	return c, nil
}

// giveBack ends the session's lease of a connection, if it has one, and leaves
// the connection to the pool.
func (s *Session) giveBack(x *exchange) {
	if p := x.leased; p != nil {
		x.leased = nil
		s.cfg.Pool.release(p.origin, s.drop(p.origin))
	}
}

func (s *Session) connect(x *exchange) (*conn, error) {
	x.at = connecting
	c, err := s.dial(x.ctx, x.peer, x.call.connect, x.limit)
	if s.interrupted(x) {
		if err == nil {
			c.Close()
		}
		return nil, s.halted(x)
	}
	if err != nil {
		return nil, s.explain(x, err)
	}
	s.adopt(&x.turn, c)
	return c, nil
}

// interrupted tells that the context of a request that has no connection yet has
// ended by more than its deadline.
func (s *Session) interrupted(x *exchange) bool {
	err := x.ctx.Err()
	return err != nil && (x.orphan || s.user.Context().Err() != nil || err == context.Canceled)
}

// transfer sends the request over c, reads the answer and gives c back. errUnsent
// says that c could not be used any more.
func (s *Session) transfer(x *exchange, c *conn) error {
	x.at, x.reusable = awaiting, false
	back := false
	defer func() {
		if !back { // the caller's Stream panicked
			x.sent = true
			s.put(&x.turn, c, false)
		}
	}()
	x.in.Reset(c)
	sendErr := s.send(x, c)
	var err error
	if sendErr == nil || isClosed(sendErr) && c.sent {
		// A server that refuses a body may answer and close before it was read.
		err = s.receive(x)
	}
	back = true
	if sendErr != nil && (err != nil || !isClosed(sendErr) || !c.sent) {
		err = sendErr
	}
	x.sent = x.sent || c.sent
	unsent := err != nil && c.used && !c.sent && isClosed(err)
	s.put(&x.turn, c, err == nil && sendErr == nil && x.reusable)
	switch {
	case err == nil:
		return nil
	case unsent:
		return errUnsent
	}
	return s.explain(x, err)
}

// maxJoined is how many bytes of a body are sent together with the head.
const maxJoined = 64 << 10

// send sends the request. Where it can, it also takes the first bytes of the
// answer.
func (s *Session) send(x *exchange, c *conn) error {
	x.writeHead()
	out, rest := x.head, x.body
	if len(rest) <= maxJoined {
		out, rest = append(out, rest...), nil
		x.head = out
	}
	if c.plain() && rest == nil {
		return s.sendDirect(x, c, out)
	}
	if c.used {
		if c.stale() {
			return io.EOF
		}
		s.adopt(&x.turn, c)
	}
	if err := c.write(out); err != nil || rest == nil {
		return err
	}
	return c.write(rest)
}

// sendDirect is send over the socket itself.
func (s *Session) sendDirect(x *exchange, c *conn, out []byte) error {
	d := &x.direct
	d.out, d.sent, d.err, d.state = out, false, nil, sending
	if c.used {
		d.state = probing
	}
	for {
		err := c.rc.Read(d.step)
		c.sent = c.sent || d.sent
		if err == nil {
			break
		}
		if !isTimeout(err) || !s.extend(c) {
			return err
		}
	}
	switch d.state {
	case unclean:
		return io.EOF
	case blocked:
		return c.write(d.out)
	case failed:
		return d.err
	case probing, sending, awaited, received:
	}
	return nil
}

// isClosed tells that the other side had closed the connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// explain turns an I/O error into what becomes of the request.
func (s *Session) explain(x *exchange, err error) error {
	if f, ok := err.(failure); ok { //nolint:errorlint // ours are never wrapped
		return f
	}
	if !isTimeout(err) {
		return answerFailure(x.peer, err, x.at)
	}
	switch why := s.why(&x.turn); {
	case why != notEnding:
		return s.aborted(x, why == stopped)
	case x.deadline && !time.Now().Before(x.limit): // ctx itself may not know yet
		return errDeadline
	case x.at == connecting && x.call.connect > 0 && (x.call.connect < x.call.timeout || x.call.timeout <= 0):
		return timeoutFailure(x.peer, x.at, x.call.connect)
	}
	return timeoutFailure(x.peer, x.at, x.call.timeout)
}

// halted is the end of a request without a connection, see interrupted.
func (s *Session) halted(x *exchange) error {
	return s.aborted(x, s.user.Context().Err() != nil)
}

// aborted is the end of a request whose context was cancelled, or whose user was
// stopped.
func (s *Session) aborted(x *exchange, stopped bool) error {
	if stopped || x.orphan || !x.sent {
		return &abort{ctx: x.ctx, cut: x.sent}
	}
	return errCancelled
}

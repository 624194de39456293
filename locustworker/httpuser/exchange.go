package httpuser

import (
	"bufio"
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// An exchange is one request on its way, with the redirects that answer it.
type exchange struct {
	ctx      context.Context //nolint:containedctx // lives as long as one call of Do
	orphan   bool            // begun after the user's end
	limit    time.Time       // or zero
	deadline bool            // limit is the context's
	peer     *peer
	req      *fasthttp.Request
	sent     bool // a byte of it reached a server, as far as can be known
	at       phase
	reusable bool // the connection after the answer
}

// exchange sends the request and reads the final answer into s.resp.raw. Its
// error is a failure, or an *abort when there is nothing to record.
func (s *Session) exchange(x *exchange) error {
	defer s.giveBack()
	for hops := 0; ; hops++ {
		if err := s.roundTrip(x); err != nil {
			return err
		}
		s.storeCookies(x)
		s.resp.peer, s.resp.raw.target = x.peer, append(s.resp.raw.target[:0], x.req.Header.RequestURI()...)
		if !s.redirected() {
			return nil
		}
		if hops == s.call.redirects {
			return redirectFailure(s.call.redirects)
		}
		if err := s.follow(x); err != nil {
			return err
		}
	}
}

// redirected tells that the answer leads to another request.
func (s *Session) redirected() bool {
	return s.call.redirects >= 0 && isRedirect(s.resp.raw)
}

// roundTrip sends one request and reads one answer. A connection that went stale
// while it was idle is replaced once.
func (s *Session) roundTrip(x *exchange) error {
	c, err := s.reuse(x)
	if err != nil {
		return err
	}
	if c != nil {
		if stale, err := s.transfer(x, c); !stale {
			return err
		}
	}
	if c, err = s.connect(x); err != nil {
		return err
	}
	_, err = s.transfer(x, c)
	return err
}

// reuse returns an open connection, or nil when one must be dialled. With a pool
// it waits for the right to either.
func (s *Session) reuse(x *exchange) (*conn, error) {
	if c := s.gate.take(x.peer); c != nil || s.cfg.Pool == nil {
		return c, nil
	}
	s.giveBack() // who held one connection while waiting for another could wait for ever
	x.at = queueing
	c, err := s.cfg.Pool.lease(x.ctx, s.waiter, x.peer.origin, x.limit)
	if err != nil {
		if s.ended(x) {
			return nil, s.halted(x)
		}
		return nil, s.explain(x, err)
	}
	s.leased = x.peer
	if c != nil {
		s.gate.adopt(c)
	}
	if s.ended(x) {
		if c != nil {
			s.gate.put(x.peer, c, true)
		}
		return nil, s.halted(x)
	}
	return c, nil
}

// giveBack ends the session's lease of a connection, if it has one, and leaves
// the connection to the pool.
func (s *Session) giveBack() {
	if p := s.leased; p != nil {
		s.leased = nil
		s.cfg.Pool.release(p.origin, s.gate.drop(p))
	}
}

func (s *Session) connect(x *exchange) (*conn, error) {
	x.at = connecting
	c, err := s.dial(x.ctx, x.peer, x.limit)
	if s.ended(x) {
		if err == nil {
			c.Close()
		}
		return nil, s.halted(x)
	}
	if err != nil {
		return nil, s.explain(x, err)
	}
	s.gate.adopt(c)
	return c, nil
}

// ended tells that the context of a request that has no connection yet has ended
// by more than its deadline.
func (s *Session) ended(x *exchange) bool {
	err := x.ctx.Err()
	return err != nil && (x.orphan || s.user.Context().Err() != nil || err == context.Canceled)
}

// transfer sends the request over c, reads the answer and gives c back. stale
// says that c was closed by the server before it saw the request.
func (s *Session) transfer(x *exchange, c *conn) (stale bool, err error) {
	x.at, x.reusable = awaiting, false
	back := false
	defer func() {
		if !back { // the caller's Stream panicked
			x.sent = true
			s.gate.put(x.peer, c, false)
		}
	}()
	sendErr := send(c, x.req)
	if sendErr == nil || isClosed(sendErr) {
		// A server that refuses a body may answer and close before it was read.
		err = s.receive(x, c)
	}
	back = true
	if sendErr != nil && (err != nil || !isClosed(sendErr)) {
		err = sendErr
	}
	stale = err != nil && c.used && x.at == awaiting && isClosed(err)
	x.sent = x.sent || c.sent && !stale
	s.gate.put(x.peer, c, err == nil && sendErr == nil && x.reusable)
	if err != nil && !stale {
		err = s.explain(x, err)
	}
	return stale, err
}

func send(c *conn, req *fasthttp.Request) error {
	w := writers.Get().(*bufio.Writer) //nolint:forcetypeassert // the pool holds nothing else
	w.Reset(c)
	err := req.Write(w)
	if err == nil {
		err = w.Flush()
	}
	w.Reset(nil)
	writers.Put(w)
	return err
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
		return netFailure(x.peer, err, x.at)
	}
	switch why := s.gate.why(); {
	case why != notEnding:
		return s.aborted(x, why == stopped)
	case x.deadline && !time.Now().Before(x.limit): // ctx itself may not know yet
		return errDeadline
	case x.at == connecting && s.call.connect > 0 && (s.call.connect < s.call.timeout || s.call.timeout <= 0):
		return timeoutFailure(x.peer, x.at, s.call.connect)
	}
	return timeoutFailure(x.peer, x.at, s.call.timeout)
}

// halted is the end of a request without a connection, see ended.
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

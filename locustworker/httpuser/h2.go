package httpuser

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// A Protocol says how requests are sent.
type Protocol int

const (
	// HTTP1 is HTTP/1.1.
	HTTP1 Protocol = iota
	// HTTP2 is HTTP/2 with those servers that choose it in the TLS handshake (ALPN,
	// RFC 9113, section 3.2); HTTP/1.1 with all others.
	HTTP2
	// H2C is HTTP/2 without TLS, which the server must know beforehand (RFC 9113,
	// section 3.3), for http URLs, and HTTP2 for https URLs.
	H2C
)

// An h2client is what users speak HTTP/2 with: one connection to each server, and
// more when a server allows no more streams on it. net/http's transport obeys the
// server's settings, sends a request again that the server has refused or that came
// behind its GOAWAY (neither was served), and closes what is left over.
type h2client struct {
	transport *http.Transport

	mu      sync.Mutex
	plain   []string             // origins that chose HTTP/1.1
	open    map[*h2conn]struct{} // connections
	running int                  // requests
	retired bool                 // no connection is kept after a request
}

// errNotHTTP2 says that a server chose HTTP/1.1.
var errNotHTTP2 = errors.New("httpuser: the server does not speak HTTP/2")

// h2idle is how long a connection may be idle until it is closed.
const h2idle = 2 * time.Minute

func newH2(s *Session) *h2client {
	h := &h2client{open: map[*h2conn]struct{}{}}
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	h.transport = &http.Transport{
		Protocols: &protocols, DisableCompression: true, IdleConnTimeout: h2idle, MaxResponseHeaderBytes: http1.MaxHead,
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return h.dial(ctx, s, address) },
		DialTLSContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return h.dialTLS(ctx, s, address)
		},
	}
	return h
}

// dial opens a connection that is counted while it is open.
func (h *h2client) dial(ctx context.Context, s *Session, address string) (net.Conn, error) {
	if s.cfg.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.ConnectTimeout)
		defer cancel()
	}
	c, err := s.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	own := &h2conn{Conn: c, client: h, closed: s.user.Client().Connected()}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.retired && h.running == 0 {
		own.closed()
		c.Close()
		return nil, net.ErrClosed
	}
	h.open[own] = struct{}{}
	return own, nil
}

// An h2conn tells when it is closed.
type h2conn struct {
	net.Conn
	client *h2client
	closed func()
}

func (c *h2conn) Close() error {
	c.client.mu.Lock()
	delete(c.client.open, c)
	c.client.mu.Unlock()
	c.closed()
	return c.Conn.Close()
}

// begin and done are called around each request.
func (h *h2client) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running++
}

func (h *h2client) done() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running--
	h.closeUnused()
}

// retire closes all connections as soon as no request runs.
func (h *h2client) retire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retired = true
	h.closeUnused()
}

// closeUnused closes the connections of one that is retired. h.mu is held.
func (h *h2client) closeUnused() {
	if !h.retired || h.running > 0 {
		return
	}
	for c := range h.open {
		c.closed()
		c.Conn.Close()
	}
	clear(h.open)
}

func (h *h2client) dialTLS(ctx context.Context, s *Session, address string) (net.Conn, error) {
	c, err := h.dial(ctx, s, address)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		c.Close()
		return nil, err
	}
	cfg := s.tlsConfig(&peer{hostname: host})
	cfg.NextProtos = []string{"h2", "http/1.1"}
	tc := tls.Client(c, cfg)
	if err := tc.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	if tc.ConnectionState().NegotiatedProtocol != "h2" {
		c.Close()
		return nil, errNotHTTP2
	}
	return tc, nil
}

// speaks reports whether requests to a server go over HTTP/2.
func (h *h2client) speaks(p *peer, protocol Protocol) bool {
	if !p.tls {
		return protocol == H2C
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !slices.Contains(h.plain, p.origin)
}

func (h *h2client) isPlain(origin string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.plain, origin) {
		h.plain = append(h.plain, origin)
	}
}

// An h2exchange is one request over HTTP/2 as the end of its time sees it.
type h2exchange struct {
	got   atomic.Bool // it has a connection
	wrote chan struct{}
	once  sync.Once
}

func (e *h2exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn:      func(httptrace.GotConnInfo) { e.got.Store(true) },
		WroteHeaders: func() { e.once.Do(func() { close(e.wrote) }) },
	}
}

// sent reports whether the request's head was written. One that was cancelled in
// that very moment is waited for.
func (e *h2exchange) sent() bool {
	const moment = 100 * time.Millisecond
	if !e.got.Load() {
		return false
	}
	select {
	case <-e.wrote:
		return true
	case <-time.After(moment):
		return false
	}
}

// roundTrip2 is roundTrip over HTTP/2.
func (s *Session) roundTrip2(x *exchange) error {
	s.h2.begin()
	defer s.h2.done()
	e := &h2exchange{wrote: make(chan struct{})}
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(context.WithoutCancel(x.ctx), e.trace()))
	defer cancel()
	timer := time.AfterFunc(math.MaxInt64, cancel)
	defer timer.Stop()
	s.setCancel(&x.turn, func() {
		if d := x.turn.deadline(); !d.IsZero() {
			timer.Reset(time.Until(d))
		}
		if x.turn.ending == stopped && !e.got.Load() || x.turn.ending == cancelled {
			cancel()
		}
	})
	defer s.setCancel(&x.turn, nil)
	req, err := x.request(ctx)
	if err != nil {
		return err
	}
	x.at = connecting
	resp, err := s.h2.transport.RoundTrip(req)
	if err != nil {
		x.sent = x.sent || e.sent()
		return s.explain2(x, e, ctx.Err() != nil, err)
	}
	defer resp.Body.Close()
	x.sent, x.at = true, reading
	x.in.Reset(resp.Body)
	if err := http1.Parse(headOf(resp), &x.answer); err != nil {
		return s.explain(x, err)
	}
	x.resp.Proto = resp.Proto
	if err := s.receiveBody(x); err != nil {
		if ctx.Err() != nil {
			err = os.ErrDeadlineExceeded
		}
		return s.explain2(x, e, ctx.Err() != nil, err)
	}
	return nil
}

// setCancel sets what the end of the turn calls, and calls it once for what has
// ended already.
func (s *Session) setCancel(t *turn, cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.cancel = cancel
	if cancel != nil {
		cancel()
	}
}

// explain2 is explain for a request over HTTP/2. ended says that its time was over.
func (s *Session) explain2(x *exchange, e *h2exchange, ended bool, err error) error {
	if errors.Is(err, errNotHTTP2) {
		return errNotHTTP2
	}
	if e.got.Load() && x.at == connecting {
		x.at = awaiting
	}
	switch {
	case x.at == connecting && s.interrupted(x):
		return s.halted(x)
	case ended:
		return s.explain(x, os.ErrDeadlineExceeded)
	case x.at != connecting:
		return streamFailure(err, x.at)
	}
	return s.explain(x, err)
}

// request is the exchange's request for net/http.
func (x *exchange) request(ctx context.Context) (*http.Request, error) {
	u, err := url.ParseRequestURI(string(x.uri))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	u.Scheme, u.Host = x.peer.scheme(), x.peer.address
	req, err := http.NewRequestWithContext(ctx, x.method, "", bytes.NewReader(x.body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	req.URL, req.Host = u, x.peer.host
	for _, f := range x.fields {
		switch strings.ToLower(f.key) {
		case "host":
			req.Host = f.value
		case "connection", "content-length", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection": // RFC 9113, section 8.2.2
		default:
			req.Header[http.CanonicalHeaderKey(f.key)] = []string{f.value}
		}
	}
	if len(x.pairs) > 0 && req.Header.Get("Cookie") == "" {
		req.Header["Cookie"] = []string{string(appendPairs(nil, x.pairs))}
	}
	return req, nil
}

// headOf writes an answer's head as HTTP/1.1 has it, for all that reads heads.
func headOf(r *http.Response) []byte {
	b := fmt.Appendf(nil, "HTTP/1.1 %d \r\n", r.StatusCode)
	for key, values := range r.Header {
		if key == "Content-Length" || key == "Connection" || key == "Transfer-Encoding" {
			continue // the framing is HTTP/2's
		}
		for _, v := range values {
			b = appendField(b, key, v)
		}
	}
	return append(b, "\r\n"...)
}

// h2For returns what a session speaks HTTP/2 with: its own, or its pool's.
func h2For(s *Session) *h2client {
	p := s.cfg.Pool
	if p == nil {
		return newH2(s)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.h2 == nil {
		p.h2 = newH2(s)
	}
	return p.h2
}

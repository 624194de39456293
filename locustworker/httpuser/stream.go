package httpuser

import (
	"errors"
	"io"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// Discard reads the answer's body and keeps nothing of it: Response.Body is nil,
// Response.Length its length after decompression, which is part of the response
// time here. Config.MaxBody does not limit it, and no memory grows with it.
func Discard() Option {
	return func(c *call) { c.stream, c.sink = true, nil }
}

// Stream hands the final answer's body, decompressed, to read as it arrives, for
// bodies that are too large to keep or that never end (Locust's stream=True and
// iter_lines). Response.Body is nil. The response time goes on to the end of
// read, and the length is what read took. An error of read makes the request a
// failure as one of Check does, unless it is the connection's own. Where read
// returns before the end of the body, the connection is closed. The body must not
// be read after that. A panic in read is recorded as a failure and goes on.
//
// An answer whose status is a failure is not given to read, but discarded.
// Config.MaxBody does not apply.
func Stream(read func(r *Response, body io.Reader) error) Option {
	return func(c *call) { c.stream, c.sink = true, read }
}

// errBodyGone is what reading a streamed body gives when it is too late.
var errBodyGone = errors.New("httpuser: a streamed body was read after its request had ended")

// A streamed body is what a caller reads from. It counts and remembers how it
// ended.
type streamed struct {
	src io.Reader
	n   int64
	eof bool
	err error
}

func (b *streamed) Read(p []byte) (int, error) {
	n, err := b.src.Read(p)
	b.n += int64(n)
	if err == io.EOF {
		b.eof = true
	} else if err != nil {
		b.err = err
	}
	return n, err
}

type gone struct{}

func (gone) Read([]byte) (int, error) { return 0, errBodyGone }

// stream passes the body of an answer on. The error is that of the connection, or
// a failure.
func (s *Session) stream(x *exchange) error {
	r := x.resp
	discard := x.call.sink == nil || statusFailure(x.answer.Status, nil, "") != nil
	chain := x.codings()
	if chain.Plain() && discard {
		n, err := x.payload.Skip(-1)
		r.Length, r.WireLength = n, n
		return err
	}
	wire := &streamed{src: &x.payload}
	body := &streamed{src: wire}
	if !chain.Plain() {
		decoder, err := chain.Open(wire)
		if err != nil {
			return codingFailure(x, err)
		}
		defer decoder.Close()
		body.src = decoder
	}
	if discard {
		io.Copy(io.Discard, body) //nolint:errcheck // body knows
	} else {
		r.StatusCode = x.answer.Status
		err := x.call.sink(r, body)
		x.call.readErr = err
	}
	return s.endStream(x, wire, body)
}

// endStream finds out how the body ended. What is left of it behind the end of its
// coding is dropped, so that the connection can be used again; all else that is
// left is not waited for.
func (s *Session) endStream(x *exchange, wire, body *streamed) error {
	body.src = gone{}
	if body.eof && wire.err == nil {
		x.payload.Skip(http1.BufferSize) //nolint:errcheck // a connection that is not at its end is closed
	}
	x.resp.Length, x.resp.WireLength = body.n, wire.n
	switch {
	case wire.err != nil:
		return wire.err
	case body.err != nil:
		return codingFailure(x, body.err)
	}
	return nil
}

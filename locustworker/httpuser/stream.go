package httpuser

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http/httputil"
	"sync"

	"github.com/valyala/fasthttp"
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
// returns before the end of the body, the connection is closed. A panic in read
// is recorded as a failure and goes on.
//
// An answer whose status is a failure is not given to read, but discarded.
// Config.MaxBody does not apply, except to a body that is compressed with br,
// which is not asked for.
func Stream(read func(r *Response, body io.Reader) error) Option {
	return func(c *call) { c.stream, c.sink = true, read }
}

// streamEncoding is what can be decompressed while it arrives.
const streamEncoding = "gzip, deflate"

// stream passes the body of an answer on. The error is that of the connection, or
// a failure. It reports whether the connection is in step afterwards.
func (s *Session) stream(br *bufio.Reader) (whole bool, err error) {
	h := &s.resp.raw.Header
	failed := statusFailure(h.StatusCode(), nil, "") != nil
	sink, encoding := s.call.sink, h.ContentEncoding()
	if n := h.ContentLength(); n >= 0 && len(encoding) == 0 && (sink == nil || failed) {
		s.resp.Length = int64(n)
		return true, skip(br, n)
	}
	src := &bodySource{r: br, left: -1}
	switch n := h.ContentLength(); {
	case n >= 0:
		src.left = int64(n)
	case n == -1:
		src.r = httputil.NewChunkedReader(br)
	}
	body, done, err := s.decompressed(encoding, src)
	counted := &countingReader{r: body}
	if err != nil {
		counted.err = err
	} else {
		defer done()
		if sink == nil || failed {
			io.Copy(io.Discard, counted) //nolint:errcheck // counted knows
		} else {
			s.resp.StatusCode = h.StatusCode()
			s.call.readErr = sink(s.resp, counted)
		}
	}
	whole = counted.err == nil && (src.left == 0 || counted.eof && src.atEnd())
	switch {
	case src.err != nil:
		return false, src.err
	case errors.Is(counted.err, fasthttp.ErrBodyTooLarge):
		return false, errTooLarge
	case counted.err != nil:
		return false, decodeFailure(encoding, !errors.Is(counted.err, gzip.ErrHeader))
	}
	s.resp.Length = counted.n
	return whole, nil
}

// skip drops the next n bytes.
func skip(br *bufio.Reader, n int) error {
	_, err := br.Discard(n)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A bodySource reads a body off a connection and remembers what went wrong there.
type bodySource struct {
	r    io.Reader
	left int64 // or -1 where the end is the reader's own
	eof  bool
	err  error
}

func (b *bodySource) Read(p []byte) (int, error) {
	if b.left == 0 {
		b.eof = true
		return 0, io.EOF
	}
	if b.left > 0 && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	switch {
	case err == io.EOF && b.left > 0:
		err = io.ErrUnexpectedEOF
		b.err = err
	case err == io.EOF:
		b.eof = true
	case err != nil:
		b.err = err
	}
	return n, err
}

// atEnd reports whether nothing of the body is left, and finds out by reading
// where it cannot be known.
func (b *bodySource) atEnd() bool {
	if b.eof {
		return true
	}
	n, err := io.Copy(io.Discard, io.LimitReader(b, bufferSize))
	return n < bufferSize && err == nil
}

// A countingReader counts what is read and remembers how it ended.
type countingReader struct {
	r   io.Reader
	n   int64
	eof bool
	err error
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err == io.EOF {
		c.eof = true
	} else if err != nil {
		c.err = err
	}
	return n, err
}

var gunzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// decompressed reads a body that comes with the given encoding; unknown ones are
// left as they are. done ends its use.
func (s *Session) decompressed(encoding []byte, src *bodySource) (r io.Reader, done func(), err error) {
	nothing := func() {}
	switch string(encoding) {
	case "gzip", "x-gzip":
		z := gunzips.Get().(*gzip.Reader) //nolint:forcetypeassert // the pool holds nothing else
		br := bufio.NewReader(src)
		switch head, err := br.Peek(2); {
		case len(head) == 0 && err == io.EOF: // an empty body is no fault
			return br, nothing, nil
		case !isGzip(encoding, head):
			return nil, nil, gzip.ErrHeader
		}
		if err := z.Reset(br); err != nil {
			return nil, nil, err
		}
		return z, func() { gunzips.Put(z) }, nil
	case "deflate":
		br := bufio.NewReader(src)
		head, err := br.Peek(2)
		if len(head) == 0 && err == io.EOF { //nolint:errorlint // readers return it as it is
			return br, nothing, nil
		}
		if !isZlib(head) {
			return flate.NewReader(br), nothing, nil
		}
		z, err := zlib.NewReader(br)
		if err != nil {
			return nil, nil, err
		}
		return z, nothing, nil
	case "br":
		packed, err := io.ReadAll(io.LimitReader(src, int64(s.cfg.MaxBody)+1))
		if err != nil {
			return nil, nil, err
		}
		w := boundedWriter{limit: s.cfg.MaxBody}
		if len(packed) > s.cfg.MaxBody {
			return nil, nil, fasthttp.ErrBodyTooLarge
		}
		if _, err := fasthttp.WriteUnbrotli(&w, packed); err != nil {
			return nil, nil, err
		}
		return bytes.NewReader(w.buf), nothing, nil
	}
	return src, nothing, nil
}

// isZlib tells a deflated body with zlib's header from one without, which some
// servers send (as urllib3's DeflateDecoder does).
func isZlib(body []byte) bool {
	return len(body) >= 2 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0
}

package httpuser

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"

	"github.com/valyala/fasthttp"
)

const (
	// maxHeader is the largest header of an answer in bytes.
	maxHeader = 256 << 10
	// maxInterim is how many 1xx answers may come before the final one.
	maxInterim = 8
)

// keptBody is the largest body buffer in bytes that is used again.
const keptBody = 1 << 20

// keptIdle is the largest body buffer in bytes that a user keeps while it waits.
const keptIdle = 2 << 10

// An answer is a Response and all that it stands on. It is used again by the
// session's next request; a large one is given back at the end of the task, so that
// a hundred thousand users who wait do not keep a hundred thousand documents.
type answer struct {
	fasthttp.Response
	decoded []byte // the body, where it came compressed
	target  []byte // of the request that it answers
	told    Response
}

func newAnswer() *answer {
	a := new(answer)
	a.KeepBodyBuffer = true // fasthttp's own pool drops buffers of a size that is rare at first
	a.Header.SetNoDefaultContentType(true)
	a.told.raw = a
	return a
}

// isLarge tells an answer that must not stay with a user who waits.
// It is the buffer that counts: there may have been more in it before.
func (a *answer) isLarge() bool { return cap(a.Body()) > keptIdle || cap(a.decoded) > keptIdle }

// reset empties the answer, but for buffers of a usual size.
func (a *answer) reset() {
	a.ReleaseBody(keptBody)
	a.Reset()
	a.Header.SetNoDefaultContentType(true)
	a.told = Response{raw: a}
	if cap(a.decoded) > keptBody {
		a.decoded = nil
	}
}

// receive reads an answer into s.resp.raw. The error is that of the connection
// where there is one.
func (s *Session) receive(x *exchange, c *conn) error {
	br := readers.Get().(*bufio.Reader) //nolint:forcetypeassert // the pool holds nothing else
	br.Reset(c)
	err := s.read(x, br)
	if _, own := err.(failure); err != nil && c.err != nil && (!own || !isClosed(c.err)) { //nolint:errorlint // ours are never wrapped
		err = c.err
	}
	br.Reset(nil)
	readers.Put(br)
	return err
}

func (s *Session) read(x *exchange, br *bufio.Reader) error {
	if _, err := br.Peek(1); err != nil {
		return err
	}
	x.at = heading
	h := &s.resp.raw.Header
	br, err := readHeader(h, br)
	if err != nil {
		return err
	}
	x.at = reading
	whole, err := s.readBody(x, br)
	if err != nil {
		return err
	}
	x.reusable = whole && !h.ConnectionClose() && h.StatusCode() != fasthttp.StatusSwitchingProtocols && br.Buffered() == 0
	return nil
}

// readHeader reads the header of the first answer that is not an interim one. It
// returns the reader to go on with: a larger one when the header needed it.
func readHeader(h *fasthttp.ResponseHeader, br *bufio.Reader) (*bufio.Reader, error) {
	for range maxInterim {
		err := h.Read(br)
		if err != nil && isSmallBuffer(err) && br.Size() < maxHeader {
			br = bufio.NewReaderSize(br, maxHeader) // nothing was taken out of the smaller one
			err = h.Read(br)
		}
		if err != nil {
			received, _ := br.Peek(br.Buffered())
			if f := statusLineFailure(received); f != "" && len(received) > 0 {
				return nil, f
			}
			return nil, err
		}
		if status := h.StatusCode(); status >= 200 || status == fasthttp.StatusSwitchingProtocols {
			return br, nil
		}
	}
	return nil, errMalformed
}

func isSmallBuffer(err error) bool {
	var small *fasthttp.ErrSmallBuffer
	return errors.As(err, &small)
}

// readBody takes the body off the connection. whole says that nothing of it is
// left there.
func (s *Session) readBody(x *exchange, br *bufio.Reader) (whole bool, err error) {
	h := &s.resp.raw.Header
	switch status := h.StatusCode(); {
	case x.req.Header.IsHead(), status < 200, status == fasthttp.StatusNoContent, status == fasthttp.StatusNotModified:
		return true, nil
	}
	chunked := h.ContentLength() == -1
	if s.call.stream && !s.redirected() {
		whole, err = s.stream(br)
	} else {
		whole, err = true, s.resp.raw.ReadBody(br, s.cfg.MaxBody)
	}
	if chunked && whole && err == nil { // neither reads the trailer
		err = h.ReadTrailer(br)
	}
	return whole, err
}

// decode sets the response's body, decompressed, and its length.
func (s *Session) decode() error {
	if s.call.stream { // done
		return nil
	}
	err := s.decompress()
	s.resp.Length = int64(len(s.resp.Body))
	return err
}

func (s *Session) decompress() error {
	body := s.resp.raw.Body()
	encoding := s.resp.raw.Header.ContentEncoding()
	if len(encoding) == 0 || len(body) == 0 {
		s.resp.Body = body
		return nil
	}
	w := boundedWriter{buf: s.resp.raw.decoded[:0], limit: s.cfg.MaxBody}
	var err error
	switch string(encoding) {
	case "gzip", "x-gzip":
		_, err = fasthttp.WriteGunzip(&w, body)
	case "deflate":
		if isZlib(body) {
			_, err = fasthttp.WriteInflate(&w, body)
		} else {
			_, err = io.Copy(&w, flate.NewReader(bytes.NewReader(body)))
		}
	case "br":
		_, err = fasthttp.WriteUnbrotli(&w, body)
	default:
		s.resp.Body = body
		return nil
	}
	s.resp.raw.decoded = w.buf
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return errTooLarge
	case err != nil:
		return decodeFailure(encoding, isGzip(encoding, body))
	}
	s.resp.Body = w.buf
	return nil
}

// A boundedWriter appends up to limit bytes.
type boundedWriter struct {
	buf   []byte
	limit int
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	if len(w.buf)+len(p) > w.limit {
		return 0, fasthttp.ErrBodyTooLarge
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// Package coding undoes the content codings of a body (RFC 9110, section 8.4):
// gzip, x-gzip, deflate with and without zlib's header, br and zstd, and several
// of them in a row.
//
// It is as lenient as urllib3: a body that ends before gzip's trailer, or within
// the compressed data, is what came of it, and bytes behind the last gzip member
// are dropped. Data that is damaged, or was never compressed, is an error.
package coding

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// maxChain is how many codings may be in a row, as in urllib3.
const maxChain = 5

var (
	// ErrHeader is returned for a body that does not begin as its coding does.
	ErrHeader = errors.New("coding: the body does not begin as its coding does")
	// ErrCorrupt is returned for a body that is damaged.
	ErrCorrupt = errors.New("coding: the body is damaged")
	// ErrChain is returned for too many codings in a row.
	ErrChain = errors.New("coding: too many codings in a row")
)

// A Chain is the codings of a body in the order in which they were applied.
type Chain struct {
	kinds   [maxChain]kind
	n       int
	unknown bool
	long    bool
}

type kind uint8

const (
	gzipped kind = iota
	deflated
	brotlied
	zstandard
)

// Add appends the codings that a field Content-Encoding lists, in any letter case.
// identity and empty elements are none.
func (c *Chain) Add(list string) {
	for element := range strings.SplitSeq(list, ",") {
		switch element = strings.TrimSpace(element); {
		case element == "", strings.EqualFold(element, "identity"):
		case strings.EqualFold(element, "gzip"), strings.EqualFold(element, "x-gzip"):
			c.push(gzipped)
		case strings.EqualFold(element, "deflate"):
			c.push(deflated)
		case strings.EqualFold(element, "br"):
			c.push(brotlied)
		case strings.EqualFold(element, "zstd"):
			c.push(zstandard)
		default:
			c.unknown = true
		}
	}
}

func (c *Chain) push(k kind) {
	if c.n == maxChain {
		c.long = true
		return
	}
	c.kinds[c.n] = k
	c.n++
}

// Plain reports whether the body is left as it is: there is no coding, or one that
// nobody knows here.
func (c *Chain) Plain() bool { return c.n == 0 || c.unknown }

// Open returns a reader of src without its codings. Close gives its memory back.
func (c *Chain) Open(src io.Reader) (io.ReadCloser, error) {
	if c.long {
		return nil, ErrChain
	}
	r := &reader{src: src}
	for i := c.n - 1; i >= 0; i-- {
		r.layers[c.n-1-i].open(c.kinds[i], r.top())
		r.n++
	}
	return r, nil
}

// A reader is a chain of decoders over one source.
type reader struct {
	src    io.Reader
	layers [maxChain]layer
	n      int
}

func (r *reader) top() io.Reader {
	if r.n == 0 {
		return r.src
	}
	return &r.layers[r.n-1]
}

func (r *reader) Read(p []byte) (int, error) { return r.top().Read(p) }

func (r *reader) Close() error {
	for i := range r.n {
		r.layers[i].close()
	}
	r.n = 0
	r.src = closed{}
	return nil
}

type closed struct{}

func (closed) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// ErrTooLarge is returned for a body that is larger than the limit without its
// codings.
var ErrTooLarge = errors.New("coding: the body is larger than the limit")

// AppendDecoded appends the body without its codings, of at most limit bytes, to
// dst.
func (c *Chain) AppendDecoded(dst, body []byte, limit int) ([]byte, error) {
	r, err := c.Open(bytes.NewReader(body))
	if err != nil {
		return dst, err
	}
	defer r.Close()
	start := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-start > limit:
			return dst, ErrTooLarge
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		}
	}
}

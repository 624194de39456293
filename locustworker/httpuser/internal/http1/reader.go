package http1

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// BufferSize is the size in bytes of the buffer that a Reader borrows. It holds
// an ordinary document, so that one takes a single system call.
const BufferSize = 16 << 10

var buffers = sync.Pool{New: func() any { return new([BufferSize]byte) }}

// A Reader buffers what comes over a connection. It borrows its buffer with the
// first byte and gives it back in Release, so that a request that waits for its
// answer has none.
type Reader struct {
	src      io.Reader
	borrowed *[BufferSize]byte
	buf      []byte
	r, w     int // what is buffered is buf[r:w]
}

// Reset makes the reader read from src, with nothing buffered.
func (b *Reader) Reset(src io.Reader) { b.src, b.r, b.w = src, 0, 0 }

// Release gives the buffer back.
func (b *Reader) Release() {
	if b.borrowed != nil {
		buffers.Put(b.borrowed)
	}
	*b = Reader{}
}

// Buffered returns what was read from the connection and not yet consumed. It is
// valid until the next call of another method.
func (b *Reader) Buffered() []byte { return b.buf[b.r:b.w] }

// Discard drops n buffered bytes.
func (b *Reader) Discard(n int) { b.r += n }

// Space returns the free part of the buffer, which is never empty, for a caller
// that reads from the connection itself and then says Filled. The buffer grows up
// to limit bytes.
func (b *Reader) Space(limit int) ([]byte, error) {
	switch {
	case b.buf == nil:
		b.borrowed = buffers.Get().(*[BufferSize]byte) //nolint:forcetypeassert // the pool holds nothing else
		b.buf = b.borrowed[:]
	case b.r == b.w:
		b.r, b.w = 0, 0
	case b.w == len(b.buf) && b.r > 0:
		b.w = copy(b.buf, b.buf[b.r:b.w])
		b.r = 0
	}
	if b.w == len(b.buf) {
		if len(b.buf) >= limit {
			return nil, ErrTooLong
		}
		b.buf = append(make([]byte, 0, min(2*len(b.buf), limit)), b.buf...)
		b.buf = b.buf[:cap(b.buf)]
	}
	return b.buf[b.w:], nil
}

// Filled says that n bytes were read into what Space returned.
func (b *Reader) Filled(n int) { b.w += n }

// fill reads once from the connection. It returns an error, io.EOF included, only
// when nothing was read.
func (b *Reader) fill(limit int) error {
	space, err := b.Space(limit)
	if err != nil {
		return err
	}
	n, err := b.src.Read(space)
	b.w += n
	switch {
	case n > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// line returns the next line with its LF, of at most limit bytes, and consumes it.
// At the end of the connection it returns what there is and io.EOF. The line is
// valid until the next call.
func (b *Reader) line(limit int) ([]byte, error) {
	seen := 0
	for {
		have := b.buf[b.r:b.w]
		if i := bytes.IndexByte(have[seen:], '\n'); i >= 0 {
			end := seen + i + 1
			if end > limit {
				return nil, ErrTooLong
			}
			b.r += end
			return have[:end], nil
		}
		seen = len(have)
		if seen >= limit {
			return nil, ErrTooLong
		}
		if err := b.fill(max(limit, BufferSize)); err != nil {
			rest := b.buf[b.r:b.w]
			if errors.Is(err, io.EOF) {
				b.r = b.w
			}
			return rest, err
		}
	}
}

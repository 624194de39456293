package http1

import (
	"errors"
	"io"
)

var (
	// ErrTooLarge is returned for a body above the limit.
	ErrTooLarge = errors.New("http1: the body is larger than the limit")
	// ErrChunk is returned for a body whose chunks are not well formed.
	ErrChunk = errors.New("http1: malformed chunk")
)

const (
	maxSizeLine = 4 << 10
	maxTrailer  = MaxHead
	// claimed is up to which length in bytes memory is taken on an answer's word.
	claimed = 1 << 20
)

// A Body reads the body of an answer, without its framing, off the connection.
// Its errors are those of the connection, io.ErrUnexpectedEOF where it ended
// before the body did, or one of this package's.
type Body struct {
	src   *Reader
	kind  framing
	left  int64 // of the body, or of the chunk
	ended bool  // nothing of the body is left on the connection
	open  bool  // the connection can be used after it
	err   error
}

type framing uint8

const (
	counted framing = iota
	chunkSize
	chunkData
	untilClose
)

// Init makes b the body of an answer to a request with the given method, whose
// head was read from src (RFC 9112, section 6.3).
func (b *Body) Init(src *Reader, h *Head, method string) {
	*b = Body{src: src, open: !h.Close}
	switch {
	case method == "HEAD", h.Status < 200, h.Status == 204, h.Status == 304:
		b.ended = true
		b.open = b.open && h.Status >= 200
	case h.Chunked:
		b.kind = chunkSize
	case h.Length >= 0:
		b.left = h.Length
		b.ended = b.left == 0
	default:
		b.kind, b.open = untilClose, false
	}
}

// Reusable reports whether the connection can serve another request: the body was
// read to its end, the server does not close, and nothing came behind it.
func (b *Body) Reusable() bool { return b.ended && b.open && b.err == nil && b.src.r == b.src.w }

// Known returns how many bytes are left of a body with a known length, else -1.
func (b *Body) Known() int64 {
	if b.ended || b.kind == counted {
		return b.left
	}
	return -1
}

// Read reads a part of the body. It returns io.EOF at its end.
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

func (b *Body) read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.ended:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	case b.kind == chunkSize:
		if err := b.nextChunk(); err != nil || b.ended {
			return 0, eofIf(b.ended && err == nil, err)
		}
	}
	if b.kind != untilClose && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.take(p)
	if b.kind == untilClose {
		b.ended = errors.Is(err, io.EOF)
		return n, err
	}
	if b.left -= int64(n); b.left > 0 {
		return n, unexpected(err)
	}
	if b.kind == counted {
		b.ended = true
		return n, nil
	}
	b.kind = chunkSize
	return n, b.endChunk()
}

func eofIf(ended bool, err error) error {
	if ended {
		return io.EOF
	}
	return err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take copies what is buffered, else reads from the connection: directly where
// that saves a copy.
func (b *Body) take(p []byte) (int, error) {
	s := b.src
	if s.r == s.w {
		if len(p) >= BufferSize {
			n, err := s.src.Read(p)
			if n > 0 {
				err = nil
			}
			return n, err
		}
		if err := s.fill(BufferSize); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.r:s.w])
	s.r += n
	return n, nil
}

// nextChunk reads the line before a chunk, and what follows the last one.
func (b *Body) nextChunk() error {
	line, err := b.src.line(maxSizeLine)
	if err != nil {
		return unexpected(err)
	}
	size, ok := chunkLength(line)
	if !ok {
		return ErrChunk
	}
	if size > 0 {
		b.kind, b.left = chunkData, size
		return nil
	}
	return b.trailer()
}

// trailer drops the fields behind the last chunk. Where the connection ends
// instead of a blank line, the body is complete nevertheless.
func (b *Body) trailer() error {
	for total := 0; total < maxTrailer; {
		line, err := b.src.line(maxTrailer)
		switch {
		case errors.Is(err, io.EOF):
			b.ended, b.open = true, false
			return nil
		case err != nil:
			return err
		case isBlank(line):
			b.ended = true
			return nil
		}
		total += len(line)
	}
	return ErrTooLong
}

// endChunk drops the line end behind a chunk's data.
func (b *Body) endChunk() error {
	line, err := b.src.line(2)
	switch {
	case errors.Is(err, ErrTooLong) || err == nil && !isBlank(line):
		return ErrChunk
	case err != nil:
		return unexpected(err)
	}
	return nil
}

func isBlank(line []byte) bool { return len(line) == 1 || len(line) == 2 && line[0] == '\r' }

// chunkLength reads a chunk's size line: hex digits between blanks, and extensions
// that nobody needs.
func chunkLength(line []byte) (size int64, ok bool) {
	const most = 15 // digits, which fit into an int64
	i := 0
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	digits := 0
	for ; i < len(line); i++ {
		d := hexDigit(line[i])
		if d < 0 {
			break
		}
		if size != 0 || d != 0 {
			digits++
		}
		if size, ok = size<<4|int64(d), true; digits > most {
			return 0, false
		}
	}
	for i < len(line) && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r') {
		i++
	}
	return size, ok && (line[i] == '\n' || line[i] == ';')
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// AppendAll appends the whole body to dst, of which it may take up the capacity. A
// body of more than limit bytes is ErrTooLarge, at once where its length is
// known.
func (b *Body) AppendAll(dst []byte, limit int) ([]byte, error) {
	start := len(dst)
	if n := b.Known(); n > int64(limit) {
		return dst, ErrTooLarge
	} else if n > 0 && cap(dst)-start < int(min(n, claimed)) {
		dst = append(make([]byte, 0, start+int(min(n, claimed))), dst...)
	}
	for {
		if len(dst) == cap(dst) {
			if b.ended {
				return dst, nil
			}
			dst = append(dst, 0)[:len(dst)]
		}
		room := min(cap(dst)-len(dst), limit-(len(dst)-start)+1)
		n, err := b.Read(dst[len(dst) : len(dst)+room])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-start > limit:
			b.err = ErrTooLarge
			return dst, ErrTooLarge
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return dst, err
		case b.ended:
			return dst, nil
		}
	}
}

// Skip reads the rest of the body and drops it. It returns how many bytes that
// were. More than limit is ErrTooLarge; a negative limit is none.
func (b *Body) Skip(limit int64) (int64, error) {
	var total int64
	for {
		if limit >= 0 && (total > limit || b.Known() > limit) {
			return total, ErrTooLarge
		}
		if b.ended {
			return total, nil
		}
		n, err := b.drop()
		total += n
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			b.err = err
			return total, err
		}
	}
}

// drop is Read without a copy.
func (b *Body) drop() (int64, error) {
	if b.kind == chunkSize {
		if err := b.nextChunk(); err != nil || b.ended {
			return 0, eofIf(b.ended && err == nil, err)
		}
	}
	s := b.src
	if s.r == s.w {
		if err := s.fill(BufferSize); err != nil {
			if b.kind == untilClose && errors.Is(err, io.EOF) {
				b.ended = true
				return 0, io.EOF
			}
			return 0, unexpected(err)
		}
	}
	n := int64(s.w - s.r)
	if b.kind == untilClose {
		s.r = s.w
		return n, nil
	}
	n = min(n, b.left)
	s.r += int(n)
	if b.left -= n; b.left > 0 {
		return n, nil
	}
	if b.kind == counted {
		b.ended = true
		return n, nil
	}
	b.kind = chunkSize
	return n, b.endChunk()
}

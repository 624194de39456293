package coding

import (
	"bufio"
	"errors"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is how far back in bytes a zstd frame may refer, which browsers take
// too (RFC 8878, section 3.1.1.1.2, wants at least that much).
const maxWindow = 8 << 20

// A layer is one decoder. It is opened with the first Read, so that an empty body
// is none of its errors.
type layer struct {
	kind kind
	src  *source
	in   *bufio.Reader
	out  io.Reader // nil before the first Read
	more bool      // a member of gzip is complete
	raw  bool      // out is one of flates
	err  error
}

// A source remembers how what a layer reads from ended, because decoders report
// their input's error as they like.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

var (
	inputs  = sync.Pool{New: func() any { return bufio.NewReader(nil) }}
	gzips   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	flates  = sync.Pool{New: func() any { return flate.NewReader(nil) }}
	brotlis = sync.Pool{New: func() any { return brotli.NewReader(nil) }}
)

func (l *layer) open(k kind, src io.Reader) {
	*l = layer{kind: k, src: &source{r: src}, in: inputs.Get().(*bufio.Reader)} //nolint:forcetypeassert // the pool holds nothing else
	l.in.Reset(l.src)
}

func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil || len(p) == 0 {
		return 0, l.err
	}
	if l.out == nil {
		if l.err = l.start(); l.err != nil {
			return 0, l.err
		}
	}
	for {
		n, err := l.out.Read(p)
		if err == nil {
			return n, nil
		}
		if l.err = l.verdict(err); errors.Is(l.err, io.EOF) {
			l.finish()
		}
		if n > 0 {
			return n, nil
		}
		if l.err != nil {
			return 0, l.err
		}
	}
}

// finish reads what is left of an inner coding's output, behind which there is its
// checksum.
func (l *layer) finish() {
	const most = 1 << 20
	if _, inner := l.src.r.(*layer); inner && l.src.err == nil {
		io.CopyN(io.Discard, l.in, most) //nolint:errcheck // the source knows
		if l.src.err != nil {
			l.err = l.src.err
		}
	}
}

// start chooses the decoder.
func (l *layer) start() error {
	head, err := l.in.Peek(3)
	if len(head) == 0 {
		return l.inputError(err)
	}
	switch l.kind {
	case gzipped:
		if head[0] != 0x1f || len(head) > 1 && head[1] != 0x8b {
			return ErrHeader
		}
		if len(head) > 2 && head[2] != 8 {
			return ErrCorrupt
		}
		z := gzips.Get().(*gzip.Reader) //nolint:forcetypeassert // the pool holds nothing else
		l.out = z
		return l.member(z)
	case deflated:
		if isZlib(head) {
			z, err := zlib.NewReader(l.in)
			if err != nil {
				return l.broken(err)
			}
			l.out = z
			return nil
		}
		z := flates.Get().(io.ReadCloser) //nolint:forcetypeassert // the pool holds nothing else
		l.out, l.raw = z, true
		return z.(flate.Resetter).Reset(l.in, nil) //nolint:forcetypeassert // documented
	case brotlied:
		z := brotlis.Get().(*brotli.Reader) //nolint:forcetypeassert // the pool holds nothing else
		l.out = z
		return z.Reset(l.in)
	case zstandard:
		z, err := zstd.NewReader(l.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return l.broken(err)
		}
		l.out = z
	}
	return nil
}

// member begins a member of gzip.
func (l *layer) member(z *gzip.Reader) error {
	err := z.Reset(l.in)
	if err != nil {
		return l.broken(err)
	}
	z.Multistream(false)
	return nil
}

// verdict says what an error of the decoder means: nil to go on, io.EOF for the
// end of the body.
func (l *layer) verdict(err error) error {
	if !errors.Is(err, io.EOF) {
		return l.broken(err)
	}
	z, ok := l.out.(*gzip.Reader)
	if !ok {
		return io.EOF
	}
	l.more = true
	return l.member(z)
}

// broken is verdict for all errors but io.EOF.
func (l *layer) broken(err error) error {
	switch {
	case l.src.err != nil:
		return l.src.err
	case l.more, l.kind != zstandard && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return io.EOF
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, zlib.ErrHeader):
		return ErrHeader
	}
	return ErrCorrupt
}

func (l *layer) inputError(err error) error {
	if l.src.err != nil {
		return l.src.err
	}
	return err
}

// isZlib reports whether a deflated body has zlib's header (RFC 1950), which some
// servers leave out.
func isZlib(body []byte) bool {
	return len(body) >= 2 && body[0]&0x0f == 8 && (int(body[0])<<8|int(body[1]))%31 == 0
}

// close gives the decoder back.
func (l *layer) close() {
	switch z := l.out.(type) {
	case *gzip.Reader:
		gzips.Put(z)
	case *brotli.Reader:
		brotlis.Put(z)
	case *zstd.Decoder:
		z.Close()
	case io.ReadCloser:
		if l.raw {
			flates.Put(z)
		}
	}
	l.in.Reset(nil)
	inputs.Put(l.in)
	*l = layer{err: io.ErrClosedPipe}
}

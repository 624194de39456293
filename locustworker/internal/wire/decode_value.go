package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

const (
	// MaxFrame is the longest frame that Decode looks at, in bytes.
	MaxFrame = 64 << 20
	// maxValues bounds the number of msgpack values in a frame: each may cost
	// a hundred times its size on the wire.
	maxValues = 1 << 20
)

// Raw is a decoded message of either direction whose data was not looked at.
type Raw struct {
	Type   string
	NodeID string
	// Data is as in [Custom].
	Data any
}

// DecodeAny parses one frame without looking at its type. Maps that Locust
// sends for a datetime become a [time.Time] in UTC (Python's is naive); an
// __ObjectId__ map stays a map. The bounds are those of [Decode].
func DecodeAny(frame []byte) (Raw, error) {
	raw, err := decodeAny(frame)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the frame ends too early")
	}
	if err != nil {
		return Raw{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return raw, nil
}

func decodeAny(frame []byte) (Raw, error) {
	if len(frame) > MaxFrame {
		return Raw{}, fmt.Errorf("frame of %d bytes, the limit is %d", len(frame), MaxFrame)
	}
	r := newReader(frame)
	v, err := r.value(0)
	if err != nil {
		return Raw{}, err
	}
	if n := r.in.Len(); n > 0 {
		return Raw{}, fmt.Errorf("%d bytes after the message", n)
	}
	parts, ok := v.([]any)
	if !ok || len(parts) != 3 {
		return Raw{}, errors.New("not an array of type, data and node id")
	}
	raw := Raw{Data: parts[1]}
	if raw.Type, err = asString(parts[0]); err != nil {
		return Raw{}, fmt.Errorf("type: %w", err)
	}
	if raw.NodeID, err = optional(parts[2], asString); err != nil {
		return Raw{}, fmt.Errorf("node id: %w", err)
	}
	return raw, nil
}

// reader decodes msgpack values from a frame.
type reader struct {
	in     *bytes.Reader
	dec    *msgpack.Decoder
	budget int // values that may still be decoded
}

func newReader(frame []byte) *reader {
	in := bytes.NewReader(frame)
	return &reader{in: in, dec: msgpack.NewDecoder(in), budget: maxValues}
}

func (r *reader) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	code, err := r.dec.PeekCode()
	if err != nil {
		return nil, err
	}
	switch {
	case msgpcode.IsFixedArray(code), code == msgpcode.Array16, code == msgpcode.Array32:
		return r.array(depth)
	case msgpcode.IsFixedMap(code), code == msgpcode.Map16, code == msgpcode.Map32:
		return r.mapping(depth)
	case msgpcode.IsExt(code):
		return nil, errors.New("msgpack extension types are not supported")
	}
	return r.scalar(code)
}

func (r *reader) scalar(code byte) (any, error) {
	switch {
	case msgpcode.IsFixedString(code), code == msgpcode.Str8, code == msgpcode.Str16, code == msgpcode.Str32:
		return r.str()
	case code == msgpcode.Bin8, code == msgpcode.Bin16, code == msgpcode.Bin32:
		return r.bytes()
	case code == msgpcode.Uint64:
		n, err := r.dec.DecodeUint64()
		if int64(n) >= 0 {
			return int64(n), err
		}
		return n, err
	case msgpcode.IsFixedNum(code), code >= msgpcode.Uint8 && code <= msgpcode.Int64:
		return r.dec.DecodeInt64()
	case code == msgpcode.Float, code == msgpcode.Double:
		return r.dec.DecodeFloat64()
	case code == msgpcode.True, code == msgpcode.False:
		return r.dec.DecodeBool()
	case code == msgpcode.Nil:
		return nil, r.dec.DecodeNil()
	}
	return nil, fmt.Errorf("invalid msgpack byte 0x%02x", code)
}

func (r *reader) str() (string, error) {
	b, err := r.bytes()
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", errors.New("a string that is not UTF-8")
	}
	return string(b), nil
}

// bytes reads a str or a bin, whose length is checked before memory is taken.
func (r *reader) bytes() ([]byte, error) {
	n, err := r.dec.DecodeBytesLen()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > r.in.Len() {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	return b, r.dec.ReadFull(b)
}

// reserve takes n values from the budget. A value is at least a byte long.
func (r *reader) reserve(n int) error {
	if n < 0 || n > r.in.Len() {
		return io.ErrUnexpectedEOF
	}
	if n > r.budget {
		return fmt.Errorf("more than %d values", maxValues)
	}
	r.budget -= n
	return nil
}

func (r *reader) array(depth int) (any, error) {
	n, err := r.dec.DecodeArrayLen()
	if err != nil {
		return nil, err
	}
	if err := r.reserve(n); err != nil {
		return nil, err
	}
	list := make([]any, n)
	for i := range list {
		if list[i], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (r *reader) mapping(depth int) (any, error) {
	n, err := r.dec.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	if n > r.in.Len()/2 {
		return nil, io.ErrUnexpectedEOF
	}
	if err := r.reserve(2 * n); err != nil {
		return nil, err
	}
	fields := make(map[string]any, n)
	for i := range n {
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return r.mixedMapping(fields, key, n-i, depth)
		}
		if fields[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
	return fromPython(fields)
}

// mixedMapping goes on with a map of which a key turned out to be no string.
func (r *reader) mixedMapping(fields map[string]any, key any, left, depth int) (any, error) {
	mixed := make(map[any]any, len(fields)+left)
	for k, v := range fields {
		mixed[k] = v
	}
	for {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		mixed[key] = v
		if left--; left == 0 {
			return mixed, nil
		}
		if key, err = r.key(); err != nil {
			return nil, err
		}
	}
}

func (r *reader) key() (any, error) {
	code, err := r.dec.PeekCode()
	if err != nil {
		return nil, err
	}
	key, err := r.scalar(code)
	if err != nil {
		return nil, fmt.Errorf("key of a map: %w", err)
	}
	if _, isBytes := key.([]byte); isBytes {
		return nil, errors.New("key of a map: bytes are not supported")
	}
	return key, nil
}

// fromPython turns the map that stands for a datetime into one
// (decode in locust/rpc/protocol.py).
func fromPython(fields map[string]any) (any, error) {
	if _, ok := fields[datetimeMark]; !ok {
		return fields, nil
	}
	text, err := asString(fields[datetimeText])
	if err != nil {
		return nil, fmt.Errorf("datetime: %w", err)
	}
	t, err := time.Parse(datetimeFormat, text)
	if err != nil {
		return nil, fmt.Errorf("datetime %q: want YYYYmmddTHH:MM:SS.ffffff", text)
	}
	return t, nil
}

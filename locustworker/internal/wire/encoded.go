package wire

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Encoded is a message for the master that lacks its sender only. It shares
// nothing with the message that it was made from.
type Encoded struct {
	typ  string
	body []byte // type and data
}

// EncodeBody encodes m but for its sender, which may change until the message is
// sent. The error is one of [Encode].
func EncodeBody(m Outbound) (Encoded, error) {
	if m == nil {
		return Encoded{}, fmt.Errorf("%w: no message given", ErrUnencodable)
	}
	return encodeBody(m.wireType(), m.encodeData)
}

// Type returns the message's type.
func (e Encoded) Type() string { return e.typ }

// Len returns how many bytes the message has without its sender.
func (e Encoded) Len() int { return len(e.body) }

// Frame returns the message as one frame from the worker nodeID, as [Encode] does.
func (e Encoded) Frame(nodeID string) ([]byte, error) {
	if nodeID == "" || !utf8.ValidString(nodeID) {
		return nil, fmt.Errorf("%w: node id %q must be non-empty UTF-8", ErrUnencodable, nodeID)
	}
	return e.frame(nodeID), nil
}

func (e Encoded) frame(nodeID string) []byte {
	w := newWriter()
	w.str(nodeID)
	return slices.Concat(e.body, w.buf.Bytes())
}

func encodeBody(typ string, data func(*writer)) (Encoded, error) {
	w := newWriter()
	w.arrayLen(3)
	w.str(typ)
	data(w)
	if w.err != nil {
		return Encoded{}, fmt.Errorf("%w: %s: %w", ErrUnencodable, typ, w.err)
	}
	return Encoded{typ, w.buf.Bytes()}, nil
}

// EncodedValue is a value that is encoded already: [Encode] copies it where a value may
// stand. Make one with [EncodeExtra].
type EncodedValue []byte

// EncodeExtra returns the additions to a report as they are now, for
// [Stats.Extra]: what the caller does to them later changes nothing. The error
// says which of them cannot be sent. An empty map gives nil.
func EncodeExtra(extra map[string]any) (map[string]any, error) {
	if len(extra) == 0 {
		return nil, nil //nolint:nilnil // nothing is added
	}
	encoded := make(map[string]any, len(extra))
	for _, k := range slices.Sorted(maps.Keys(extra)) {
		w := newWriter()
		w.checkExtraKey(k)
		if w.value(extra[k]); w.err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrUnencodable, k, w.err)
		}
		encoded[k] = EncodedValue(w.buf.Bytes())
	}
	return encoded, nil
}

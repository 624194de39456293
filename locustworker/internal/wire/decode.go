package wire

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrMalformed is wrapped by every error of [Decode] and [DecodeAny]; the rest
// of the text says what is wrong with the frame.
var ErrMalformed = errors.New("wire: malformed message")

// maxStopTimeout bounds what a master may ask for, so that adding it to a time
// cannot overflow: 100 years.
const maxStopTimeout = 100 * 365 * 24 * time.Hour

// Decode parses one frame from the master.
//
// It forgives what masters of other releases may send or leave out (unknown
// keys, no index, no host, no stop_timeout, no parsed_options, nil for each of
// them, integers for floats and whole floats for integers) and returns an error
// that wraps [ErrMalformed] for everything else. It never panics, and the memory
// it takes is bounded by a fixed multiple of the frame.
func Decode(frame []byte) (Envelope, error) {
	raw, err := DecodeAny(frame)
	if err != nil {
		return Envelope{}, err
	}
	body, err := decodeBody(raw)
	if err != nil {
		return Envelope{}, fmt.Errorf("%w: %s: %w", ErrMalformed, raw.Type, err)
	}
	return Envelope{Type: raw.Type, NodeID: raw.NodeID, Size: len(frame), Body: body}, nil
}

func decodeBody(raw Raw) (Inbound, error) {
	switch raw.Type {
	case TypeAck:
		return decodeAck(raw.Data)
	case TypeSpawn:
		return decodeSpawn(raw.Data)
	case TypeStop:
		return Stop{}, nil
	case TypeQuit:
		return Quit{}, nil
	case TypeReconnect:
		return Reconnect{}, nil
	case TypeHeartbeat:
		return HeartbeatReply{}, nil
	case TypeUpdateUserClass:
		return decodeUpdateUserClass(raw.Data)
	case TypeSpawningComplete:
		return decodeSpawningComplete(raw.Data)
	}
	return Custom{Type: raw.Type, Data: raw.Data}, nil
}

func decodeAck(data any) (Inbound, error) {
	if data == nil {
		return Ack{}, nil
	}
	fields, err := asFields(data)
	if err != nil {
		return nil, err
	}
	index, ok := fields["index"]
	if !ok || index == nil {
		return Ack{}, nil
	}
	n, err := asCount(index)
	if err != nil {
		return nil, fmt.Errorf("index: %w", err)
	}
	return Ack{Index: n, HasIndex: true}, nil
}

func decodeSpawn(data any) (Inbound, error) {
	fields, err := asFields(data)
	if err != nil {
		return nil, err
	}
	var s Spawn
	if s.Timestamp, err = asFloat(fields["timestamp"]); err != nil {
		return nil, fmt.Errorf("timestamp: %w", err)
	}
	if s.UserClassesCount, err = asCounts(fields["user_classes_count"]); err != nil {
		return nil, fmt.Errorf("user_classes_count: %w", err)
	}
	if s.Host, err = optional(fields["host"], asString); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	if s.StopTimeout, err = optional(fields["stop_timeout"], asTimeout); err != nil {
		return nil, fmt.Errorf("stop_timeout: %w", err)
	}
	if s.ParsedOptions, err = optional(fields["parsed_options"], asFields); err != nil {
		return nil, fmt.Errorf("parsed_options: %w", err)
	}
	return s, nil
}

func decodeUpdateUserClass(data any) (Inbound, error) {
	fields, err := asFields(data)
	if err != nil {
		return nil, err
	}
	u := UpdateUserClass{Attributes: make(map[string]any, len(fields))}
	for key, v := range fields {
		switch key {
		case "user_class_name", "tasks":
		default:
			u.Attributes[key] = v
		}
	}
	if u.Class, err = asString(fields["user_class_name"]); err != nil {
		return nil, fmt.Errorf("user_class_name: %w", err)
	}
	if u.Tasks, err = optional(fields["tasks"], asStrings); err != nil {
		return nil, fmt.Errorf("tasks: %w", err)
	}
	u.HasTasks = fields["tasks"] != nil
	return u, nil
}

func decodeSpawningComplete(data any) (Inbound, error) {
	fields, err := asFields(data)
	if err != nil {
		return nil, err
	}
	n, err := asCount(fields["user_count"])
	if err != nil {
		return nil, fmt.Errorf("user_count: %w", err)
	}
	return SpawningComplete{UserCount: n}, nil
}

// optional applies parse to a value that may be absent or nil.
func optional[T any](v any, parse func(any) (T, error)) (T, error) {
	if v == nil {
		var none T
		return none, nil
	}
	return parse(v)
}

func wrongType(v any, want string) error {
	if v == nil {
		return fmt.Errorf("missing, want %s", want)
	}
	return fmt.Errorf("%T instead of %s", v, want)
}

func asFields(v any) (map[string]any, error) {
	if m, ok := v.(map[string]any); ok {
		return m, nil
	}
	return nil, wrongType(v, "a map with string keys")
}

func asString(v any) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	return "", wrongType(v, "a string")
}

func asStrings(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, wrongType(v, "a list of strings")
	}
	out := make([]string, len(list))
	for i := range list {
		s, err := asString(list[i])
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

func asFloat(v any) (float64, error) {
	switch n := v.(type) {
	case float64:
		if !finite(n) {
			return 0, fmt.Errorf("%v instead of a number", n)
		}
		return n, nil
	case int64:
		return float64(n), nil
	case uint64:
		return float64(n), nil
	}
	return 0, wrongType(v, "a number")
}

// asCount parses a number of things: whole, not negative, within 31 bits.
func asCount(v any) (int, error) {
	f, err := asFloat(v)
	if err != nil {
		return 0, err
	}
	if f < 0 || f > math.MaxInt32 || f != math.Trunc(f) {
		return 0, fmt.Errorf("%v is no count", v)
	}
	return int(f), nil
}

func asCounts(v any) (map[string]int, error) {
	fields, err := asFields(v)
	if err != nil {
		return nil, err
	}
	counts := make(map[string]int, len(fields))
	for name, n := range fields {
		if counts[name], err = asCount(n); err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
	}
	return counts, nil
}

func asTimeout(v any) (time.Duration, error) {
	seconds, err := asFloat(v)
	if err != nil {
		return 0, err
	}
	if seconds < 0 {
		return 0, fmt.Errorf("%v is negative", v)
	}
	if seconds > maxStopTimeout.Seconds() {
		return maxStopTimeout, nil
	}
	return time.Duration(math.Round(seconds * float64(time.Second))), nil
}

package wire

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

func mustFrame(t testing.TB, typ string, data any) []byte {
	t.Helper()
	frame, err := EncodeAny(typ, data, "w_1")
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func spawnFields(change map[string]any) map[string]any {
	fields := map[string]any{
		"timestamp": 5.5, "user_classes_count": map[string]any{"A": 1}, "host": "http://h",
		"stop_timeout": 1.5, "parsed_options": map[string]any{"x": 1},
	}
	for k, v := range change {
		if v == absent {
			delete(fields, k)
		} else {
			fields[k] = v
		}
	}
	return fields
}

const absent = "(absent)"

// Conformance: SP1
func TestDecodeForgives(t *testing.T) {
	full := Spawn{
		Timestamp: 5.5, UserClassesCount: map[string]int{"A": 1}, Host: "http://h",
		StopTimeout: 1500 * time.Millisecond, ParsedOptions: map[string]any{"x": int64(1)},
	}
	spawn := func(change func(*Spawn)) Spawn {
		s := full
		change(&s)
		return s
	}
	tests := []struct {
		name string
		typ  string
		data any
		want Inbound
	}{
		{"ack nil", "ack", nil, Ack{}},
		{"ack without index", "ack", map[string]any{"other": 1}, Ack{}},
		{"ack nil index", "ack", map[string]any{"index": nil}, Ack{}},
		{"ack float index", "ack", map[string]any{"index": 4.0}, Ack{Index: 4, HasIndex: true}},
		{"stop with data", "stop", "why not", Stop{}},
		{"quit with data", "quit", 5, Quit{}},
		{"reconnect with data", "reconnect", []int{1}, Reconnect{}},
		{"heartbeat with data", "heartbeat", map[string]int{"a": 1}, HeartbeatReply{}},
		{"spawn", "spawn", spawnFields(nil), full},
		{"spawn unknown key", "spawn", spawnFields(map[string]any{"new": 1}), full},
		{"spawn int timestamp", "spawn", spawnFields(map[string]any{"timestamp": 7}), spawn(func(s *Spawn) { s.Timestamp = 7 })},
		{"spawn int timeout", "spawn", spawnFields(map[string]any{"stop_timeout": 3}), spawn(func(s *Spawn) { s.StopTimeout = 3 * time.Second })},
		{"spawn nil timeout", "spawn", spawnFields(map[string]any{"stop_timeout": nil}), spawn(func(s *Spawn) { s.StopTimeout = 0 })},
		{"spawn no timeout", "spawn", spawnFields(map[string]any{"stop_timeout": absent}), spawn(func(s *Spawn) { s.StopTimeout = 0 })},
		{"spawn endless timeout", "spawn", spawnFields(map[string]any{"stop_timeout": 1e300}), spawn(func(s *Spawn) { s.StopTimeout = maxStopTimeout })},
		{"spawn nil host", "spawn", spawnFields(map[string]any{"host": nil}), spawn(func(s *Spawn) { s.Host = "" })},
		{"spawn no host", "spawn", spawnFields(map[string]any{"host": absent}), spawn(func(s *Spawn) { s.Host = "" })},
		{"spawn nil options", "spawn", spawnFields(map[string]any{"parsed_options": nil}), spawn(func(s *Spawn) { s.ParsedOptions = nil })},
		{"spawn no options", "spawn", spawnFields(map[string]any{"parsed_options": absent}), spawn(func(s *Spawn) { s.ParsedOptions = nil })},
		{
			"spawn float count", "spawn", spawnFields(map[string]any{"user_classes_count": map[string]any{"A": 2.0, "B": 0}}),
			spawn(func(s *Spawn) { s.UserClassesCount = map[string]int{"A": 2, "B": 0} }),
		},
		{"update nothing", "update_user_class", map[string]any{"user_class_name": "A"}, UpdateUserClass{Class: "A", Attributes: map[string]any{}}},
		{
			"update no tasks", "update_user_class",
			map[string]any{"user_class_name": "A", "tasks": []string{}},
			UpdateUserClass{Class: "A", Tasks: []string{}, HasTasks: true, Attributes: map[string]any{}},
		},
		{"locustfile", "locustfile", map[string]any{"error": "x"}, Custom{Type: "locustfile", Data: map[string]any{"error": "x"}}},
		{"a worker's type", "client_ready", nil, Custom{Type: "client_ready"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			frame := mustFrame(t, test.typ, test.data)
			got, err := Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			want := Envelope{Type: test.typ, NodeID: "w_1", Size: len(frame), Body: test.want}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
		})
	}
}

func TestDecodeRefusesContent(t *testing.T) {
	counts := func(n any) map[string]any {
		return spawnFields(map[string]any{"user_classes_count": map[string]any{"A": n}})
	}
	tests := []struct {
		name string
		typ  string
		data any
		want string
	}{
		{"ack number", "ack", 5, "int64 instead of a map"},
		{"ack negative", "ack", map[string]any{"index": -1}, "index: -1 is no count"},
		{"ack fraction", "ack", map[string]any{"index": 1.5}, "index: 1.5 is no count"},
		{"ack bool", "ack", map[string]any{"index": true}, "index: bool instead of a number"},
		{"spawn nil", "spawn", nil, "missing, want a map"},
		{"spawn int keys", "spawn", map[int]int{1: 2}, "map[interface {}]interface {} instead of a map with string keys"},
		{"spawn no timestamp", "spawn", spawnFields(map[string]any{"timestamp": absent}), "timestamp: missing"},
		{"spawn text timestamp", "spawn", spawnFields(map[string]any{"timestamp": "now"}), "timestamp: string instead of a number"},
		{"spawn no counts", "spawn", spawnFields(map[string]any{"user_classes_count": nil}), "user_classes_count: missing"},
		{"spawn negative count", "spawn", counts(-1), `user_classes_count: "A": -1 is no count`},
		{"spawn endless count", "spawn", counts(uint64(1) << 63), "is no count"},
		{"spawn nil count", "spawn", counts(nil), "missing, want a number"},
		{"spawn host", "spawn", spawnFields(map[string]any{"host": 5}), "host: int64 instead of a string"},
		{"spawn host bytes", "spawn", spawnFields(map[string]any{"host": []byte("h")}), "host: []uint8 instead of a string"},
		{"spawn timeout", "spawn", spawnFields(map[string]any{"stop_timeout": -1}), "stop_timeout: -1 is negative"},
		{"spawn options", "spawn", spawnFields(map[string]any{"parsed_options": []int{1}}), "parsed_options: []interface {} instead of a map"},
		{"update nil", "update_user_class", nil, "missing, want a map"},
		{"update no class", "update_user_class", map[string]any{"tasks": []string{"a"}}, "user_class_name: missing"},
		{"update tasks", "update_user_class", map[string]any{"user_class_name": "A", "tasks": "a"}, "tasks: string instead of a list"},
		{"update task", "update_user_class", map[string]any{"user_class_name": "A", "tasks": []int{1}}, "tasks: int64 instead of a string"},
		{"spawning_complete nil", "spawning_complete", nil, "missing, want a map"},
		{"spawning_complete empty", "spawning_complete", map[string]any{}, "user_count: missing"},
		{"datetime", "x", map[string]any{"__datetime__": true, "as_str": "tomorrow"}, `datetime "tomorrow"`},
		{"datetime without text", "x", map[string]any{"__datetime__": true}, "datetime: missing"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantMalformed(t, mustFrame(t, test.typ, test.data), test.want)
		})
	}
}

func wantMalformed(t *testing.T, frame []byte, want string) {
	t.Helper()
	got, err := Decode(frame)
	if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), want) || !reflect.DeepEqual(got, Envelope{}) {
		t.Errorf("got %#v, %v; want %q in the error", got, err, want)
	}
}

func TestDecodeRefusesBytes(t *testing.T) {
	deep := func(n int) string { return "\x93\xa1x" + strings.Repeat("\x91", n) + "\xc0\xa1w" }
	tests := []struct{ name, frame, want string }{
		{"empty", "", "ends too early"},
		{"no array", "\x81\xa1a\x01", "not an array"},
		{"two elements", "\x92\xa1x\xc0", "not an array"},
		{"four elements", "\x94\xa1x\xc0\xa1w\xc0", "not an array"},
		{"trailing", "\x93\xa1x\xc0\xa1w\xc0", "1 bytes after"},
		{"truncated", "\x93\xa1x\xc0\xa2w", "ends too early"},
		{"bin type", "\x93\xc4\x01x\xc0\xa1w", "type: []uint8"},
		{"nil type", "\x93\xc0\xc0\xa1w", "type: missing"},
		{"int node", "\x93\xa1x\xc0\x05", "node id: int64"},
		{"bad UTF-8", "\x93\xa1\xff\xc0\xa1w", "not UTF-8"},
		{"invalid byte", "\x93\xa1x\xc1\xa1w", "0xc1"},
		{"extension", "\x93\xa1x\xd4\x05\x00\xa1w", "extension"},
		{"list as key", "\x93\xa1x\x81\x91\x01\x01\xa1w", "key of a map"},
		{"bytes as key", "\x93\xa1x\x81\xc4\x01k\x01\xa1w", "key of a map: bytes"},
		{"too deep", deep(maxDepth + 1), "nested deeper"},
		{"far too deep", deep(1 << 20), "nested deeper"},
		{"long array", "\x93\xa1x\xdd\xff\xff\xff\xff\xa1w", "ends too early"},
		{"long map", "\x93\xa1x\xdf\xff\xff\xff\xff\xa1w", "ends too early"},
		{"long string", "\x93\xa1x\xdb\xff\xff\xff\xff\xa1w", "ends too early"},
		{"long bin", "\x93\xa1x\xc6\xff\xff\xff\xff\xa1w", "ends too early"},
		{"many values", "\x93\xa1x\xdd\x00\x20\x00\x00" + strings.Repeat("\xc0", 1<<21) + "\xa1w", "values"},
		{"too long", strings.Repeat("\xc0", MaxFrame+1), "the limit is"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { wantMalformed(t, []byte(test.frame), test.want) })
	}
}

func TestDecodeNilNodeID(t *testing.T) {
	got, err := Decode([]byte("\x93\xa4stop\xc0\xc0"))
	if want := (Envelope{Type: "stop", Size: 8, Body: Stop{}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
}

// A frame cannot make Decode take memory that it did not pay for: at each level an
// array claims to hold as many values as there are bytes left.
func TestDecodeMemoryIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("\x93\xa1x")
	for range 100 {
		b.WriteString("\xdd\x00\x0f\xff\xff")
	}
	b.WriteString(strings.Repeat("\xc0", 1<<20))
	frame := []byte(b.String())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(frame)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
		t.Errorf("took %d MiB for a frame of 1 MiB", took>>20)
	}
}

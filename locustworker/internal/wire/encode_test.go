package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

var start = time.Unix(1_795_000_000, 250_000_000)

func mustEncode(t testing.TB, m Outbound) []byte {
	t.Helper()
	frame, err := Encode("w_1", m)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

func mustData(t *testing.T, m Outbound) any {
	t.Helper()
	raw, err := DecodeAny(mustEncode(t, m))
	if err != nil {
		t.Fatal(err)
	}
	return raw.Data
}

// Conformance: H1, K1
func TestEncodeClientReady(t *testing.T) {
	for version, want := range map[string]any{"": int64(-1), "2.47.0": "2.47.0"} {
		if got := mustData(t, ClientReady{Version: version}); got != want {
			t.Errorf("%q: got %#v, want %#v", version, got, want)
		}
	}
}

// Conformance: B1, K2
func TestEncodeHeartbeat(t *testing.T) {
	for cpu, want := range map[float64]float64{12.5: 12.5, 0: 0, math.NaN(): 0, math.Inf(1): 0, math.Inf(-1): 0} {
		got := mustData(t, Heartbeat{State: StateRunning, CPUPercent: cpu, MemoryBytes: 1 << 40})
		fields := map[string]any{"state": "running", "current_cpu_usage": want, "current_memory_usage": int64(1 << 40)}
		if !reflect.DeepEqual(got, fields) {
			t.Errorf("cpu %v: got %#v", cpu, got)
		}
	}
}

// Conformance: X3, K3, K5, K13
func TestEncodeNilListsAndMaps(t *testing.T) {
	if got := mustData(t, Logs{WorkerID: "w_1"}); !reflect.DeepEqual(got, map[string]any{"worker_id": "w_1", "logs": []any{}}) {
		t.Errorf("got %#v", got)
	}
	want := map[string]any{"user_classes_count": map[string]any{}, "user_count": int64(0)}
	if got := mustData(t, SpawningComplete{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v", got)
	}
	stats := mustData(t, Stats{Total: Entry{Start: start}}).(map[string]any)
	if !reflect.DeepEqual(stats["stats"], []any{}) || !reflect.DeepEqual(stats["errors"], map[string]any{}) {
		t.Errorf("got %#v", stats)
	}
}

// Conformance (empty min): F9
// Conformance (empty total): F8
// Conformance (name): K10
// Conformance (seconds): X5
// Conformance (whole times): F11, X4, K9
func TestEncodeEntry(t *testing.T) {
	micros := func(us ...int64) map[int64]int64 {
		m := map[int64]int64{}
		for _, k := range us {
			m[k]++
		}
		return m
	}
	tests := []struct {
		name  string
		entry Entry
		field string
		want  any
	}{
		{"start", Entry{Start: start}, "start_time", 1_795_000_000.25},
		{"no last request", Entry{Start: start}, "last_request_timestamp", nil},
		{"last request", Entry{Start: start, LastRequest: start}, "last_request_timestamp", 1_795_000_000.25},
		{"empty total", Entry{Start: start}, "total_response_time", int64(0)},
		{"untimed total", Entry{Start: start, Requests: 1, NoneRequests: 1}, "total_response_time", int64(0)},
		{"total", Entry{Start: start, TotalTime: 1_234_567, HasMin: true}, "total_response_time", 1.234567},
		{"zero total", Entry{Start: start, HasMin: true}, "total_response_time", 0.0},
		{"long total", Entry{Start: start, TotalTime: 1000 * time.Hour, HasMin: true}, "total_response_time", 3.6e9},
		{"empty max", Entry{Start: start}, "max_response_time", int64(0)},
		{"zero max", Entry{Start: start, HasMin: true}, "max_response_time", int64(0)},
		{"max", Entry{Start: start, Max: time.Microsecond, HasMin: true}, "max_response_time", 0.001},
		{"empty min", Entry{Start: start}, "min_response_time", nil},
		{"zero min", Entry{Start: start, HasMin: true}, "min_response_time", 0.0},
		{"min", Entry{Start: start, Min: 250 * time.Microsecond, HasMin: true}, "min_response_time", 0.25},
		{"no times", Entry{Start: start}, "response_times", map[string]any{}},
		{"whole times", Entry{Start: start, ResponseTimes: micros(0, 12_000, 12_000)}, "response_times", map[any]any{int64(0): int64(1), int64(12): int64(2)}},
		{
			"fine times",
			Entry{Start: start, ResponseTimes: micros(1, 500, 12_340, 13_000)},
			"response_times",
			map[any]any{0.001: int64(1), 0.5: int64(1), 12.34: int64(1), int64(13): int64(1)},
		},
		{"seconds", Entry{Start: start, RequestsPerSec: map[int64]int64{1_795_000_000: 3}}, "num_reqs_per_sec", map[any]any{int64(1_795_000_000): int64(3)}},
		{"failures", Entry{Start: start, FailuresPerSec: map[int64]int64{1: 2}}, "num_fail_per_sec", map[any]any{int64(1): int64(2)}},
		{"name", Entry{Start: start, Name: "a\xffb\xfe\xfd"}, "name", "a\uFFFDb\uFFFD"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stats := mustData(t, Stats{Entries: []Entry{test.entry}, Total: Entry{Start: start}}).(map[string]any)
			entry := stats["stats"].([]any)[0].(map[string]any)
			if got := entry[test.field]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
			if len(entry) != 14 {
				t.Errorf("%d fields", len(entry))
			}
		})
	}
}

// Conformance: F2
func TestEncodeTotalHasItsName(t *testing.T) {
	stats := mustData(t, Stats{Total: Entry{Name: "x", Method: "GET", Start: start, Requests: 5}}).(map[string]any)
	total := stats["stats_total"].(map[string]any)
	if total["name"] != "Aggregated" || total["method"] != "" || total["num_requests"] != int64(5) {
		t.Errorf("got %v", total)
	}
}

// Conformance: ER1, K11
func TestEncodeErrors(t *testing.T) {
	stats := Stats{Total: Entry{Start: start}, Errors: map[string]ErrorEntry{
		"k": {Name: "/a", Method: "GET", Error: "<X object at 0x7f12>\xff", Occurrences: 3, FirstSeen: start},
	}, Extra: map[string]any{"mine": []int{1}}}
	got := mustData(t, stats).(map[string]any)
	want := map[string]any{"k": map[string]any{
		"name": "/a", "method": "GET", "error": "<X object at 0x....>\uFFFD", "occurrences": int64(3),
		"first_seen": 1_795_000_000.25, "last_seen": nil,
	}}
	if !reflect.DeepEqual(got["errors"], want) || !reflect.DeepEqual(got["mine"], []any{int64(1)}) {
		t.Errorf("got %#v", got)
	}
}

// Conformance: N8
// Conformance (NaN): K12
// Conformance (other state): B2
func TestEncodeRefuses(t *testing.T) {
	type pair struct{ A int }
	total := Entry{Start: start}
	loop := map[string]any{}
	loop["loop"], loop["more"] = loop, loop
	tests := []struct {
		name string
		m    Outbound
		want string
	}{
		{"nothing", nil, "no message"},
		{"no state", Heartbeat{}, `state ""`},
		{"other state", Heartbeat{State: "stopping"}, `state "stopping"`},
		{"negative users", SpawningComplete{UserCount: -1}, "negative user count"},
		{"negative class", SpawningComplete{UserClassesCount: map[string]int{"A": -1}}, "negative user count"},
		{"total without start", Stats{}, `entry "Aggregated" has no start time`},
		{"entry without start", Stats{Total: total, Entries: []Entry{{Name: "/a"}}}, `entry "/a" has no start time`},
		{"negative requests", Stats{Total: Entry{Start: start, Requests: -1}}, "negative requests"},
		{"negative histogram", Stats{Total: Entry{Start: start, ResponseTimes: map[int64]int64{1: -1}}}, "negative response times"},
		{"time of no sample", Stats{Total: Entry{Start: start, TotalTime: 1}}, "without a timed sample"},
		{"own key", Stats{Total: total, Extra: map[string]any{"errors": 1}}, `"errors" is one of the report's own`},
		{"bad extra", Stats{Total: total, Extra: map[string]any{"x": math.NaN()}}, "NaN"},
		{"custom without type", Custom{}, "needs a type"},
		{"custom stats", Custom{Type: "stats"}, "Locust's own protocol"},
		{"custom locustfile", Custom{Type: "locustfile"}, "Locust's own protocol"},
		{"NaN", Custom{Type: "x", Data: []float32{float32(math.NaN())}}, "NaN or infinity"},
		{"infinity", Custom{Type: "x", Data: map[string]float64{"a": math.Inf(1)}}, "NaN or infinity"},
		{"NaN key", Custom{Type: "x", Data: map[float64]int{math.NaN(): 1}}, "NaN or infinity"},
		{"struct", Custom{Type: "x", Data: pair{1}}, "wire.pair: use a map"},
		{"struct key", Custom{Type: "x", Data: map[pair]int{{1}: 1}}, "wire.pair"},
		{"channel", Custom{Type: "x", Data: make(chan int)}, "chan int"},
		{"function", Custom{Type: "x", Data: []any{func() {}}}, "func()"},
		{"complex", Custom{Type: "x", Data: 1i}, "complex128"},
		{"loop", Custom{Type: "x", Data: loop}, "nested deeper"},
		{"far year", Custom{Type: "x", Data: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, "year 10000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			frame, err := Encode("w_1", test.m)
			if frame != nil || !errors.Is(err, ErrUnencodable) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, %v; want %q in the error", frame, err, test.want)
			}
		})
	}
	for _, id := range []string{"", "w\xff"} {
		if _, err := Encode(id, Quit{}); !errors.Is(err, ErrUnencodable) {
			t.Errorf("node id %q: %v", id, err)
		}
	}
}

// Conformance: T11
func TestEncodeCustomData(t *testing.T) {
	type name string
	one := 1
	tests := []struct {
		in, out any
	}{
		{nil, nil},
		{(*int)(nil), nil},
		{[]int(nil), nil},
		{map[string]int(nil), nil},
		{true, true},
		{int8(-5), int64(-5)},
		{uint32(7), int64(7)},
		{uint64(math.MaxUint64), uint64(math.MaxUint64)},
		{float32(0.5), 0.5},
		{name("x\xff"), "x\uFFFD"},
		{&one, int64(1)},
		{[]byte{1, 0xff}, []byte{1, 0xff}},
		{[2]int{1, 2}, []any{int64(1), int64(2)}},
		{[]any{"a", 1, nil}, []any{"a", int64(1), nil}},
		{map[name]int{"a": 1}, map[string]any{"a": int64(1)}},
		{map[int]string{3: "c"}, map[any]any{int64(3): "c"}},
		{map[bool]int{true: 1, false: 0}, map[any]any{true: int64(1), false: int64(0)}},
		{time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("x", 3600)), time.Date(2026, 1, 2, 2, 4, 5, 6000, time.UTC)},
		{time.Time{}, time.Time{}},
	}
	for _, test := range tests {
		if got := mustData(t, Custom{Type: "x", Data: test.in}); !reflect.DeepEqual(got, test.out) {
			t.Errorf("%#v: got %#v, want %#v", test.in, got, test.out)
		}
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	data := map[any]any{1: 1, uint8(2): 2, 2.5: 3, "b": 4, "a": 5, nil: 6, true: 7, int64(-3): 8, false: 9}
	stats := Stats{
		Total:            Entry{Start: start, ResponseTimes: map[int64]int64{1: 1, 2: 1, 3000: 1, 4000: 1}},
		Errors:           map[string]ErrorEntry{"a": {}, "b": {}, "c": {}},
		UserClassesCount: map[string]int{"A": 1, "B": 2, "C": 3},
		Extra:            map[string]any{"x": data, "y": 1, "z": 2},
	}
	want := mustEncode(t, stats)
	for range 50 {
		if got := mustEncode(t, stats); !bytes.Equal(got, want) {
			t.Fatalf("got\n%x, before\n%x", got, want)
		}
	}
}

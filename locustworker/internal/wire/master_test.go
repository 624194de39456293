package wire

import (
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRealMaster sends every message to a real Locust master, which must outlive
// them and show what they say.
//
// Conformance: H1, N8
func TestRealMaster(t *testing.T) {
	const id = "go_0123456789abcdef0123456789abcdef"
	row := Entry{
		Name: "/a", Method: "GET", Start: start, LastRequest: start.Add(2 * time.Second), Requests: 4, NoneRequests: 1, Failures: 1,
		TotalTime: 30_750 * time.Microsecond, Max: 20 * time.Millisecond, Min: 750 * time.Microsecond, HasMin: true,
		ContentLength: 40, ResponseTimes: map[int64]int64{750: 1, 10_000: 1, 20_000: 1},
		RequestsPerSec: map[int64]int64{start.Unix(): 4}, FailuresPerSec: map[int64]int64{start.Unix(): 1},
	}
	stats := Stats{
		Entries: []Entry{row}, Total: row,
		Errors: map[string]ErrorEntry{ErrorKey("GET", "/a", "it's\xff"): {
			Name: "/a", Method: "GET", Error: "it's\xff", Occurrences: 1, FirstSeen: start, LastSeen: start,
		}},
		UserClassesCount: map[string]int{"Alpha": 2, "Beta": 0}, UserCount: 2, Extra: map[string]any{"mine": 1},
	}
	messages := []Outbound{
		ClientReady{},
		Heartbeat{State: StateReady},
		Stats{Total: Entry{Start: start}, UserClassesCount: map[string]int{"Alpha": 0, "Beta": 0}},
		Logs{WorkerID: id, Lines: []string{"one", "two\nlines"}},
		Spawning{},
		SpawningComplete{UserClassesCount: map[string]int{"Alpha": 2, "Beta": 0}, UserCount: 2},
		stats,
		stats,
		Exception{Message: "it broke: \xff", Traceback: "  at a.go:1\n"},
		Exception{Message: "again", Traceback: "  at a.go:1\n"},
		Custom{Type: "my_custom", Data: map[string]any{"bin": []byte{0xff}, "nil": nil}},
		Custom{Type: "unknown to the master", Data: []int{1}},
		ClientStopped{},
		ClientReady{Version: "2.47.0"},
		SpawningComplete{UserClassesCount: map[string]int{"Alpha": 1}, UserCount: 1},
		Quit{},
		ClientReady{Version: "2.47"},
		Heartbeat{State: StateRunning, CPUPercent: 12.5, MemoryBytes: 4096},
	}
	in := id + "\n"
	for _, m := range messages {
		frame, err := Encode(id, m)
		if err != nil {
			t.Fatal(err)
		}
		in += hex.EncodeToString(frame) + "\n"
	}
	lines := script(t, "master.py", in)
	var got map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("%v: %s", err, lines)
	}
	checkMaster(t, id, got)
}

func checkMaster(t *testing.T, id string, got map[string]any) {
	t.Helper()
	const first = 1_795_000_000.25
	want := map[string]any{
		"state": "running", "cpu": 12.5, "memory": 4096.0, "users": map[string]any{},
		"response_times": map[string]any{"0.75": 2.0, "10": 2.0, "20": 2.0},
		"errors": []any{map[string]any{
			"method": "GET", "name": "/a", "error": "it's\uFFFD", "occurrences": 2.0, "first_seen": first, "last_seen": first,
		}},
		"exceptions": []any{[]any{"it broke: \uFFFD", 2.0}},
		"logs":       map[string]any{id: []any{"one", "two\nlines"}},
		"custom":     []any{`{'bin': b'\xff', 'nil': None}`},
	}
	for key, value := range want {
		if !reflect.DeepEqual(got[key], value) {
			t.Errorf("%s: got %v, want %v", key, got[key], value)
		}
	}
	// no "quit", "reconnect": the master found nothing wrong
	if replies := texts(got["replies"]); !slices.Equal(replies, []string{"ack", "heartbeat", "ack", "ack", "heartbeat"}) {
		t.Errorf("replies %v", replies)
	}
	entries := got["entries"].([]any)
	if len(entries) != 1 {
		t.Fatalf("rows %v", entries)
	}
	for _, row := range []any{entries[0], got["total"]} {
		for field, value := range map[string]any{
			"num_requests": 8.0, "num_failures": 2.0, "max_response_time": 20.0, "min_response_time": 1.0,
			"avg_response_time": 10.25, "median_response_time": 10.0, "avg_content_length": 10.0,
		} {
			if cell := row.(map[string]any)[field]; cell != value {
				t.Errorf("%s: got %v, want %v", field, cell, value)
			}
		}
	}
	reports := got["reports"].([]any)
	if len(reports) != 3 || !strings.Contains(strings.Join(texts(reports[2]), " "), "mine") {
		t.Errorf("reports %v", reports)
	}
}

func texts(v any) []string {
	var out []string
	for _, e := range v.([]any) {
		out = append(out, e.(string))
	}
	return out
}

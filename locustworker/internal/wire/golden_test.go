package wire

import (
	"encoding/hex"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "record the golden frames anew from a real Locust master and worker")

const goldenDir = "testdata/golden"

// go test ./locustworker/internal/wire -run TestGoldenFramesAreThere -update
func TestGoldenFramesAreThere(t *testing.T) {
	if *update {
		script(t, "record.py", "", goldenDir)
	}
	names, err := filepath.Glob(filepath.Join(goldenDir, "*.txt"))
	if err != nil || len(names) != 31 {
		t.Errorf("%d golden frames, %v", len(names), err)
	}
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(goldenDir, name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			b.WriteString(strings.TrimSpace(line))
		}
	}
	frame, err := hex.DecodeString(b.String())
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// goldenData decodes a frame without using what is under test for its fields.
func goldenData(t *testing.T, name string) (raw Raw) {
	t.Helper()
	raw, err := DecodeAny(golden(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Conformance: T11
func TestDecodeGoldenMasterFrames(t *testing.T) {
	scalars := []any{
		true, false, int64(0), int64(-1), int64(127), int64(128), int64(65536), int64(1 << 40), int64(-1 << 40),
		uint64(math.MaxUint64), 0.5, "", "é€😀",
	}
	long := make([]any, 1000)
	for i := range long {
		long[i] = int64(i)
	}
	tests := []struct {
		name string
		want Inbound
	}{
		{"ack", Ack{Index: 0, HasIndex: true}},
		{"heartbeat", HeartbeatReply{}},
		{"stop", Stop{}},
		{"quit", Quit{}},
		{"reconnect", Reconnect{}},
		{"spawning_complete", SpawningComplete{UserCount: 3}},
		{"update_user_class", UpdateUserClass{
			Class: "Alpha", Tasks: []string{"sample"}, HasTasks: true, Attributes: map[string]any{"host": "http://b"},
		}},
		{"echo_nil", Custom{Type: "echo_nil"}},
		{"echo_scalars", Custom{Type: "echo_scalars", Data: scalars}},
		{"echo_bytes", Custom{Type: "echo_bytes", Data: map[string]any{"bin": []byte{0, 0xff}, "long": strings.Repeat("x", 300)}}},
		{"echo_keys", Custom{Type: "echo_keys", Data: map[any]any{int64(1): "int", 2.5: "float", "s": "str", nil: "nil"}}},
		{"echo_datetime", Custom{Type: "echo_datetime", Data: map[string]any{
			"at": time.Date(2026, 11, 23, 15, 4, 5, 678_900_000, time.UTC),
		}}},
		{"echo_long_list", Custom{Type: "echo_long_list", Data: long}},
	}
	id := goldenData(t, "worker-client_ready").NodeID
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			frame := golden(t, "master-"+test.name)
			got, err := Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			want := Envelope{Type: test.name, NodeID: id, Size: len(frame), Body: test.want}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
		})
	}
}

// Conformance: SP1
func TestDecodeGoldenSpawn(t *testing.T) {
	got, err := Decode(golden(t, "master-spawn"))
	if err != nil {
		t.Fatal(err)
	}
	spawn, ok := got.Body.(Spawn)
	if !ok {
		t.Fatalf("got %#v", got)
	}
	if y := time.Unix(int64(spawn.Timestamp), 0).Year(); y < 2026 {
		t.Errorf("timestamp %f", spawn.Timestamp)
	}
	if want := map[string]int{"Alpha": 2, "Beta": 1}; !reflect.DeepEqual(spawn.UserClassesCount, want) {
		t.Errorf("counts %v", spawn.UserClassesCount)
	}
	if spawn.Host != "http://target.example" || spawn.StopTimeout != 0 {
		t.Errorf("host %q, stop timeout %v", spawn.Host, spawn.StopTimeout)
	}
	options := map[string]any{"my_argument": "my value", "tags": nil, "expect_workers": int64(1), "spawn_rate": 10.0, "headless": false}
	for name, want := range options {
		if got, ok := spawn.ParsedOptions[name]; !ok || got != want {
			t.Errorf("option %s: %#v, want %#v", name, got, want)
		}
	}
	if n := len(spawn.ParsedOptions); n < 50 {
		t.Errorf("%d options", n)
	}
}

// Every message of a Python worker, rebuilt from its content, comes out of Encode
// as Python sent it: the same types, values and order of fields.
//
// Conformance: T2, T3, F1, K4, G1
func TestEncodeAsAPythonWorker(t *testing.T) {
	names := []string{
		"client_ready", "heartbeat-ready", "heartbeat-running", "spawning", "spawning_complete", "stats-empty", "stats",
		"exception", "logs", "client_stopped", "quit", "echo_nil", "echo_scalars", "echo_bytes", "echo_keys",
		"echo_datetime", "echo_long_list",
	}
	var frames [][]byte
	for _, name := range names {
		raw := goldenData(t, "worker-"+name)
		ours, err := Encode(raw.NodeID, rebuild(t, raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		frames = append(frames, golden(t, "worker-"+name), ours)
	}
	got := shapes(t, frames...)
	for i, name := range names {
		if want, ours := got[2*i], got[2*i+1]; want != ours {
			t.Errorf("%s:\nworker %s\nours   %s", name, want, ours)
		}
	}
}

// The keys of the errors that a Python worker reported are ours too.
func TestGoldenErrorKeys(t *testing.T) {
	errors := rebuild(t, goldenData(t, "worker-stats")).(Stats).Errors
	for key, e := range errors {
		if got := ErrorKey(e.Method, e.Name, e.Error); got != key {
			t.Errorf("%+v: %s, want %s", e, got, key)
		}
	}
	if len(errors) != 1 {
		t.Errorf("%d errors", len(errors))
	}
}

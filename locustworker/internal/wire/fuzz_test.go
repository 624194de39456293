package wire

import (
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func goldenNames(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(goldenDir, "*.txt"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no golden frames")
	}
	for i := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(paths[i]), ".txt")
	}
	return paths
}

// FuzzDecode: no frame makes Decode panic, and what it accepts survives being sent
// on.
//
// Conformance: T12
func FuzzDecode(f *testing.F) {
	for _, name := range goldenNames(f) {
		f.Add(golden(f, name))
	}
	f.Add([]byte("\x93\xa1x\xdd\xff\xff\xff\xff\xa1w"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := Decode(frame)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || got.Body != nil {
				t.Fatalf("%#v, %v", got, err)
			}
			return
		}
		if got.Body == nil {
			t.Fatal("no body")
		}
		custom, ok := got.Body.(Custom)
		if !ok {
			return
		}
		again, err := EncodeAny(custom.Type, custom.Data, got.NodeID)
		if err != nil {
			if !hasOddNumber(custom.Data) {
				t.Fatalf("%#v: %v", custom, err)
			}
			return
		}
		second, err := DecodeAny(again)
		if err != nil || !reflect.DeepEqual(second.Data, custom.Data) {
			t.Fatalf("%#v became %#v, %v", custom.Data, second.Data, err)
		}
	})
}

// hasOddNumber tells whether the data holds NaN or an infinity, which are received
// and not sent.
func hasOddNumber(v any) bool {
	switch v := v.(type) {
	case float64:
		return !finite(v)
	case []any:
		for _, e := range v {
			if hasOddNumber(e) {
				return true
			}
		}
	case map[string]any:
		for _, e := range v {
			if hasOddNumber(e) {
				return true
			}
		}
	case map[any]any:
		for k, e := range v {
			if hasOddNumber(k) || hasOddNumber(e) {
				return true
			}
		}
	}
	return false
}

// FuzzEncodeRoundTrip: whatever a worker puts into its messages, the frame is good
// msgpack of three with valid text, finite numbers and all that was put in.
//
// Conformance: T5, T6, K6, K7
func FuzzEncodeRoundTrip(f *testing.F) {
	f.Add("w_1", "/a", "GET", "boom", int64(3), int64(1_500_000), 12.5)
	f.Add("w", "\xff\x00", "", "it's\n", int64(0), int64(0), math.NaN())
	f.Add("", "", "", "", int64(-1), int64(math.MinInt64), math.Inf(1))
	f.Fuzz(func(t *testing.T, id, name, method, text string, n, ns int64, number float64) {
		entry := Entry{
			Name: name, Method: method, Start: start, LastRequest: start, Requests: n, Failures: n,
			TotalTime: time.Duration(ns), Max: time.Duration(ns), Min: time.Duration(ns), HasMin: true,
			ResponseTimes: map[int64]int64{ns: n}, RequestsPerSec: map[int64]int64{ns: n},
		}
		messages := []Outbound{
			ClientReady{Version: text},
			Spawning{},
			ClientStopped{},
			Quit{},
			SpawningComplete{UserClassesCount: map[string]int{name: int(n)}, UserCount: int(n)},
			Heartbeat{State: State(text), CPUPercent: number, MemoryBytes: uint64(n)},
			Heartbeat{State: StateReady, CPUPercent: number, MemoryBytes: uint64(n)},
			Exception{Message: text, Traceback: name},
			Logs{WorkerID: id, Lines: []string{text, name}},
			Custom{Type: text, Data: map[string]any{name: []any{number, n, text, []byte(text)}}},
			Stats{
				Entries: []Entry{entry}, Total: entry, UserCount: int(n),
				Errors: map[string]ErrorEntry{ErrorKey(method, name, text): {Name: name, Method: method, Error: text, Occurrences: n}},
				Extra:  map[string]any{text: number},
			},
		}
		for _, m := range messages {
			checkRoundTrip(t, id, m)
		}
	})
}

func checkRoundTrip(t *testing.T, id string, m Outbound) {
	t.Helper()
	frame, err := Encode(id, m)
	if err != nil {
		if frame != nil || !errors.Is(err, ErrUnencodable) {
			t.Fatalf("%#v: %q, %v", m, frame, err)
		}
		return
	}
	raw, err := DecodeAny(frame)
	if err != nil {
		t.Fatalf("%#v: %v", m, err)
	}
	if raw.NodeID != id || raw.Type != validUTF8(m.wireType()) || hasOddNumber(raw.Data) {
		t.Fatalf("%#v became %#v", m, raw)
	}
	if stats, ok := m.(Stats); ok {
		checkStats(t, stats, raw.Data.(map[string]any))
	}
}

func checkStats(t *testing.T, s Stats, got map[string]any) {
	t.Helper()
	entry := got["stats"].([]any)[0].(map[string]any)
	if len(entry) != 14 || entry["name"] != validUTF8(s.Entries[0].Name) || entry["num_requests"] != s.Entries[0].Requests {
		t.Fatalf("%#v became %#v", s, entry)
	}
	if len(got["errors"].(map[string]any)) != 1 || len(got) != len(reportKeys)+len(s.Extra) {
		t.Fatalf("%#v became %#v", s, got)
	}
}

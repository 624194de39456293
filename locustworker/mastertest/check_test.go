package mastertest

import (
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// entryFields is a good row with three samples, one of them untimed, one failed.
func entryFields(name string, change map[string]any) map[string]any {
	method := "GET"
	if name == "Aggregated" {
		method = ""
	}
	fields := map[string]any{
		"name": name, "method": method, "last_request_timestamp": 12.5, "start_time": 10.5,
		"num_requests": 3, "num_none_requests": 1, "num_failures": 1, "total_response_time": 20.25,
		"max_response_time": 20.0, "min_response_time": 0.25, "total_content_length": 7,
		"response_times": map[any]any{0.25: 1, 20: 1}, "num_reqs_per_sec": map[int]int{11: 1, 12: 2},
		"num_fail_per_sec": map[int]int{12: 1},
	}
	return merge(fields, change)
}

type gone struct{}

func merge(fields, change map[string]any) map[string]any {
	for k, v := range change {
		if v == (gone{}) {
			delete(fields, k)
		} else {
			fields[k] = v
		}
	}
	return fields
}

func errorFields(change map[string]any) map[string]any {
	return merge(map[string]any{
		"name": "/a", "method": "GET", "error": "boom", "occurrences": 1, "first_seen": 11.5, "last_seen": nil,
	}, change)
}

func statsFields(change map[string]any) map[string]any {
	return merge(map[string]any{
		"stats": []any{entryFields("/a", nil)}, "stats_total": entryFields("Aggregated", nil),
		"errors":             map[string]any{"k": errorFields(nil)},
		"user_classes_count": map[string]int{"A": 1}, "user_count": 1,
	}, change)
}

func withRow(change map[string]any) map[string]any {
	return statsFields(map[string]any{"stats": []any{entryFields("/a", change)}})
}

func heartbeatFields(change map[string]any) map[string]any {
	return merge(map[string]any{"state": "ready", "current_cpu_usage": 0.0, "current_memory_usage": 0}, change)
}

// violations returns what a master says to one message of a registered worker.
func violations(t *testing.T, typ string, data any) string {
	t.Helper()
	frame, err := wire.EncodeAny(typ, data, "w")
	if err != nil {
		t.Fatal(err)
	}
	return frameViolations(t, frame)
}

func frameViolations(t *testing.T, frame []byte) string {
	t.Helper()
	m := NewInMemory(t, Lenient())
	c := dial(t, m, "w")
	c.join(0)
	m.AnswerHeartbeats(false)
	if err := c.Send(frame); err != nil {
		t.Fatal(err)
	}
	c.join(0)
	return strings.Join(m.Violations(), "\n")
}

// Conformance: F1
func TestGoodMessages(t *testing.T) {
	tests := []struct {
		typ  string
		data any
	}{
		{"client_ready", "2.47.0"},
		{"client_ready", -1},
		{"spawning", nil},
		{"spawning_complete", map[string]any{"user_classes_count": map[string]int{"A": 2, "B": 0}, "user_count": 2}},
		{"heartbeat", heartbeatFields(nil)},
		{"stats", statsFields(nil)},
		{"stats", statsFields(map[string]any{"mine": "extra"})},
		{"stats", statsFields(map[string]any{
			"stats": []any{}, "errors": map[string]any{}, "stats_total": emptyTotal(),
		})},
		{"exception", map[string]any{"msg": "m", "traceback": ""}},
		{"logs", map[string]any{"worker_id": "w", "logs": []string{"a\nb"}}},
		{"client_stopped", nil},
		{"quit", nil},
		{"mine", map[string]any{"bin": []byte{1}, "nan": nil}},
	}
	for _, test := range tests {
		if got := violations(t, test.typ, test.data); got != "" {
			t.Errorf("%s %v: %s", test.typ, test.data, got)
		}
	}
}

func emptyTotal() map[string]any {
	none := map[string]any{}
	return entryFields("Aggregated", map[string]any{
		"last_request_timestamp": nil, "num_requests": 0, "num_none_requests": 0, "num_failures": 0, "total_response_time": 0,
		"max_response_time": 0, "min_response_time": nil, "total_content_length": 0,
		"response_times": none, "num_reqs_per_sec": none, "num_fail_per_sec": none,
	})
}

// Conformance: B2, X3, K1, K2, K3, K4, K5, K11, K13
// Conformance (row field): X6
// Conformance (row float second): X5
// Conformance (row name): K10
// Conformance (row text keys): X4, K9
func TestViolations(t *testing.T) {
	tests := []struct {
		name string
		typ  string
		data any
		want string
	}{
		{"old worker", "client_ready", "", "neither a text nor -1"},
		{"other version", "client_ready", 7, "neither a text nor -1"},
		{"data of quit", "quit", 1, "quit: data 1, want nil"},
		{"complete nil", "spawning_complete", nil, "no map"},
		{"complete without classes", "spawning_complete", map[string]any{"user_count": 0}, `"user_classes_count" is missing`},
		{"complete sum", "spawning_complete", map[string]any{"user_classes_count": map[string]int{"A": 2}, "user_count": 1}, "the classes have 2"},
		{"complete extra", "spawning_complete", map[string]any{"user_classes_count": map[string]int{}, "user_count": 0, "x": 1}, `unknown key "x"`},
		{"heartbeat nil", "heartbeat", nil, "no map"},
		{"heartbeat state", "heartbeat", heartbeatFields(map[string]any{"state": "stopping"}), "counts as no worker"},
		{"heartbeat without cpu", "heartbeat", heartbeatFields(map[string]any{"current_cpu_usage": gone{}}), `"current_cpu_usage" is missing`},
		{"heartbeat int cpu", "heartbeat", heartbeatFields(map[string]any{"current_cpu_usage": 5}), "want a finite float"},
		{"heartbeat memory", "heartbeat", heartbeatFields(map[string]any{"current_memory_usage": 5.5}), "want a whole number"},
		{"exception", "exception", map[string]any{"msg": "m"}, `"traceback" is missing`},
		{"exception bin", "exception", map[string]any{"msg": []byte("m"), "traceback": ""}, "msg is []byte"},
		{"logs of another", "logs", map[string]any{"worker_id": "x", "logs": []string{}}, `worker_id is "x"`},
		{"logs nil", "logs", map[string]any{"worker_id": "w", "logs": nil}, "want a list"},
		{"logs line", "logs", map[string]any{"worker_id": "w", "logs": []int{1}}, "line 0"},
		{"stats without total", "stats", statsFields(map[string]any{"stats_total": gone{}}), `"stats_total" is missing`},
		{"stats nil errors", "stats", statsFields(map[string]any{"errors": nil}), "want a map with text keys"},
		{"stats int error keys", "stats", statsFields(map[string]any{"errors": map[int]int{1: 1}}), "want a map with text keys"},
		{"stats errors missed", "stats", statsFields(map[string]any{"errors": map[string]any{}}), "0 errors, 1 failures"},
		{"stats error count", "stats", statsFields(map[string]any{"errors": map[string]any{"k": errorFields(map[string]any{"occurrences": 2})}}), "2 errors, 1 failures"},
		{"stats error text", "stats", statsFields(map[string]any{"errors": map[string]any{"k": errorFields(map[string]any{"error": nil})}}), "error is <nil>"},
		{"stats classes", "stats", statsFields(map[string]any{"user_classes_count": nil}), "want a map by class name"},
		{"stats total's name", "stats", statsFields(map[string]any{"stats_total": entryFields("/a", nil)}), "is named"},
		{"stats rows missed", "stats", statsFields(map[string]any{"stats": []any{}}), "stats_total has 3 requests"},
		{"stats row twice", "stats", statsFields(map[string]any{"stats": []any{entryFields("/a", nil), entryFields("/a", nil)}}), "there twice"},
		{"row name", "stats", withRow(map[string]any{"name": nil}), "name is <nil>"},
		{"row field", "stats", withRow(map[string]any{"num_none_requests": gone{}}), `"num_none_requests" is missing`},
		{"row start", "stats", withRow(map[string]any{"start_time": nil}), "start_time is <nil>"},
		{"row total", "stats", withRow(map[string]any{"total_response_time": 20}), "total_response_time is 20"},
		{"row total off", "stats", withRow(map[string]any{"total_response_time": 21.0}), "stats_total has 20.25 ms, the rows have 21"},
		{"row text keys", "stats", withRow(map[string]any{"response_times": map[string]int{"1": 2}}), `response_times has the key "1"`},
		{"row float second", "stats", withRow(map[string]any{"num_reqs_per_sec": map[float64]int{1.5: 3}}), "num_reqs_per_sec has the key 1.5"},
		{"row histogram", "stats", withRow(map[string]any{"response_times": map[int]int{1: 3}}), "3 response times of 2 timed requests"},
		{"row empty bucket", "stats", withRow(map[string]any{"response_times": map[int]int{1: 2, 2: 0}}), "response_times counts 0"},
		{"row seconds", "stats", withRow(map[string]any{"num_reqs_per_sec": map[int]int{1: 2}}), "2 requests by second, 3 in all"},
		{"row failed seconds", "stats", withRow(map[string]any{"num_fail_per_sec": map[int]int{}}), "0 failures by second, 1 in all"},
		{"row without min", "stats", withRow(map[string]any{"min_response_time": nil}), "min_response_time is there: false"},
		{"row min", "stats", withRow(map[string]any{"min_response_time": 50.0}), "min 50 above max 20"},
		{"row last", "stats", withRow(map[string]any{"last_request_timestamp": nil}), "with 3 requests"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := violations(t, test.typ, test.data)
			if !strings.HasPrefix(got, `worker "w": `+test.typ+": ") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}

// Conformance (NaN): K12
// Conformance (bad UTF-8): K14
// Conformance (bin type): T3
// Conformance (other node): T4
// Conformance (two elements): T2, K6
func TestViolationsOfTheFrame(t *testing.T) {
	nan, err := wire.Encode("w", wire.Heartbeat{State: wire.StateReady, CPUPercent: 1})
	if err != nil {
		t.Fatal(err)
	}
	one := "\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"
	tests := []struct{ name, frame, want string }{
		{"empty", "", "ends too early"},
		{"two elements", "\x92\xa4quit\xc0", "not an array"},
		{"bin type", "\x93\xc4\x04quit\xc0\xa1w", "type: []uint8"},
		{"trailing", "\x93\xa4quit\xc0\xa1w\xc0", "1 bytes after"},
		{"bad UTF-8", "\x93\xa4quit\xc0\xa1\xff", "not UTF-8"},
		{"other node", "\x93\xa4quit\xc0\xa1x", `node id "x" is not the connection's identity`},
		{"NaN", strings.ReplaceAll(string(nan), one, "\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "want a finite float"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := frameViolations(t, []byte(test.frame)); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q in it", got, test.want)
			}
		})
	}
}

// Conformance: SP9
func TestViolationsOfTheOrder(t *testing.T) {
	m := NewInMemory(t, Lenient())
	c := dial(t, m, "w")
	c.send(wire.Heartbeat{State: wire.StateReady})
	c.join(0)
	c.send(wire.ClientStopped{}, wire.Spawning{})
	c.want(wire.Quit{}) // as the real master answers
	c.send(wire.SpawningComplete{})
	c.want(wire.Quit{})
	want := []string{
		`worker "w": heartbeat: sent before the first ack`,
		`worker "w": spawning: from a worker that the master does not know: masters up to 2.46 stop listening`,
		`worker "w": spawning_complete: from a worker that the master does not know: masters up to 2.46 stop listening`,
	}
	if got := strings.Join(m.Violations(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}

func TestViolationsFailTheTest(t *testing.T) {
	tb := &fakeTB{TB: t}
	m := NewInMemory(tb)
	c := dial(t, m, "w")
	if err := c.Send([]byte{0xc0}); err != nil {
		t.Fatal(err)
	}
	until(t, "the violation is there", func() bool { return len(m.Violations()) > 0 })
	if got := tb.run(func() {}); !strings.Contains(got, `mastertest: worker "w": `) || !strings.Contains(got, "not an array") {
		t.Errorf("got %q", got)
	}
}

func FuzzReceive(f *testing.F) {
	for _, typ := range []string{"stats", "heartbeat", "spawning_complete", "logs", "exception", "client_ready", "mine"} {
		frame, err := wire.EncodeAny(typ, statsFields(heartbeatFields(nil)), "w")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	m := NewInMemory(f, Lenient())
	m.greeted["w"] = true
	p := &peer{identity: "w"}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := len(m.messages)
		m.receive(p, frame)
		if len(m.messages) == before && len(m.violation) == 0 {
			t.Fatal("neither a message nor a violation")
		}
		for _, message := range m.messages {
			if rows := message.Report().Entries; len(rows) > len(frame) || !strings.HasPrefix(message.String(), message.Type) {
				t.Fatalf("%d rows: %s", len(rows), message)
			}
		}
		m.messages, m.violation, m.life.totals = nil, nil, newTotals()
		m.life.workers = map[string]bool{}
	})
}

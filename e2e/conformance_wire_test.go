package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// allTypes are the messages that a worker can send but for custom ones.
var allTypes = []string{
	"client_ready", "client_stopped", "exception", "heartbeat", "logs", "quit", "spawning", "spawning_complete", "stats",
}

// A conversation is what a worker has said to a master in a run of everything.
type conversation struct {
	Order []string                       // of what does not come by the clock
	First string                         // message of all
	Kinds map[string]map[string][]string // by message and place in it: the kinds of values there
}

// TestConformanceWire lets a worker send a real master every message that there
// is, in two runs and an end, and compares order and shapes; afterwards the
// master's listener is alive: it takes another worker and runs it.
//
// Conformance: T1, T2, T3, T4, H4, B1, B2, SP2, SP7, SP8, SP9, F1, Q5, N1, N4, K1, K2, K3, K4, K5, G1
func TestConformanceWire(t *testing.T) {
	t.Parallel()
	p := plan{
		classes: []string{"Script", "Returner", "Talker"},
		env:     []string{"LOCUSTWORKER_LOCUST_BUCKETS=true"},
	}
	python, golang := twins(t, p, func(l *lab) conversation {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		tap := newWiretap(l.t, l.masterPort)
		worker := l.join("--master-port", tap.port())
		requests, _ := scriptCounts(l.t)
		for range 2 {
			l.awaitWorkers(1)
			l.begin(3, nil)
			l.awaitTotal(requests)
			await(l.t, "two exceptions", l.web.exceptionRows, func(rows []exceptionRow) error {
				if len(rows) != 2 {
					return fmt.Errorf("%d", len(rows))
				}
				return nil
			})
			l.stop()
			l.awaitUsers("stopped", 0)
		}
		awaitTypes(l, tap, "logs", "client_ready")
		l.awaitWorkers(1)
		worker.Signal(syscall.SIGTERM)
		if code := l.awaitExit(worker); code != 0 {
			l.t.Errorf("the worker's exit code is %d; want 0", code)
		}
		stillServes(l)
		messages, err := tap.heard()
		if err != nil {
			l.t.Errorf("on the wire: %v", err)
		}
		return summary(l, messages)
	})
	same(t, "conversations", python.Order, golang.Order)
	same(t, "first messages", python.First, golang.First)
	same(t, "message types", slices.Sorted(maps.Keys(python.Kinds)), slices.Sorted(maps.Keys(golang.Kinds)))
	compareShapes(t, python.Kinds, golang.Kinds)
}

// stillServes fails unless the master takes a new worker and runs users on it.
func stillServes(l *lab) {
	l.t.Helper()
	l.awaitWorkers(0)
	l.join()
	l.awaitWorkers(1)
	requests, _ := scriptCounts(l.t)
	l.begin(3, nil)
	l.awaitTotal(requests)
	if log := l.masterProc.Log(); strings.Contains(log, "Traceback") || strings.Contains(log, "Unknown message") {
		l.t.Errorf("the master complains:\n%s", log)
	}
}

// awaitTypes waits until the worker has said these.
func awaitTypes(l *lab, tap *wiretap, types ...string) {
	l.t.Helper()
	await(l.t, fmt.Sprintf("messages %v", types), tap.heard, func(messages []wireMessage) error {
		for _, want := range types {
			if !slices.ContainsFunc(messages, func(m wireMessage) bool { return m.Type == want }) {
				return fmt.Errorf("no %s", want)
			}
		}
		return nil
	})
}

func summary(l *lab, messages []wireMessage) conversation {
	l.t.Helper()
	c := conversation{Kinds: make(map[string]map[string][]string)}
	if len(messages) == 0 {
		l.t.Fatal("nothing was heard")
	}
	c.First = messages[0].Type
	for _, m := range messages {
		if m.Node != messages[0].Node {
			l.t.Errorf("%s comes from %q and %s from %q", messages[0].Type, messages[0].Node, m.Type, m.Node)
		}
		if state, _ := m.Data.(map[any]any); m.Type == "heartbeat" {
			if s := fmt.Sprint(state["state"]); !slices.Contains([]string{"ready", "spawning", "running"}, s) {
				l.t.Errorf("a heartbeat with state %q", s)
			}
		}
		byClock := m.Type == "heartbeat" || m.Type == "stats" || m.Type == "logs" || m.Type == "exception" || m.Type == "hello"
		again := len(c.Order) > 0 && c.Order[len(c.Order)-1] == m.Type && m.Type == "client_ready"
		if !byClock && !again { // a client_ready that a slow master has not answered is repeated
			c.Order = append(c.Order, m.Type)
		}
		if c.Kinds[m.Type] == nil {
			c.Kinds[m.Type] = make(map[string][]string)
		}
		note(c.Kinds[m.Type], "", m.Data)
	}
	for _, want := range allTypes {
		if c.Kinds[want] == nil {
			l.t.Errorf("the worker has sent no %s", want)
		}
	}
	return c
}

// keyed are the maps whose keys are names and numbers, not fields.
var keyed = []string{"errors", "user_classes_count", "response_times", "num_reqs_per_sec", "num_fail_per_sec"}

// note adds the kinds of v and of everything in it to kinds by their place.
func note(kinds map[string][]string, place string, v any) {
	add := func(kind string) {
		if !slices.Contains(kinds[place], kind) {
			kinds[place] = append(kinds[place], kind)
		}
	}
	switch v := v.(type) {
	case nil:
		add("nil")
	case string:
		add("str")
	case bool:
		add("bool")
	case float32, float64:
		add("float")
	case []any:
		add("array")
		for _, element := range v {
			note(kinds, place+"[]", element)
		}
	case map[any]any:
		add("map")
		for key, value := range v {
			name, isText := key.(string)
			if !isText || slices.ContainsFunc(keyed, func(name string) bool { return strings.HasSuffix(place, name) }) {
				name = "<" + kindOfKey(key) + ">"
			}
			note(kinds, place+"."+name, value)
		}
	case []byte:
		add("bin")
	default:
		add("int")
	}
}

func kindOfKey(key any) string {
	kinds := make(map[string][]string)
	note(kinds, "", key)
	return strings.Join(kinds[""], "")
}

// compareShapes fails where a Go worker leaves out a field, has one more, or
// sends a kind of value that the Python worker does not; a number may be whole or
// not. A Go worker has no version of Locust's, and says -1 in client_ready.
func compareShapes(t *testing.T, python, golang map[string]map[string][]string) {
	t.Helper()
	for message, places := range golang {
		if message == "client_ready" {
			continue
		}
		if *locustSeries != "" { // the two times came in 2.44; histograms of the older have floats for keys too
			delete(places, ".errors.<str>.first_seen")
			delete(places, ".errors.<str>.last_seen")
			maps.DeleteFunc(python[message], func(place string, _ []string) bool { return strings.HasSuffix(place, ".<float>") })
		}
		if got, want := slices.Sorted(maps.Keys(places)), slices.Sorted(maps.Keys(python[message])); !slices.Equal(got, want) {
			t.Errorf("%s has the fields\n%s\nwith a Python worker\n%s", message, strings.Join(got, " "), strings.Join(want, " "))
		}
		for place, kinds := range places {
			allowed := python[message][place]
			if slices.Contains(allowed, "float") || slices.Contains(allowed, "int") {
				allowed = append(slices.Clone(allowed), "float", "int")
			}
			for _, kind := range kinds {
				if !slices.Contains(allowed, kind) {
					t.Errorf("%s%s is of kind %s; a Python worker's is of %v", message, place, kind, allowed)
				}
			}
		}
	}
}

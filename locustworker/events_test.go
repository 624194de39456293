package locustworker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// calling returns listeners for all events that note their names with a number,
// and then fail if they shall.
func calling(note func(string), number int, fail func()) Events {
	did := func(event string) error {
		note(fmt.Sprint(event, " ", number))
		fail()
		return nil
	}
	plain := func(event string) func(*Environment) error {
		return func(*Environment) error { return did(event) }
	}
	return Events{
		Init:             plain("init"),
		Connected:        plain("connected"),
		TestStart:        func(context.Context, *Environment) error { return did("test_start") },
		Spawning:         func(*Environment, map[string]int) error { return did("spawning") },
		TestStopping:     plain("test_stopping"),
		TestStop:         plain("test_stop"),
		SpawningComplete: func(*Environment, int) error { return did("spawning_complete") },
		ReportToMaster: func(_ *Environment, data map[string]any) error {
			data[fmt.Sprint("by", number)] = true
			return did("report_to_master")
		},
		HeartbeatReceived: func(*Environment, time.Time) error { return did("heartbeat_received") },
		UsageMonitor:      func(*Environment, float64, uint64) error { return did("usage_monitor") },
		Request:           func(*User, Sample) { _ = did("request") },
		UserError:         func(*User, error, string) { _ = did("user_error") },
		Quitting:          plain("quitting"),
		Quit:              func(*Environment, Counters) error { return did("quit") },
	}
}

// TestListenersInTheOrderOfAdding: all listeners of an event are called, whatever
// those before them do.
func TestListenersInTheOrderOfAdding(t *testing.T) {
	var got []string
	note := func(what string) { got = append(got, what) }
	events := calling(note, 1, func() { panic("ouch") })
	events.Add(Events{})
	others := calling(note, 2, func() {})
	others.Add(calling(note, 3, func() { panic("ouch") }))
	events.Add(others)
	if set := reflect.ValueOf(events); set.NumField() != 15 {
		t.Fatalf("%d fields: a new event belongs into calling, and into this test", set.NumField())
	}
	h := newHooks(events)
	log := &logText{}
	h.env = &Environment{log: textLogger(log)}
	h.env.id.Store(new("a"))
	for event, fire := range map[string]func(){
		"init": h.init, "connected": h.connected, "spawning": func() { h.spawning(nil) },
		"test_start": func() { h.testStart(t.Context()) }, "test_stopping": h.testStopping, "test_stop": h.testStop,
		"spawning_complete": func() { h.spawningComplete(1) }, "heartbeat_received": h.heartbeatReceived,
		"usage_monitor": func() { h.usage(1, 1) }, "request": func() { h.request(nil, Sample{}) },
		"user_error": func() { h.userError(nil, errors.New("x"), "") }, "quitting": h.quitting, "quit": func() { h.quit(Counters{}) },
		"report_to_master": func() {
			if data := h.report(); len(data) != 3 {
				t.Errorf("the listeners add %v", data)
			}
		},
	} {
		got = nil
		fire()
		if want := []string{event + " 1", event + " 2", event + " 3"}; !slices.Equal(got, want) {
			t.Errorf("called %v, want %v", got, want)
		}
	}
	if n := strings.Count(log.String(), "uncaught error in an event listener"); n != 28 || !h.failed.Load() {
		t.Errorf("%d failures in the log, want two for each event", n)
	}
}

// TestAListenerSpoilsOnlyItsOwnReportData: keys that cannot be sent go, those of
// other listeners stay.
func TestAListenerSpoilsOnlyItsOwnReportData(t *testing.T) {
	var events Events
	for _, value := range []any{1, make(chan int), 3} {
		events.Add(Events{ReportToMaster: func(_ *Environment, data map[string]any) error {
			data[fmt.Sprintf("%T", value)] = value
			data[fmt.Sprint("seen by ", value)] = len(data)
			return nil
		}})
	}
	h := newHooks(events)
	h.env = &Environment{log: textLogger(&logText{})}
	h.env.id.Store(new("a"))
	want := map[string]any{"int": 3, "seen by 1": 1, "seen by 3": 2}
	if got := h.report(); !reflect.DeepEqual(got, want) {
		t.Errorf("the report has %v, want %v", got, want)
	}
}

// TestAddedEventsAreCopies: two sets that begin alike do not share what is added.
func TestAddedEventsAreCopies(t *testing.T) {
	var got []int
	set := func(n int) Events {
		return Events{Init: func(*Environment) error { got = append(got, n); return nil }}
	}
	a := set(1)
	for n := range 5 {
		a.Add(set(2 + n))
	}
	b := a
	a.Add(set(10))
	b.Add(set(20))
	newHooks(a).init()
	newHooks(b).init()
	if want := []int{1, 2, 3, 4, 5, 6, 10, 1, 2, 3, 4, 5, 6, 20}; !slices.Equal(got, want) {
		t.Errorf("called %v, want %v", got, want)
	}
}

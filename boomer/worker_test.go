package boomer

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// TestServesAnyClass: users run for whatever classes the master asks for, in two
// tests one after the other, and the events come with their arguments.
func TestServesAnyClass(t *testing.T) {
	master := mastertest.New(t)
	connected := subscribed(t, EVENT_CONNECTED, plainEvent)
	spawned := subscribed(t, EVENT_SPAWN, func(note func(string)) any {
		return func(count int, rate float64) { note(fmt.Sprint(count, " at ", rate)) }
	})
	stopped := subscribed(t, EVENT_STOP, plainEvent)
	quit := subscribed(t, EVENT_QUIT, plainEvent)
	b, _ := workerOf(t, master)
	var recorded atomic.Int64
	b.Run(&Task{Name: "a", Weight: 1, Fn: func() {
		time.Sleep(time.Millisecond)
		recorded.Add(1)
		b.RecordSuccess("GET", "/a", 7, 100)
	}})
	await(t, "the connection", connected)
	id := master.WaitFor("client_ready", time.Minute).Worker
	for range 2 {
		recorded.Store(0)
		master.Spawn(id, map[string]int{"Dummy": 2, "Other": 1})
		if classes := master.WaitFor("spawning_complete", time.Minute).UserClasses(); !reflect.DeepEqual(classes, map[string]int{"Dummy": 2, "Other": 1}) {
			t.Errorf("the worker spawned %v", classes)
		}
		if got := await(t, "the spawn", spawned); got != "3 at 3" {
			t.Errorf("EVENT_SPAWN says %s; want 3 at 3", got)
		}
		time.Sleep(50 * time.Millisecond) // some work
		master.Stop(id)
		await(t, "the stop", stopped)
		master.WaitFor("client_stopped", time.Minute)
		if got, want := master.Totals().All.Requests, recorded.Load(); got != want || got == 0 {
			t.Errorf("the master got %d samples of %d", got, want)
		}
		master.WaitFor("client_ready", time.Minute)
	}
	master.Quit(id)
	await(t, "the end", quit)
	if len(quit) > 0 {
		t.Error("EVENT_QUIT was published twice")
	}
}

// TestStopInFlight: requests that are on their way when the test stops are counted,
// however long they take.
func TestStopInFlight(t *testing.T) {
	var served, inFlight atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inFlight.Add(1)
		time.Sleep(300 * time.Millisecond)
		served.Add(1)
		inFlight.Add(-1)
	}))
	t.Cleanup(server.Close)
	master := mastertest.New(t)
	b, _ := workerOf(t, master)
	b.Run(&Task{Weight: 1, Fn: func() {
		start := time.Now()
		resp, err := server.Client().Get(server.URL)
		if err == nil {
			err = resp.Body.Close()
		}
		b.RecordDuration("http", "/slow", time.Since(start), 0, err)
	}})
	id := master.WaitFor("client_ready", time.Minute).Worker
	master.Spawn(id, map[string]int{"Dummy": 20})
	for inFlight.Load() < 20 || served.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	master.Stop(id)
	master.WaitFor("client_stopped", time.Minute)
	totals := master.Totals().All
	if totals.Requests != served.Load() || totals.Failures != 0 {
		t.Errorf("the master got %+v; %d were served", totals, served.Load())
	}
}

// TestQuitDelivers: Quit returns when all is with the master, and says so with
// EVENT_QUIT; a Boomer may run again.
func TestQuitDelivers(t *testing.T) {
	master := mastertest.New(t)
	quit := subscribed(t, EVENT_QUIT, plainEvent)
	b, _ := workerOf(t, master)
	for range 2 {
		var recorded atomic.Int64
		b.Run(&Task{Fn: func() {
			time.Sleep(20 * time.Millisecond)
			recorded.Add(1)
			b.RecordFailure("GET", "/", 1, "no")
		}})
		id := master.WaitFor("client_ready", time.Minute).Worker
		master.Spawn(id, map[string]int{"Dummy": 5})
		for recorded.Load() < 5 {
			time.Sleep(time.Millisecond)
		}
		b.Quit()
		await(t, "EVENT_QUIT", quit)
		totals := master.Totals().All
		if want := recorded.Load(); totals.Requests != want || totals.Failures != want {
			t.Errorf("the master got %+v of %d", totals, want)
		}
		master.Close()
		master.Reopen()
	}
}

// TestEventQuitEndsTheProgram: a program may publish EVENT_QUIT, and it is not
// published once more.
func TestEventQuitEndsTheProgram(t *testing.T) {
	master := mastertest.New(t)
	quit := subscribed(t, EVENT_QUIT, plainEvent)
	b, _ := workerOf(t, master)
	b.Run(&Task{Fn: func() { time.Sleep(time.Millisecond) }})
	Events.Publish(EVENT_QUIT)
	<-b.engine.Load().ended
	await(t, "EVENT_QUIT", quit)
	if len(quit) > 0 {
		t.Error("EVENT_QUIT was published twice")
	}
}

// TestQuitByThemselves: a task, and a subscriber, may call Quit.
func TestQuitByThemselves(t *testing.T) {
	t.Run("task", func(t *testing.T) {
		b := NewStandaloneBoomer(3, 10).WithLogger((&logText{}).logger())
		b.Run(&Task{Fn: b.Quit})
	})
	t.Run("subscriber", func(t *testing.T) {
		b := NewStandaloneBoomer(3, 10).WithLogger((&logText{}).logger())
		_ = subscribed(t, EVENT_SPAWN, func(func(string)) any {
			return func(int, float64) { b.Quit() }
		})
		b.Run(&Task{Fn: func() { time.Sleep(time.Millisecond) }})
	})
}

// TestPanics: the master is told of a panic with the place where it happened, and the
// user goes on.
func TestPanics(t *testing.T) {
	master := mastertest.New(t)
	b, _ := workerOf(t, master)
	var calls atomic.Int64
	b.Run(&Task{Fn: func() {
		if calls.Add(1) == 1 {
			panic("no such item")
		}
		time.Sleep(time.Millisecond)
		b.RecordSuccess("GET", "/", 1, 1)
	}})
	id := master.WaitFor("client_ready", time.Minute).Worker
	master.Spawn(id, map[string]int{"Dummy": 1})
	m := master.WaitFor("exception", time.Minute)
	if text := fmt.Sprint(m.Data); !strings.Contains(text, "no such item") || !strings.Contains(text, "worker_test.go") {
		t.Errorf("the exception is %s", text)
	}
	for calls.Load() < 10 {
		time.Sleep(time.Millisecond)
	}
	master.Stop(id)
	master.WaitFor("client_stopped", time.Minute)
}

// TestSubscriberPanics: a subscriber that panics stops nothing.
func TestSubscriberPanics(t *testing.T) {
	master := mastertest.New(t)
	_ = subscribed(t, EVENT_SPAWN, func(func(string)) any { return func() { panic("wrong arguments too") } })
	b, _ := workerOf(t, master)
	b.Run(&Task{Fn: func() { time.Sleep(time.Millisecond) }})
	id := master.WaitFor("client_ready", time.Minute).Worker
	master.Spawn(id, map[string]int{"Dummy": 1})
	master.WaitFor("spawning_complete", time.Minute)
}

// TestCustomMessages: what subscribers get is what boomer's decoder makes of it, and
// what a program sends arrives.
func TestCustomMessages(t *testing.T) {
	master := mastertest.New(t)
	got := make(chan *CustomMessage, 1)
	_ = subscribed(t, "test_users", func(func(string)) any { return func(m *CustomMessage) { got <- m } })
	b, text := workerOf(t, master)
	b.SendCustomMessage("early", nil)
	b.Run(&Task{Fn: func() { time.Sleep(time.Millisecond) }})
	id := master.WaitFor("client_ready", time.Minute).Worker
	master.SendCustom(id, EVENT_STOP, nil)
	master.SendCustom(id, "nobody", nil)
	master.SendCustom(id, "test_users", map[string]any{"a": 1, "b": []any{200, -5, 1.5, "x", []byte("y"), true, nil}})
	want := &CustomMessage{Type: "test_users", NodeID: id, Data: map[interface{}]interface{}{
		"a": int64(1), "b": []interface{}{uint64(200), int64(-5), 1.5, []byte("x"), []byte("y"), true, nil},
	}}
	if m := <-got; !reflect.DeepEqual(m, want) {
		t.Errorf("got %#v; want %#v", m, want)
	}
	b.SendCustomMessage("acknowledge_users", "Thanks for the message")
	if m := master.WaitFor("acknowledge_users", time.Minute); m.Data != "Thanks for the message" {
		t.Errorf("the master got %v", m.Data)
	}
	b.SendCustomMessage("struct", struct {
		A int
		b string
		C []string
	}{1, "hidden", []string{"c"}})
	if m := master.WaitFor("struct", time.Minute); !reflect.DeepEqual(m.Data, []any{int64(1), []any{"c"}}) {
		t.Errorf("the master got %#v", m.Data)
	}
	b.SendCustomMessage("bad", func() {})
	for _, want := range []string{`"early" was dropped`, `"bad" was not sent`, "type=nobody", "type=boomer:stop"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log does not have %s", want)
		}
	}
}

// TestRateLimit: the limiter is started and stopped with each test, and bounds what
// all users do together.
func TestRateLimit(t *testing.T) {
	master := mastertest.New(t)
	b, _ := workerOf(t, master)
	b.SetRateLimiter(NewStableRateLimiter(10, time.Hour))
	var calls atomic.Int64
	b.Run(&Task{Fn: func() { calls.Add(1) }})
	id := master.WaitFor("client_ready", time.Minute).Worker
	for i := range 2 {
		master.Spawn(id, map[string]int{"Dummy": 5})
		for calls.Load() < int64(10*(i+1)) {
			time.Sleep(time.Millisecond)
		}
		master.Stop(id)
		master.WaitFor("client_ready", time.Minute)
		if n := calls.Load(); n != int64(10*(i+1)) {
			t.Errorf("%d calls in %d periods of 10", n, i+1)
		}
	}
}

// TestNothingRuns: faults are told, and nothing runs.
func TestNothingRuns(t *testing.T) {
	tests := map[string]struct {
		boomer *Boomer
		tasks  []*Task
		want   string
	}{
		"no task":         {NewBoomer("127.0.0.1", 1), nil, "there is no task"},
		"nil":             {NewBoomer("127.0.0.1", 1), []*Task{nil}, "task 1 is nil"},
		"no function":     {NewBoomer("127.0.0.1", 1), []*Task{{Name: "a"}}, `task 1 ("a") has no Fn`},
		"negative weight": {NewBoomer("127.0.0.1", 1), []*Task{{Weight: -1, Fn: func() {}}}, "negative weight -1"},
		"port":            {NewBoomer("127.0.0.1", 70000), []*Task{{Fn: func() {}}}, "master port 70000"},
		"no users":        {NewStandaloneBoomer(0, 1), []*Task{{Fn: func() {}}}, "a spawn count of 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := &logText{}
			b := test.boomer.WithLogger(text.logger())
			b.SetMode(7)
			b.Run(test.tasks...)
			b.RecordSuccess("GET", "/", 1, 1)
			b.RecordSuccess("GET", "/", 1, 1)
			b.Quit()
			for _, want := range []string{test.want, "nothing runs", "ignored the mode 7", "while no Run runs"} {
				if n := strings.Count(text.String(), want); n != 1 {
					t.Errorf("the log has %q %d times:\n%s", want, n, text)
				}
			}
		})
	}
}

package boomer

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A collector is an output that keeps what it gets.
type collector struct {
	started, stopped int
	events           []map[string]interface{}
}

func (c *collector) OnStart()                            { c.started++ }
func (c *collector) OnStop()                             { c.stopped++ }
func (c *collector) OnEvent(data map[string]interface{}) { c.events = append(c.events, data) }

// breaker is an output that panics.
type breaker struct{}

func (breaker) OnStart()                       { panic("start") }
func (breaker) OnEvent(map[string]interface{}) { panic("event") }
func (breaker) OnStop()                        { panic("stop") }

// sums adds a number of all events up.
func (c *collector) sum(key string) (n int64) {
	for _, data := range c.events {
		n += data["stats_total"].(map[string]interface{})[key].(int64)
	}
	return n
}

// TestStandalone: users run until Quit, and the outputs get each sample once, every
// three seconds and at the end.
func TestStandalone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := &logText{}
		b := NewStandaloneBoomer(4, 2).WithLogger(text.logger())
		c := &collector{}
		b.AddOutput(breaker{})
		b.AddOutput(c)
		var recorded atomic.Int64
		time.AfterFunc(7500*time.Millisecond, b.Quit)
		b.Run(&Task{Weight: 1, Fn: func() {
			time.Sleep(time.Second)
			if recorded.Add(1)%2 == 0 {
				b.RecordFailure("GET", "/b", 250, "out of stock")
				return
			}
			b.RecordSuccess("GET", "/a", 40, 10)
		}})
		if c.started != 1 || c.stopped != 1 || len(c.events) != 3 {
			t.Errorf("OnStart %d, OnEvent %d, OnStop %d times; want 1, 3, 1", c.started, len(c.events), c.stopped)
		}
		if n := c.sum("num_requests"); n != recorded.Load() || n < 25 {
			t.Errorf("the outputs got %d samples of %d", n, recorded.Load())
		}
		if n := c.sum("num_failures"); n != recorded.Load()/2 {
			t.Errorf("the outputs got %d failures of %d", n, recorded.Load()/2)
		}
		if users := c.events[1]["user_count"]; users != int32(4) {
			t.Errorf("the second event has %v users; want 4", users)
		}
		if strings.Count(text.String(), "the output boomer.breaker failed") != 5 {
			t.Errorf("not every failure of an output is in the log:\n%s", text)
		}
	})
}

// TestOnEvent: all fields with their types.
func TestOnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().Unix()
		c := &collector{}
		r := newReporter([]Output{c}, (&logText{}).logger())
		r.users.add("Dummy", 2)
		b := &Boomer{}
		e := &engine{reporter: r}
		b.engine.Store(e)
		r.begin()
		r.record(sample("GET", "/", 40*time.Millisecond, 10))
		r.record(sample("GET", "/", 145*time.Millisecond, 20))
		r.record(failedSample("GET", "/", 3432*time.Millisecond, "no"))
		r.finish()
		row := func(method, name string) map[string]interface{} {
			return map[string]interface{}{
				"name": name, "method": method, "num_requests": int64(3), "num_failures": int64(1), "num_none_requests": 0,
				"total_response_time": int64(3617), "min_response_time": int64(40), "max_response_time": int64(3432),
				"response_times":   map[int64]int64{40: 1, 150: 1, 3400: 1},
				"num_reqs_per_sec": map[int64]int64{now: 3}, "num_fail_per_sec": map[int64]int64{now: 1},
				"total_content_length": int64(30), "start_time": now, "last_request_timestamp": now,
			}
		}
		want := map[string]interface{}{
			"user_count": int32(2), "user_classes_count": map[string]int64{"Dummy": 2},
			"stats": []interface{}{row("GET", "/")}, "stats_total": row("", "Total"),
			"errors": map[string]map[string]interface{}{
				MD5("GET", "/", "no"): {"name": "/", "method": "GET", "error": "no", "occurrences": int64(1)},
			},
		}
		if len(c.events) != 1 || !reflect.DeepEqual(c.events[0], want) {
			t.Errorf("got %v\nwant %v", c.events, want)
		}
	})
}

func TestRounded(t *testing.T) {
	for ms, want := range map[float64]int64{
		0: 0, 0.4: 0, 0.6: 1, 99.4: 99, 100: 100, 147: 150, 144: 140, 999: 1000, 3432: 3400, 9999: 10000, 58760: 59000,
	} {
		if got := rounded(time.Duration(ms * float64(time.Millisecond))); got != want {
			t.Errorf("%v ms: %d; want %d", ms, got, want)
		}
	}
}

// TestRunOnce: --run-tasks calls the named tasks and shows what they record.
func TestRunOnce(t *testing.T) {
	text := &logText{}
	defaultBoomer.WithLogger(text.logger())
	t.Cleanup(func() { defaultBoomer.custom = nil })
	var called []string
	task := func(name string, record func()) *Task {
		return &Task{Name: name, Fn: func() {
			called = append(called, name)
			record()
		}}
	}
	runOnce("b, c,missing", []*Task{
		task("a", func() {}),
		task("b", func() { RecordSuccess("GET", "/b", 12, 34) }),
		task("c", func() { RecordFailure("GET", "/c", 5, "broken") }),
		task("", func() {}),
		nil,
	})
	if !reflect.DeepEqual(called, []string{"b", "c"}) {
		t.Errorf("called %q", called)
	}
	for _, want := range []string{`GET "/b": 12ms, 34 bytes`, `GET "/c": failed after 5ms: broken`} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, text)
		}
	}
}

// TestLegacyEvents: samples may be published, with any number for the time.
func TestLegacyEvents(t *testing.T) {
	c := &collector{}
	text := &logText{}
	b := NewStandaloneBoomer(1, 1).WithLogger(text.logger())
	b.AddOutput(c)
	subscribeLegacy(b)
	var once atomic.Bool
	b.Run(&Task{Fn: func() {
		if once.Swap(true) {
			time.Sleep(time.Millisecond)
			return
		}
		publish("request_success", "GET", "/", 1.5, int64(10))
		publish("request_success", "GET", "/", int64(2), int64(10))
		publish("request_success", "GET", "/", uint8(3), int64(10))
		publish("request_failure", "GET", "/", 4, "no")
		publish("request_failure", "GET", "/", "soon", "no")
		b.Quit()
	}})
	if n, failures := c.sum("num_requests"), c.sum("num_failures"); n != 4 || failures != 1 {
		t.Errorf("%d samples with %d failures; want 4 with 1", n, failures)
	}
	if n := strings.Count(text.String(), "is slow"); n != 2 {
		t.Errorf("warned %d times; want once an event:\n%s", n, text)
	}
}

// TestProfiles: they are complete when the run ends before their time.
func TestProfiles(t *testing.T) {
	cpu, memory := filepath.Join(t.TempDir(), "cpu"), filepath.Join(t.TempDir(), "memory")
	b := NewStandaloneBoomer(1, 1).WithLogger((&logText{}).logger())
	b.EnableCPUProfile(cpu, time.Hour)
	b.EnableMemoryProfile(memory, time.Hour)
	b.Run(&Task{Fn: b.Quit})
	for _, file := range []string{cpu, memory} {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("the profile is empty: %v", err)
		}
	}
	if err := StartCPUProfile(filepath.Join(t.TempDir(), "none", "cpu"), time.Second); err == nil {
		t.Error("no error for a folder that is not there")
	}
	if err := StartMemoryProfile(filepath.Join(t.TempDir(), "none", "memory"), time.Second); err == nil {
		t.Error("no error for a folder that is not there")
	}
}

func TestProcess(t *testing.T) {
	if GetCurrentMemUsage() == 0 {
		t.Error("the process uses no memory")
	}
	if usage := GetCurrentCPUUsage(); usage < 0 || usage > 100 {
		t.Errorf("the process uses %v %% of the CPU", usage)
	}
	if got := MD5("GET", "/", "no"); got != MD5("GET/no") || len(got) != 32 {
		t.Errorf("MD5 gives %s", got)
	}
	if now := Now(); time.Since(time.UnixMilli(now)) > time.Minute {
		t.Errorf("now is %d", now)
	}
}

package mastertest

import (
	"math"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// sample is a report of n requests for a name, one of them failed.
func sample(name string, n int64) wire.Stats {
	now := time.Unix(1_795_000_000, 0)
	e := wire.Entry{
		Name: name, Method: "GET", Start: now, LastRequest: now, Requests: n, Failures: 1, TotalTime: time.Duration(n) * time.Millisecond,
		Max: time.Millisecond, Min: 250 * time.Microsecond, HasMin: true, ContentLength: 9,
		ResponseTimes:  map[int64]int64{1000: n - 1, 250: 1},
		RequestsPerSec: map[int64]int64{now.Unix(): n}, FailuresPerSec: map[int64]int64{now.Unix(): 1},
	}
	return wire.Stats{
		Entries: []wire.Entry{e}, Total: e, UserClassesCount: map[string]int{"A": 2}, UserCount: 2,
		Errors: map[string]wire.ErrorEntry{wire.ErrorKey("GET", name, "boom"): {
			Name: name, Method: "GET", Error: "boom", Occurrences: 1, FirstSeen: now, LastSeen: now,
		}},
	}
}

func TestTotals(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := dial(t, m, "w")
		c.join(0)
		check := func(when string, want Totals) {
			t.Helper()
			synctest.Wait()
			if got := m.Totals(); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %+v, want %+v", when, got, want)
			}
		}
		a, b := Row{"GET", "/a"}, Row{"GET", "/b"}
		m.Spawn("w", map[string]int{"A": 1})
		c.send(sample("/a", 3), sample("/b", 4), sample("/a", 5))
		first := Totals{
			Rows: map[Row]Count{a: {8, 2}, b: {4, 1}}, All: Count{12, 3},
			Errors: map[Row]map[string]int64{a: {"boom": 2}, b: {"boom": 1}},
		}
		check("first run", first)
		m.Spawn("w", map[string]int{"A": 2})
		check("after a second spawn", first)
		m.Stop("w")
		m.Drop("w")
		c.send(sample("/b", 2))
		first.Rows[b], first.All, first.Errors[b] = Count{6, 2}, Count{14, 4}, map[string]int64{"boom": 2}
		check("a late report", first)
		m.Spawn("w", map[string]int{"A": 1})
		check("second run", newTotals())
		c.send(sample("/b", 2))
		check("second run", Totals{
			Rows: map[Row]Count{b: {2, 1}}, All: Count{2, 1}, Errors: map[Row]map[string]int64{b: {"boom": 1}},
		})
		m.Close()
		m.Reopen()
		check("new master", newTotals())
	})
}

func TestReport(t *testing.T) {
	m := NewInMemory(t)
	c := dial(t, m, "w")
	c.join(0)
	c.send(sample("/a", 3))
	message := m.WaitFor("stats", waitLimit)
	now := time.Unix(1_795_000_000, 0)
	entry := Entry{
		Method: "GET", Name: "/a", Requests: 3, Failures: 1, TotalMS: 3, MaxMS: 1, MinMS: 0.25, ContentLength: 9,
		ResponseTimes: map[float64]int64{1: 2, 0.25: 1}, RequestsPerSec: map[int64]int64{now.Unix(): 3},
		FailuresPerSec: map[int64]int64{now.Unix(): 1}, Start: now, LastRequest: now,
	}
	total := entry
	total.Method, total.Name = "", "Aggregated"
	want := Report{Entries: []Entry{entry}, Total: total, Errors: []Failure{{
		Key: wire.ErrorKey("GET", "/a", "boom"), Method: "GET", Name: "/a", Error: "boom", Occurrences: 1, FirstSeen: now, LastSeen: now,
	}}}
	if got := message.Report(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := message.UserClasses(); !reflect.DeepEqual(got, map[string]int{"A": 2}) || message.UserCount() != 2 {
		t.Errorf("users %v, %d", got, message.UserCount())
	}
	if empty := (Message{}).Report(); empty.Total.Requests != 0 || !math.IsNaN(empty.Total.MinMS) {
		t.Errorf("got %+v", empty)
	}
}

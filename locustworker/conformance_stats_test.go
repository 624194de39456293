package locustworker

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items of section 5 of the conformance list: reports. How samples become
// figures is held against Locust's own code in internal/stats.

// firstReport returns the first report with a sample of a user that records these.
func firstReport(t *testing.T, samples []Sample, check func(s *stage, began time.Time, r mastertest.Report)) {
	t.Helper()
	class := func(*stage) []Class {
		return []Class{doing("Once", func(d *doer) error {
			for _, sample := range samples {
				d.Record(sample)
			}
			return ErrStopUser
		})}
	}
	perform(t, play{classes: class}, func(s *stage) {
		s.id()
		time.Sleep(4 * time.Second) // a report went at 3 s
		s.master.Spawn(mastertest.Everyone, map[string]int{"Once": 1})
		began := time.Now()
		m := s.master.WaitUntil("a report with a sample", time.Minute, func(m mastertest.Message) bool {
			return m.Type == "stats" && len(m.Report().Entries) > 0
		})
		check(s, began, m.Report())
	})
}

// Conformance: F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, X7, X10, ER1, ER4
func TestConformanceFieldsOfAReport(t *testing.T) {
	samples := []Sample{
		{Type: http.MethodGet, Name: "/a", ResponseTime: 1500 * time.Microsecond, Length: 10},
		{Type: http.MethodGet, Name: "/a", ResponseTime: 145 * time.Millisecond, Length: 5},
		{Type: http.MethodGet, Name: "/a", NoTime: true, Length: 1},
		{Type: http.MethodGet, Name: "/a", ResponseTime: 12500 * time.Millisecond, Length: 2, Err: errors.New("it's bad")},
		{Type: http.MethodPut, Name: "/a", NoTime: true},
	}
	firstReport(t, samples, func(_ *stage, began time.Time, r mastertest.Report) {
		second := began.Unix()
		want := mastertest.Entry{
			Method: http.MethodGet, Name: "/a", Requests: 4, NoneRequests: 1, Failures: 1, ContentLength: 18,
			TotalMS: 12646.5, MaxMS: 12500, MinMS: 1.5, ResponseTimes: map[float64]int64{1.5: 1, 140: 1, 12000: 1},
			RequestsPerSec: map[int64]int64{second: 4}, FailuresPerSec: map[int64]int64{second: 1},
			Start: began, LastRequest: began, // the run's beginning has reset the entries
		}
		for _, e := range r.Entries {
			if e.Method == http.MethodGet && !reflect.DeepEqual(e, want) {
				t.Errorf("the entry is\n%+v\nwant\n%+v", e, want)
			}
			if e.Method == http.MethodPut && (!math.IsNaN(e.MinMS) || e.MaxMS != 0 || e.Requests != 1 || len(e.ResponseTimes) != 0) {
				t.Errorf("the entry without a time is %+v", e)
			}
		}
		if r.Total.Requests != 5 || r.Total.TotalMS != 12646.5 || len(r.Entries) != 2 {
			t.Errorf("%d entries, in all %+v", len(r.Entries), r.Total)
		}
		seen := mastertest.Failure{
			Key: r.Errors[0].Key, Method: http.MethodGet, Name: "/a", Error: "it's bad", Occurrences: 1, FirstSeen: began, LastSeen: began,
		}
		if len(r.Errors) != 1 || r.Errors[0] != seen || len(seen.Key) != 64 {
			t.Errorf("the errors are %+v", r.Errors)
		}
	})
}

// Conformance: X2, ER3
func TestConformanceReportsStartAnew(t *testing.T) {
	samples := []Sample{{Type: http.MethodGet, Name: "/", Err: errors.New("x")}}
	firstReport(t, samples, func(s *stage, _ time.Time, _ mastertest.Report) {
		for range 3 {
			r := s.master.WaitFor("stats", 5*time.Second).Report()
			if len(r.Entries)+len(r.Errors) > 0 || r.Total.Requests != 0 {
				t.Errorf("a sample comes twice: %+v", r)
			}
		}
		if totals := s.master.Totals().All; totals != (mastertest.Count{Requests: 1, Failures: 1}) {
			t.Errorf("in all %+v", totals)
		}
	})
}

// Conformance: ER3
func TestConformanceIdsInErrorsMakeOneRow(t *testing.T) {
	var samples []Sample
	for i := range 10_000 {
		samples = append(samples, Sample{Type: http.MethodGet, Name: "/", Err: clientError(fmt.Sprintf("order %d of 10.0.0.%d:%d is lost", 1_000_000+i, i%250, 40_000+i))})
	}
	firstReport(t, samples, func(_ *stage, _ time.Time, r mastertest.Report) {
		if len(r.Errors) != 1 || r.Errors[0].Occurrences != 10_000 {
			t.Errorf("%d rows; the first is %+v", len(r.Errors), r.Errors[0])
		}
	})
}

// Conformance: F1, F3, X3, X11
func TestConformanceIdleReports(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		s.id()
		time.Sleep(30*time.Second + 500*time.Millisecond)
		synctest.Wait()
		reports := s.master.OfType("stats")
		if len(reports) != 11 {
			t.Errorf("%d reports in 30.5s; want one at the ack and every 3s", len(reports))
		}
		for i, m := range reports {
			r := m.Report()
			if m.At.Sub(reports[0].At) != time.Duration(i)*3*time.Second || r.Total.Requests != 0 || !r.Total.LastRequest.IsZero() {
				t.Errorf("report %d after %v: %+v", i, m.At.Sub(reports[0].At), r)
			}
		}
	})
}

package locustworker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// TestNegativeResponseTimesCountAsZero, for the master and for the Request event.
func TestNegativeResponseTimesCountAsZero(t *testing.T) {
	samples := []Sample{
		{Type: "GET", Name: "/neg", ResponseTime: -50 * time.Millisecond},
		{Type: "GET", Name: "/neg", ResponseTime: 10 * time.Millisecond},
	}
	firstReport(t, samples, func(_ *stage, _ time.Time, r mastertest.Report) {
		for _, e := range append(r.Entries, r.Total) {
			if e.MinMS != 0 || e.TotalMS != 10 || e.MaxMS != 10 || e.ResponseTimes[0] != 1 {
				t.Errorf("the master gets %+v", e)
			}
		}
	})
}

// TestNamesAndErrorsWithoutBound: a run has a limited number of rows, nothing is
// lost, and the log says so once, with the first of those that have no row.
func TestNamesAndErrorsWithoutBound(t *testing.T) {
	n := 0
	class := func(*stage) []Class {
		return []Class{doing("Shop", func(d *doer) error {
			for range 100 {
				n++
				d.Record(Sample{Type: "GET", Name: fmt.Sprint("/items/", n), Err: errors.New(fmt.Sprint("no item ", n))})
			}
			return nil
		})}
	}
	perform(t, play{cfg: Config{MaxRows: 250, MaxErrors: 120}, classes: class}, func(s *stage) {
		s.spawned(map[string]int{"Shop": 1})
		time.Sleep(20 * time.Second)
		s.master.Stop(s.worker.hooks.env.ClientID())
		s.master.Expect("client_stopped", "client_ready")
		rows, errs := map[string]int64{}, map[string]int64{}
		for _, m := range s.master.OfType("stats") {
			for _, e := range m.Report().Entries {
				rows[e.Name] += e.Requests
			}
			for _, e := range m.Report().Errors {
				errs[e.Key] += e.Occurrences
			}
		}
		if all := s.master.Totals().All; all.Requests != int64(n) || all.Failures != int64(n) {
			t.Errorf("%d recorded, the master has %+v", n, all)
		}
		if len(rows) != 251 || rows["other"] != int64(n-250) {
			t.Errorf("%d rows, %d requests of %d in the row of the others", len(rows), rows["other"], n)
		}
		if len(errs) > 120+251 {
			t.Errorf("%d rows of errors", len(errs))
		}
		for _, text := range []string{"TOO MANY DIFFERENT NAMES", "/items/251", "TOO MANY DIFFERENT ERRORS"} {
			if got := s.logged(text); got != 1 {
				t.Errorf("%d lines with %q in the log", got, text)
			}
		}
	})
}

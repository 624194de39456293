// Package figures is what a run has measured so far, with the figures that
// Locust's tables, files and pages show of it (RequestStats and StatsEntry in
// locust/stats.py).
package figures

import (
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// window is how many reports current percentiles look back on. Reports are
// taken once a second (Locust's CURRENT_RESPONSE_TIME_PERCENTILE_WINDOW).
const window = 10

// A Table sums reports up. The zero Table is empty and ready for use. It is not
// safe for concurrent use.
type Table struct {
	all        stats.Report
	recent     []stats.Report // the last ones, at most window
	exceptions []Exception
}

// An Exception is an error of user code, with how often it occurred.
type Exception struct {
	Count              int64
	Message, Traceback string
}

// Add adds what was recorded since the last report.
func (t *Table) Add(r stats.Report) {
	t.all.Merge(r)
	if len(t.recent) == window {
		t.recent = slices.Delete(t.recent, 0, 1)
	}
	t.recent = append(t.recent, r)
}

// Reset drops all rows and errors, but no exceptions (reset_all).
func (t *Table) Reset() { t.all, t.recent = stats.Report{}, nil }

// SetExceptions sets the errors of user code.
func (t *Table) SetExceptions(all []Exception) { t.exceptions = all }

// Exceptions returns the errors of user code.
func (t *Table) Exceptions() []Exception { return t.exceptions }

// Start returns when the run began, or was reset.
func (t *Table) Start() time.Time { return t.all.Start }

// Last returns the completion of the latest request; zero if there is none.
func (t *Table) Last() time.Time { return t.all.Total.LastRequest }

// Errors returns the failures, sorted by name, method and text. Do not change
// them.
func (t *Table) Errors() []stats.ErrorEntry { return t.all.Errors }

// Rows returns a row for each name and method, sorted by these. They show the
// table as it is until the next Add or Reset.
func (t *Table) Rows() []Row {
	rows := make([]Row, len(t.all.Entries))
	for i := range t.all.Entries {
		rows[i] = Row{Entry: &t.all.Entries[i], table: t}
	}
	return rows
}

// Total returns the row of all requests, named Aggregated.
func (t *Table) Total() Row {
	if t.all.Total.Name == "" {
		t.all.Total.Name = stats.AggregatedName
	}
	return Row{Entry: &t.all.Total, table: t}
}

// Select returns the sum of all rows with a name, and a method unless it is "",
// or false when there is none.
func (t *Table) Select(method, name string) (Row, bool) {
	var sum stats.Report
	for _, e := range t.all.Entries {
		if e.Name == name && (method == "" || e.Method == method) {
			e.Method = method
			sum.Merge(stats.Report{Entries: []stats.Entry{e}})
		}
	}
	if len(sum.Entries) == 0 {
		return Row{}, false
	}
	return Row{Entry: &sum.Entries[0], table: t}, true
}

// Requests returns how many requests of a method there are.
func (t *Table) Requests(method string) int64 {
	var n int64
	for i := range t.all.Entries {
		if t.all.Entries[i].Method == method {
			n += t.all.Entries[i].Requests
		}
	}
	return n
}

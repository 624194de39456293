// Package threshold judges a run by rules such as "p(95) < 200ms".
//
// A rule is [type:TYPE] [name:NAME:] METRIC COMPARISON VALUE. NAME is the name of
// a row, TYPE its method; without a name the rule is about all requests. The
// metrics are p(N), avg, med, min and max (times), fail_ratio (a share), rps (a
// rate), count, fails and dropped (numbers). Times are as 200ms, 1.5s, 800us, 1m
// or 200, which is milliseconds; shares are as 1% or 0.01. The comparisons are <,
// <=, >, >=, == and !=.
//
// master/thresholds.py has the same rules for a Locust master;
// testdata/vectors.json holds the two together.
package threshold

import (
	"strconv"
	"strings"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// DroppedType is the method of rows that count requests that were due and not
// made.
const DroppedType = "DROPPED"

// A kind says how the value of a metric is written.
type kind int

const (
	duration kind = iota // milliseconds
	share                // from 0 to 1
	rate                 // a second
	number
)

// A Threshold is one rule. Parse makes it.
type Threshold struct {
	text   string
	method string // "" is any
	name   string // "" is all rows
	metric string // p for percentiles
	share  float64
	kind   kind
	op     string
	bound  float64
}

// String returns the rule as it was written.
func (t Threshold) String() string { return t.text }

// JudgesFailures reports whether the rule says how many requests of the whole run
// may fail.
func (t Threshold) JudgesFailures() bool {
	return t.name == "" && (t.metric == "fail_ratio" || t.metric == "fails")
}

// A Result is what a table makes of a rule.
type Result struct {
	Threshold Threshold
	// Value is what the rule is about, in milliseconds, as a share, a second or as
	// a number.
	Value float64
	// Missing says that there is no request that the rule could be about. Such a
	// rule is not held.
	Missing bool
	Held    bool
}

// Measured returns the value as text.
func (r Result) Measured() string {
	if r.Missing {
		return "no requests"
	}
	switch r.Threshold.kind {
	case duration:
		return decimals(r.Value, 3) + " ms"
	case share:
		return decimals(r.Value*100, 3) + "%"
	case rate:
		return decimals(r.Value, 2) + " /s"
	case number:
	}
	return decimals(r.Value, 0)
}

// decimals writes a number with so many digits at most.
func decimals(x float64, digits int) string {
	text := strconv.FormatFloat(x, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Judge holds a table against the rule.
func (t Threshold) Judge(table *figures.Table) Result {
	value, found := t.measure(table)
	return Result{Threshold: t, Value: value, Missing: !found, Held: found && t.holds(value)}
}

// Broken reports whether a run that goes on is to be ended by the rule: it is not
// held, and a lower bound of what grows with the run may not yet be met.
func (t Threshold) Broken(table *figures.Table) bool {
	r := t.Judge(table)
	if r.Held || r.Missing {
		return false
	}
	if t.kind == number || t.kind == rate {
		switch t.op {
		case "<", "<=":
			return true
		case "==":
			return t.kind == number && r.Value > t.bound
		}
		return false
	}
	return true
}

func (t Threshold) holds(value float64) bool {
	switch t.op {
	case "<":
		return value < t.bound
	case "<=":
		return value <= t.bound
	case ">":
		return value > t.bound
	case ">=":
		return value >= t.bound
	case "==":
		return value == t.bound
	}
	return value != t.bound
}

// measure returns the value of the metric, or false when there is no request that
// it could be about.
func (t Threshold) measure(table *figures.Table) (float64, bool) {
	if t.metric == "dropped" {
		return t.dropped(table), true
	}
	row, found := table.Total(), true
	if t.name != "" {
		row, found = table.Select(t.method, t.name)
	}
	if !found {
		return 0, t.kind == number || t.kind == rate
	}
	switch t.metric {
	case "count":
		return float64(row.Requests), true
	case "fails":
		return float64(row.Failures), true
	case "rps":
		return row.RPS(), true
	case "fail_ratio":
		return row.FailRatio(), row.Requests > 0
	}
	return t.time(row), row.Timed() > 0
}

func (t Threshold) dropped(table *figures.Table) float64 {
	if t.name == "" {
		return float64(table.Requests(DroppedType))
	}
	row, found := table.Select(DroppedType, t.name)
	if !found {
		return 0
	}
	return float64(row.Requests)
}

func (t Threshold) time(row figures.Row) float64 {
	switch t.metric {
	case "avg":
		return row.Average()
	case "med":
		return row.Median()
	case "min":
		return row.Shortest()
	case "max":
		return row.Longest()
	}
	return row.Percentiles(t.share)[0]
}

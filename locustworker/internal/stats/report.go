package stats

import (
	"math"
	"strings"
	"time"
)

// AggregatedName is the name of the entry that sums up all others, as Locust
// spells it; its method is empty.
const AggregatedName = "Aggregated"

// Report is what a [Store] has recorded between two calls of [Store.Take].
//
// The zero Report is empty and ready for [Report.Merge]. Copies of a Report
// share its maps. A Report is not safe for concurrent use.
type Report struct {
	Start   time.Time    // the previous Take or Reset, or New
	End     time.Time    // this Take
	Entries []Entry      // sorted by name, then method; each has requests
	Total   Entry        // exactly the merged Entries; named AggregatedName
	Errors  []ErrorEntry // sorted by name, method, text; never two with the same three

	maxErrors int // limit of rows in Errors; 0: none known yet
}

// Entry is what one row of the statistics table is made of (StatsEntry in
// locust/stats.py). All times are exact, all maps are non-nil in what Take and
// Merge make, and sums that would overflow stay at the largest value.
type Entry struct {
	Name   string
	Method string

	// Start is the previous Take or Reset: an entry begins when it was last
	// reset (StatsEntry.reset), not at its first request.
	Start       time.Time
	LastRequest time.Time // completion of the latest request; zero: none

	Requests     int64 // all samples, those that failed or have no time included
	NoneRequests int64 // samples without a time
	Failures     int64 // samples that failed

	TotalTime time.Duration
	Max       time.Duration // never below zero
	Min       time.Duration // valid only if HasMin
	HasMin    bool          // whether any sample had a time

	ContentLength int64

	ResponseTimes  map[int64]int64 // bucket key in microseconds, see Buckets.Key → samples
	RequestsPerSec map[int64]int64 // unix second → samples completed in it
	FailuresPerSec map[int64]int64 // unix second → failed samples completed in it
}

// Empty reports whether there is nothing in the report.
func (r Report) Empty() bool {
	return r.Total.Requests == 0 && len(r.Entries) == 0 && len(r.Errors) == 0
}

// Merge adds other to r, so that r is what one report over both times would
// have been: the rule is that of StatsEntry.extend and of the master's listener
// for worker reports. It leaves other as it is and keeps nothing of its maps. The
// time that it takes grows with the number of entries of both.
func (r *Report) Merge(other Report) {
	r.Start = earlier(r.Start, other.Start)
	r.End = later(r.End, other.End)
	if r.maxErrors == 0 {
		r.maxErrors = other.maxErrors
	}
	r.makeEntries(other.Entries)
	i := 0
	for j := range other.Entries {
		for compareEntries(&r.Entries[i], &other.Entries[j]) != 0 {
			i++
		}
		r.Entries[i].merge(&other.Entries[j])
	}
	r.Total.Name, r.Total.Method = AggregatedName, ""
	r.Total.merge(&other.Total)
	r.Errors = mergeErrors(r.Errors, other.Errors, r.maxErrors)
}

// makeEntries gives r an empty entry for each of others that it has none for. Both
// are sorted.
func (r *Report) makeEntries(others []Entry) {
	missing := make([]Entry, 0, len(others))
	i := 0
	for j := range others {
		for i < len(r.Entries) && compareEntries(&r.Entries[i], &others[j]) < 0 {
			i++
		}
		if i == len(r.Entries) || compareEntries(&r.Entries[i], &others[j]) != 0 {
			missing = append(missing, Entry{Name: others[j].Name, Method: others[j].Method})
		}
	}
	if len(missing) == 0 {
		return
	}
	all := make([]Entry, 0, len(r.Entries)+len(missing))
	i = 0
	for _, e := range r.Entries {
		for i < len(missing) && compareEntries(&missing[i], &e) < 0 {
			all = append(all, missing[i])
			i++
		}
		all = append(all, e)
	}
	all = append(all, missing[i:]...)
	r.Entries = all
}

func compareEntries(a, b *Entry) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Method, b.Method)
}

// merge adds other's figures to e (StatsEntry.extend).
func (e *Entry) merge(other *Entry) {
	e.Start = earlier(e.Start, other.Start)
	e.LastRequest = later(e.LastRequest, other.LastRequest)
	e.Requests += other.Requests
	e.NoneRequests += other.NoneRequests
	e.Failures += other.Failures
	e.TotalTime = addCapped(e.TotalTime, other.TotalTime)
	e.Max = max(e.Max, other.Max)
	if other.HasMin && (!e.HasMin || other.Min < e.Min) {
		e.Min, e.HasMin = other.Min, true
	}
	e.ContentLength = addCapped(e.ContentLength, other.ContentLength)
	addCounts(&e.ResponseTimes, other.ResponseTimes)
	addCounts(&e.RequestsPerSec, other.RequestsPerSec)
	addCounts(&e.FailuresPerSec, other.FailuresPerSec)
}

// addCounts adds the counts of src to those of dst, which it makes if need be.
func addCounts(dst *map[int64]int64, src map[int64]int64) {
	if *dst == nil {
		*dst = make(map[int64]int64, len(src))
	}
	for key, count := range src {
		(*dst)[key] += count
	}
}

// addCapped returns a+b, or the nearest value in range if that overflows: one
// absurd time or length must not turn a sum negative.
func addCapped[T ~int64](a, b T) T {
	sum := a + b
	switch {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	default:
		return sum
	}
}

// earlier returns the earlier of two times, of which a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// later returns the later of two times, of which a zero one does not count.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.After(a) {
		return b
	}
	return a
}

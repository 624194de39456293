package figures

import (
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// The window of current rates, in seconds before the last request: Locust leaves
// out the last two, whose reports a master may not have yet.
const (
	ratesFrom = 12
	ratesTo   = 2
)

// A Row is one line of a table. Times are in milliseconds.
type Row struct {
	*stats.Entry
	table *Table
}

// FailRatio returns the share of failed requests, from 0 to 1.
func (r Row) FailRatio() float64 {
	switch {
	case r.Requests > 0:
		return float64(r.Failures) / float64(r.Requests)
	case r.Failures > 0:
		return 1
	}
	return 0
}

// Timed returns how many requests have a response time.
func (r Row) Timed() int64 { return r.Requests - r.NoneRequests }

// Average returns the mean response time; 0 without one.
func (r Row) Average() float64 {
	if r.Timed() == 0 {
		return 0
	}
	return millis(r.TotalTime) / float64(r.Timed())
}

// Shortest returns the smallest response time; 0 without one.
func (r Row) Shortest() float64 { return millis(r.Min) }

// Longest returns the largest response time; 0 without one.
func (r Row) Longest() float64 { return millis(r.Max) }

// Median returns the median, which is never outside of Shortest and Longest
// (median_response_time).
func (r Row) Median() float64 {
	if len(r.ResponseTimes) == 0 {
		return 0
	}
	median := r.Percentiles(0.5)[0]
	if median > r.Longest() {
		return r.Longest()
	}
	if r.HasMin && median < r.Shortest() {
		return r.Shortest()
	}
	return median
}

// Percentiles returns the response times that these shares of the requests, from
// 0 to 1, stayed within: bucket values, by Locust's rule
// (calculate_response_time_percentile). 0 without a response time.
func (r Row) Percentiles(shares ...float64) []float64 {
	return percentiles(r.ResponseTimes, r.Timed(), shares)
}

// CurrentPercentiles is Percentiles of about the last ten seconds.
func (r Row) CurrentPercentiles(shares ...float64) []float64 {
	sum, timed := make(map[int64]int64), int64(0)
	for i := range r.table.recent {
		e := find(&r.table.recent[i], r.Entry)
		if e == nil {
			continue
		}
		for key, n := range e.ResponseTimes {
			sum[key] += n
		}
		timed += e.Requests - e.NoneRequests
	}
	return percentiles(sum, timed, shares)
}

// find returns the entry of a report with the name and method of like, or nil.
func find(r *stats.Report, like *stats.Entry) *stats.Entry {
	if like.Method == "" && like.Name == stats.AggregatedName {
		return &r.Total
	}
	i := slices.IndexFunc(r.Entries, func(e stats.Entry) bool { return e.Name == like.Name && e.Method == like.Method })
	if i < 0 {
		return nil
	}
	return &r.Entries[i]
}

func percentiles(counts map[int64]int64, n int64, shares []float64) []float64 {
	keys := make([]int64, 0, len(counts))
	for key := range counts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	slices.Reverse(keys)
	values := make([]float64, len(shares))
	for i, share := range shares {
		rank, seen := int64(float64(n)*share), int64(0)
		for _, key := range keys {
			if seen += counts[key]; n-seen <= rank {
				values[i] = float64(key) / 1000
				break
			}
		}
	}
	return values
}

// RPS returns the requests a second from the start to the last request of the
// whole table (total_rps).
func (r Row) RPS() float64 { return r.rate(r.Requests) }

// FailuresPerSecond returns the failures a second (total_fail_per_sec).
func (r Row) FailuresPerSecond() float64 { return r.rate(r.Failures) }

func (r Row) rate(n int64) float64 {
	span := r.table.Last().Sub(r.table.Start())
	if r.table.Last().IsZero() || r.table.Start().IsZero() || span == 0 {
		return 0
	}
	return float64(n) / span.Seconds()
}

// CurrentRPS returns the requests a second of about the last ten seconds
// (current_rps).
func (r Row) CurrentRPS() float64 { return r.current(r.RequestsPerSec) }

// CurrentFailuresPerSecond returns the failures a second of about the last ten
// seconds (current_fail_per_sec).
func (r Row) CurrentFailuresPerSecond() float64 { return r.current(r.FailuresPerSec) }

func (r Row) current(perSecond map[int64]int64) float64 {
	if r.table.Last().IsZero() {
		return 0
	}
	last, sum := r.table.Last().Unix(), int64(0)
	from := last - ratesFrom
	if start := r.table.Start(); !start.IsZero() {
		from = max(from, start.Unix())
	}
	for second := from; second < last-ratesTo; second++ {
		sum += perSecond[second]
	}
	return float64(sum) / float64(max(last-ratesTo-from, 1))
}

// AverageLength returns the mean size of a response in bytes.
func (r Row) AverageLength() float64 {
	if r.Requests == 0 {
		return 0
	}
	return float64(r.ContentLength) / float64(r.Requests)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

package boomer

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// A tally has the figures of the samples since the last report, for outputs. Its
// methods are safe for concurrent use.
type tally struct {
	mu       sync.Mutex
	rows     map[rowKey]*row
	total    *row
	failures map[string]*failure
}

type rowKey struct{ method, name string }

// A row has the figures of one type and name, or of all.
type row struct {
	rowKey
	requests, failures      int64
	time, shortest, longest time.Duration   // of all requests together, and of one
	times                   map[int64]int64 // requests by rounded milliseconds
	perSecond, failedIn     map[int64]int64 // requests and failures by second
	length                  int64
	began, last             int64 // seconds since 1970
}

type failure struct {
	rowKey
	text  string
	count int64
}

func newRow(key rowKey, now time.Time) *row {
	return &row{
		rowKey: key, times: make(map[int64]int64), perSecond: make(map[int64]int64), failedIn: make(map[int64]int64),
		began: now.Unix(), last: now.Unix(),
	}
}

// reset forgets all samples.
func (t *tally) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resetLocked()
}

func (t *tally) resetLocked() {
	t.rows = make(map[rowKey]*row)
	t.total = newRow(rowKey{name: "Total"}, time.Now())
	t.failures = make(map[string]*failure)
}

// add counts a sample.
func (t *tally) add(s locustworker.Sample) {
	now := time.Now()
	key := rowKey{s.Type, s.Name}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.resetLocked()
	}
	r := t.rows[key]
	if r == nil {
		r = newRow(key, now)
		t.rows[key] = r
	}
	r.add(s, now)
	t.total.add(s, now)
	if s.Err == nil {
		return
	}
	text := s.Err.Error()
	id := MD5(s.Type, s.Name, text)
	f := t.failures[id]
	if f == nil {
		f = &failure{rowKey: key, text: text}
		t.failures[id] = f
	}
	f.count++
}

func (r *row) add(s locustworker.Sample, now time.Time) {
	took := max(s.ResponseTime, 0)
	if r.requests == 0 || took < r.shortest {
		r.shortest = took
	}
	r.longest = max(r.longest, took)
	r.requests++
	r.time += took
	r.times[rounded(took)]++
	r.length += s.Length
	r.last = now.Unix()
	r.perSecond[r.last]++
	if s.Err != nil {
		r.failures++
		r.failedIn[r.last]++
	}
}

// rounded returns the milliseconds of a time with two digits, or all below 100, so
// that there are not too many different ones (RequestStats' buckets).
func rounded(d time.Duration) int64 {
	ms := wholeMilliseconds(d)
	switch {
	case ms < 100:
		return ms
	case ms < 1000:
		return (ms + 5) / 10 * 10
	case ms < 10_000:
		return (ms + 50) / 100 * 100
	}
	return (ms + 500) / 1000 * 1000
}

func wholeMilliseconds(d time.Duration) int64 {
	return int64(math.Round(float64(d) / float64(time.Millisecond)))
}

// take returns what OnEvent gets, without the users, and forgets it.
func (t *tally) take() map[string]any {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rows == nil {
		t.resetLocked()
	}
	rows := slices.SortedFunc(maps.Values(t.rows), func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.method, b.method))
	})
	stats := make([]interface{}, 0, len(rows))
	for _, r := range rows {
		stats = append(stats, r.fields())
	}
	failures := make(map[string]map[string]interface{}, len(t.failures))
	for id, f := range t.failures {
		failures[id] = map[string]interface{}{"method": f.method, "name": f.name, "error": f.text, "occurrences": f.count}
	}
	data := map[string]any{"stats": stats, "stats_total": t.total.fields(), "errors": failures}
	t.resetLocked()
	return data
}

// fields are the row as boomer's outputs know it.
func (r *row) fields() map[string]interface{} {
	return map[string]interface{}{
		"name": r.name, "method": r.method,
		"num_requests": r.requests, "num_failures": r.failures, "num_none_requests": 0,
		"total_response_time": wholeMilliseconds(r.time),
		"min_response_time":   wholeMilliseconds(r.shortest),
		"max_response_time":   wholeMilliseconds(r.longest),
		"response_times":      r.times,
		"num_reqs_per_sec":    r.perSecond, "num_fail_per_sec": r.failedIn,
		"total_content_length": r.length,
		"start_time":           r.began, "last_request_timestamp": r.last,
	}
}

package mastertest

import (
	"math"
)

// stats checks the fields of a report, and that its sums agree with each other.
func (f *faults) stats(data any) {
	fields := f.fields(data, "stats", "stats_total", "errors", "user_classes_count", "user_count", "...")
	if fields == nil {
		return
	}
	f.userClasses(fields)
	f.count(fields, "user_count")
	rows, ok := fields["stats"].([]any)
	if !ok {
		f.add("stats is %#v, want a list", fields["stats"])
	}
	var sum Entry
	seen := map[Row]bool{}
	for _, row := range rows {
		e, ok := f.entry(row)
		if !ok {
			continue
		}
		if seen[Row{e.Method, e.Name}] {
			f.add("row %s %s is there twice", e.Method, e.Name)
		}
		seen[Row{e.Method, e.Name}] = true
		if e.Requests == 0 && e.Failures == 0 {
			f.add("row %s %s has nothing to report", e.Method, e.Name)
		}
		sum.Requests += e.Requests
		sum.NoneRequests += e.NoneRequests
		sum.Failures += e.Failures
		sum.ContentLength += e.ContentLength
		sum.TotalMS += e.TotalMS
	}
	total, ok := f.entry(fields["stats_total"])
	if !ok {
		return
	}
	if total.Name != "Aggregated" || total.Method != "" {
		f.add("stats_total is named %q, %q", total.Method, total.Name)
	}
	f.sums(total, sum)
	f.errors(fields["errors"], total.Failures)
}

func (f *faults) sums(total, rows Entry) {
	if total.Requests != rows.Requests || total.NoneRequests != rows.NoneRequests ||
		total.Failures != rows.Failures || total.ContentLength != rows.ContentLength {
		f.add("stats_total has %d requests (%d untimed), %d failures, %d bytes; the rows have %d (%d), %d, %d",
			total.Requests, total.NoneRequests, total.Failures, total.ContentLength,
			rows.Requests, rows.NoneRequests, rows.Failures, rows.ContentLength)
	}
	if diff := math.Abs(total.TotalMS - rows.TotalMS); diff > 1e-6*(1+math.Abs(rows.TotalMS)) {
		f.add("stats_total has %v ms, the rows have %v", total.TotalMS, rows.TotalMS)
	}
}

// entry checks one row.
func (f *faults) entry(v any) (Entry, bool) {
	before := len(*f)
	fields := f.fields(v, "name", "method", "last_request_timestamp", "start_time", "num_requests", "num_none_requests",
		"num_failures", "total_response_time", "max_response_time", "min_response_time", "total_content_length",
		"response_times", "num_reqs_per_sec", "num_fail_per_sec")
	if fields == nil {
		return Entry{}, false
	}
	f.text(fields, "name")
	f.text(fields, "method")
	f.time(fields, "last_request_timestamp", true)
	f.time(fields, "start_time", false)
	f.count(fields, "num_requests")
	f.count(fields, "num_none_requests")
	f.count(fields, "num_failures")
	if _, ok := fields["total_content_length"].(int64); !ok {
		f.add("total_content_length is %#v", fields["total_content_length"])
	}
	f.responseTime(fields, "total_response_time")
	f.responseTime(fields, "max_response_time")
	if fields["min_response_time"] != nil {
		f.finite(fields, "min_response_time")
	}
	f.histogram(fields, "response_times")
	f.histogram(fields, "num_reqs_per_sec")
	f.histogram(fields, "num_fail_per_sec")
	if len(*f) > before {
		return Entry{}, false
	}
	e := parseEntry(v)
	f.consistent(e)
	return e, true
}

// responseTime wants a float, or the integer 0 of a Python worker's empty sum.
func (f *faults) responseTime(fields map[string]any, key string) {
	if fields[key] != int64(0) {
		f.finite(fields, key)
	}
}

// histogram wants numbers as keys and counts as values.
func (f *faults) histogram(fields map[string]any, key string) {
	buckets := pairs(fields[key])
	if buckets == nil {
		f.add("%s is %#v, want a map", key, fields[key])
	}
	for k, n := range buckets {
		switch k := k.(type) {
		case int64:
		case float64:
			if key != "response_times" || math.IsNaN(k) || math.IsInf(k, 0) {
				f.add("%s has the key %v", key, k)
			}
		default:
			f.add("%s has the key %#v, want a number", key, k)
		}
		if count, ok := n.(int64); !ok || count < 1 {
			f.add("%s counts %#v", key, n)
		}
	}
}

func (f *faults) consistent(e Entry) {
	timed := e.Requests - e.NoneRequests
	if n := sum(e.ResponseTimes); n != timed {
		f.add("%s %s: %d response times of %d timed requests", e.Method, e.Name, n, timed)
	}
	if n := sum(e.RequestsPerSec); n != e.Requests {
		f.add("%s %s: %d requests by second, %d in all", e.Method, e.Name, n, e.Requests)
	}
	if n := sum(e.FailuresPerSec); n != e.Failures {
		f.add("%s %s: %d failures by second, %d in all", e.Method, e.Name, n, e.Failures)
	}
	if hasMin := !math.IsNaN(e.MinMS); hasMin != (timed > 0) {
		f.add("%s %s: min_response_time is there: %v, with %d timed requests", e.Method, e.Name, hasMin, timed)
	}
	if e.MinMS > e.MaxMS {
		f.add("%s %s: min %v above max %v", e.Method, e.Name, e.MinMS, e.MaxMS)
	}
	if (e.Requests > 0) == e.LastRequest.IsZero() {
		f.add("%s %s: last request at %v, with %d requests", e.Method, e.Name, e.LastRequest, e.Requests)
	}
}

func sum[K comparable](counts map[K]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (f *faults) errors(v any, failures int64) {
	rows, ok := v.(map[string]any)
	if !ok {
		f.add("errors is %#v, want a map with text keys", v)
		return
	}
	var occurrences int64
	for _, row := range rows {
		fields := f.fields(row, "name", "method", "error", "occurrences", "first_seen", "last_seen")
		if fields == nil {
			continue
		}
		f.text(fields, "name")
		f.text(fields, "method")
		f.text(fields, "error")
		f.time(fields, "first_seen", true)
		f.time(fields, "last_seen", true)
		occurrences += f.count(fields, "occurrences")
	}
	if occurrences != failures {
		f.add("%d errors, %d failures", occurrences, failures)
	}
}

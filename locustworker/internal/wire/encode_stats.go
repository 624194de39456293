package wire

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// reportKeys are the keys of a report that Extra cannot replace.
var reportKeys = [...]string{"stats", "stats_total", "errors", "user_classes_count", "user_count"}

func (m Stats) encodeData(w *writer) {
	w.mapLen(len(reportKeys) + len(m.Extra))
	w.str("stats")
	w.arrayLen(len(m.Entries))
	for i := range m.Entries {
		w.entry(&m.Entries[i])
	}
	w.str("stats_total")
	total := m.Total
	total.Name, total.Method = "Aggregated", ""
	w.entry(&total)
	w.str("errors")
	w.errors(m.Errors)
	w.userCounts(m.UserClassesCount, m.UserCount)
	for _, k := range slices.Sorted(maps.Keys(m.Extra)) {
		w.checkExtraKey(k)
		w.str(k)
		w.value(m.Extra[k])
	}
}

func (w *writer) checkExtraKey(k string) {
	if slices.Contains(reportKeys[:], k) {
		w.fail(fmt.Errorf("the added key %q is one of the report's own, choose another", k))
	}
}

// entry writes the fields in the order of Locust's StatsEntryDict. Sums that
// nothing was added to are the integer 0, as a Python worker's are.
func (w *writer) entry(e *Entry) {
	if e.Start.IsZero() {
		w.fail(fmt.Errorf("entry %q has no start time", e.Name))
	}
	w.mapLen(14)
	w.str("name")
	w.str(e.Name)
	w.str("method")
	w.str(e.Method)
	w.str("last_request_timestamp")
	w.time(e.LastRequest)
	w.str("start_time")
	w.time(e.Start)
	w.str("num_requests")
	w.count("requests", e.Requests)
	w.str("num_none_requests")
	w.count("untimed requests", e.NoneRequests)
	w.str("num_failures")
	w.count("failures", e.Failures)
	w.str("total_response_time")
	w.milliseconds(e.TotalTime, e.HasMin)
	w.str("max_response_time")
	w.milliseconds(e.Max, e.Max > 0)
	w.str("min_response_time")
	if e.HasMin {
		w.milliseconds(e.Min, true)
	} else {
		w.null()
	}
	w.str("total_content_length")
	w.int(e.ContentLength)
	w.str("response_times")
	w.responseTimes(e.ResponseTimes)
	w.str("num_reqs_per_sec")
	w.perSecond("requests", e.RequestsPerSec)
	w.str("num_fail_per_sec")
	w.perSecond("failures", e.FailuresPerSec)
}

// milliseconds writes d as a float, or as the integer 0 when it is no sum of
// samples.
func (w *writer) milliseconds(d time.Duration, sampled bool) {
	switch {
	case sampled:
		w.float(float64(d) / float64(time.Millisecond))
	case d != 0:
		w.fail(errors.New("a response time without a timed sample (HasMin is not set)"))
	default:
		w.int(0)
	}
}

// time writes seconds since the epoch, nil for the zero time.
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.null()
		return
	}
	w.float(float64(t.Unix()) + float64(t.Nanosecond())/1e9)
}

const microsPerMilli = 1000

func (w *writer) responseTimes(m map[int64]int64) {
	w.mapLen(len(m))
	for _, us := range slices.Sorted(maps.Keys(m)) {
		if us%microsPerMilli == 0 {
			w.int(us / microsPerMilli)
		} else {
			w.float(float64(us) / microsPerMilli)
		}
		w.count("response times", m[us])
	}
}

func (w *writer) perSecond(what string, m map[int64]int64) {
	w.mapLen(len(m))
	for _, second := range slices.Sorted(maps.Keys(m)) {
		w.int(second)
		w.count(what, m[second])
	}
}

func (w *writer) errors(m map[string]ErrorEntry) {
	w.mapLen(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		e := m[k]
		w.str(k)
		w.mapLen(6)
		w.str("name")
		w.str(e.Name)
		w.str("method")
		w.str(e.Method)
		w.str("error")
		w.str(maskAddress(validUTF8(e.Error)))
		w.str("occurrences")
		w.count("occurrences", e.Occurrences)
		w.str("first_seen")
		w.time(e.FirstSeen)
		w.str("last_seen")
		w.time(e.LastSeen)
	}
}

package stats

import (
	"strconv"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// startPeer starts the installed Locust, which answers calls of functions.
func startPeer(t *testing.T) *pythontest.Peer {
	t.Helper()
	return pythontest.Start(t, "testdata/peer.py")
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }

func unixSeconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// reportMessage is a report as it goes to the master, apart from its errors:
// they are a list here, which peer.py keys.
func reportMessage(r Report) map[string]any {
	entries := []any{}
	for _, e := range r.Entries {
		entries = append(entries, entryMessage(e))
	}
	errors := []any{}
	for _, e := range r.Errors {
		errors = append(errors, map[string]any{
			"method": e.Method, "name": e.Name, "error": e.Text, "occurrences": e.Occurrences,
			"first_seen": unixSeconds(e.FirstSeen), "last_seen": unixSeconds(e.LastSeen),
		})
	}
	return map[string]any{"stats": entries, "stats_total": entryMessage(r.Total), "errors": errors}
}

func entryMessage(e Entry) map[string]any {
	var last, shortest any
	if !e.LastRequest.IsZero() {
		last = unixSeconds(e.LastRequest)
	}
	if e.HasMin {
		shortest = millis(e.Min)
	}
	return map[string]any{
		"name": e.Name, "method": e.Method,
		"last_request_timestamp": last, "start_time": unixSeconds(e.Start),
		"num_requests": e.Requests, "num_none_requests": e.NoneRequests, "num_failures": e.Failures,
		"total_response_time": millis(e.TotalTime),
		"max_response_time":   millis(e.Max), "min_response_time": shortest,
		"total_content_length": e.ContentLength,
		"response_times":       keyed(e.ResponseTimes, 1000),
		"num_reqs_per_sec":     keyed(e.RequestsPerSec, 1), "num_fail_per_sec": keyed(e.FailuresPerSec, 1),
	}
}

// keyed returns counts with their keys divided, as JSON has them.
func keyed(counts map[int64]int64, divisor float64) map[string]int64 {
	out := make(map[string]int64, len(counts))
	for key, count := range counts {
		out[strconv.FormatFloat(float64(key)/divisor, 'f', -1, 64)] = count
	}
	return out
}

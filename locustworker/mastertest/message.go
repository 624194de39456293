package mastertest

import (
	"math"
	"time"
)

// Message is what a worker has sent.
type Message struct {
	// Worker is the identity of its connection.
	Worker string
	Type   string
	// Data holds nil, bool, int64 (uint64 above its range), float64, string,
	// []byte, time.Time, []any, map[string]any, and map[any]any for maps with
	// a key that is no string.
	Data any
	// At is when it was read.
	At time.Time
	// Frame is the message as it came.
	Frame []byte
	// Master counts the lives of the Master: 1, and one more at each Reopen.
	Master int
}

// Field returns a field of the data; nil if there is none.
func (message Message) Field(name string) any {
	fields, _ := message.Data.(map[string]any)
	return fields[name]
}

// State returns what a heartbeat says.
func (message Message) State() string {
	state, _ := message.Field("state").(string)
	return state
}

// UserClasses returns the users that stats or spawning_complete count by class.
func (message Message) UserClasses() map[string]int {
	fields, _ := message.Field("user_classes_count").(map[string]any)
	counts := make(map[string]int, len(fields))
	for name, n := range fields {
		counts[name] = int(integer(n))
	}
	return counts
}

// UserCount returns the users that stats or spawning_complete count in all.
func (message Message) UserCount() int { return int(integer(message.Field("user_count"))) }

// Report is the content of a stats message.
type Report struct {
	Entries []Entry
	Total   Entry
	Errors  []Failure
}

// Entry is a row of a report. Times are in milliseconds.
type Entry struct {
	Method, Name                     string
	Requests, NoneRequests, Failures int64
	TotalMS, MaxMS                   float64
	MinMS                            float64 // NaN if no sample was timed
	ContentLength                    int64
	// ResponseTimes counts samples by rounded response time.
	ResponseTimes map[float64]int64
	// RequestsPerSec and FailuresPerSec count by Unix second.
	RequestsPerSec, FailuresPerSec map[int64]int64
	Start                          time.Time
	LastRequest                    time.Time // zero if there was none
}

// Failure is a row of a report's errors.
type Failure struct {
	Key                 string
	Method, Name, Error string
	Occurrences         int64
	FirstSeen, LastSeen time.Time // zero if unknown
}

// Report returns the content of a stats message. Fields that are missing or of a
// wrong type, which the master has reported as violations, are zero.
func (message Message) Report() Report {
	var report Report
	rows, _ := message.Field("stats").([]any)
	for _, row := range rows {
		report.Entries = append(report.Entries, parseEntry(row))
	}
	report.Total = parseEntry(message.Field("stats_total"))
	failures, _ := message.Field("errors").(map[string]any)
	for key, v := range failures {
		fields, _ := v.(map[string]any)
		report.Errors = append(report.Errors, Failure{
			Key: key, Method: text(fields["method"]), Name: text(fields["name"]), Error: text(fields["error"]),
			Occurrences: integer(fields["occurrences"]),
			FirstSeen:   moment(fields["first_seen"]), LastSeen: moment(fields["last_seen"]),
		})
	}
	return report
}

func parseEntry(v any) Entry {
	fields, _ := v.(map[string]any)
	e := Entry{
		Method: text(fields["method"]), Name: text(fields["name"]),
		Requests: integer(fields["num_requests"]), NoneRequests: integer(fields["num_none_requests"]),
		Failures: integer(fields["num_failures"]), ContentLength: integer(fields["total_content_length"]),
		TotalMS: number(fields["total_response_time"]), MaxMS: number(fields["max_response_time"]), MinMS: math.NaN(),
		ResponseTimes: map[float64]int64{}, RequestsPerSec: map[int64]int64{}, FailuresPerSec: map[int64]int64{},
		Start: moment(fields["start_time"]), LastRequest: moment(fields["last_request_timestamp"]),
	}
	if minimum := fields["min_response_time"]; minimum != nil {
		e.MinMS = number(minimum)
	}
	for k, n := range pairs(fields["response_times"]) {
		e.ResponseTimes[number(k)] += integer(n)
	}
	for k, n := range pairs(fields["num_reqs_per_sec"]) {
		e.RequestsPerSec[integer(k)] += integer(n)
	}
	for k, n := range pairs(fields["num_fail_per_sec"]) {
		e.FailuresPerSec[integer(k)] += integer(n)
	}
	return e
}

// pairs returns a map of any kind of keys.
func pairs(v any) map[any]any {
	switch m := v.(type) {
	case map[any]any:
		return m
	case map[string]any:
		out := make(map[any]any, len(m))
		for k, v := range m {
			out[k] = v
		}
		return out
	}
	return nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func integer(v any) int64 {
	n, _ := v.(int64)
	return n
}

func number(v any) float64 {
	switch n := v.(type) {
	case float64:
		return n
	case int64:
		return float64(n)
	}
	return 0
}

func moment(v any) time.Time {
	seconds, ok := v.(float64)
	if !ok {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e9)))
}

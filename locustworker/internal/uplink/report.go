package uplink

import (
	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// maxReport is about how many bytes a report to the master has at most. A
	// larger one is several: the master stands still while it reads one.
	maxReport = 8 << 20
	// What a row of a report has at most in bytes, beside its texts and tables.
	entryBytes = 400
	errorBytes = 300
	// pairBytes is what an entry of a table has at most: a float and a count.
	pairBytes = 18
)

func entrySize(e *stats.Entry) int {
	pairs := len(e.ResponseTimes) + len(e.RequestsPerSec) + len(e.FailuresPerSec)
	return entryBytes + len(e.Name) + len(e.Method) + pairBytes*pairs
}

func errorSize(e *stats.ErrorEntry) int {
	return errorBytes + len(e.Name) + len(e.Method) + len(e.Text)
}

// statsMessage makes the report that the master merges into its tables.
func statsMessage(d *delivery, users userCounts) wire.Stats {
	r := d.report
	m := wire.Stats{
		Entries:          make([]wire.Entry, 0, len(r.Entries)),
		Total:            wireEntry(r.Total),
		Errors:           make(map[string]wire.ErrorEntry, len(r.Errors)),
		UserClassesCount: users.byClass,
		UserCount:        users.sum,
		Extra:            d.extra,
	}
	for _, e := range r.Entries {
		m.Entries = append(m.Entries, wireEntry(e))
	}
	for _, e := range r.Errors {
		m.Errors[wire.ErrorKey(e.Method, e.Name, e.Text)] = wire.ErrorEntry{
			Name:        e.Name,
			Method:      e.Method,
			Error:       e.Text,
			Occurrences: e.Occurrences,
			FirstSeen:   e.FirstSeen,
			LastSeen:    e.LastSeen,
		}
	}
	return m
}

func wireEntry(e stats.Entry) wire.Entry {
	return wire.Entry{
		Name:           e.Name,
		Method:         e.Method,
		LastRequest:    e.LastRequest,
		Start:          e.Start,
		Requests:       e.Requests,
		NoneRequests:   e.NoneRequests,
		Failures:       e.Failures,
		TotalTime:      e.TotalTime,
		Max:            e.Max,
		Min:            e.Min,
		HasMin:         e.HasMin,
		ContentLength:  e.ContentLength,
		ResponseTimes:  e.ResponseTimes,
		RequestsPerSec: e.RequestsPerSec,
		FailuresPerSec: e.FailuresPerSec,
	}
}

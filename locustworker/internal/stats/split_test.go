package stats

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// TestSplitPartsAreTheReport: whatever the limit, the parts merged are the report, each
// keeps to the limit or has one entry, and has its entries' errors and sums.
func TestSplitPartsAreTheReport(t *testing.T) {
	s := New(Config{})
	for i := range 300 {
		sm := Sample{Method: "GET", Name: fmt.Sprint("/", i%97), ResponseTime: time.Duration(i) * time.Millisecond, Length: int64(i)}
		if i%3 == 0 {
			sm.Failed, sm.Error = true, fmt.Sprint("error ", i%5)
		}
		s.Record(uint32(i), sm)
	}
	r := s.Take()
	entrySize := func(*Entry) int { return 10 }
	errorSize := func(*ErrorEntry) int { return 3 }
	for _, limit := range []int{0, 1, 10, 35, 200, 100_000} {
		var merged Report
		parts := r.Split(limit, entrySize, errorSize)
		for _, p := range parts {
			size, failures := 10*len(p.Entries)+3*len(p.Errors), int64(0)
			if size > limit && len(p.Entries) != 1 {
				t.Errorf("limit %d: a part of %d entries has %d bytes", limit, len(p.Entries), size)
			}
			for _, e := range p.Errors {
				failures += e.Occurrences
			}
			if failures != p.Total.Failures {
				t.Errorf("limit %d: %d errors, %d failures in one part", limit, failures, p.Total.Failures)
			}
			merged.Merge(p)
		}
		if !reflect.DeepEqual(merged.Entries, r.Entries) || !reflect.DeepEqual(merged.Errors, r.Errors) || !reflect.DeepEqual(merged.Total, r.Total) {
			t.Errorf("limit %d: %d parts merged are another report", limit, len(parts))
		}
		if limit == 100_000 && len(parts) != 1 {
			t.Errorf("%d parts of a small report", len(parts))
		}
	}
	if parts := (Report{}).Split(1, entrySize, errorSize); len(parts) != 1 || !parts[0].Empty() {
		t.Errorf("an empty report is split into %v", parts)
	}
}

package stats

import (
	"fmt"
	"testing"
	"time"
)

// sum returns the occurrences by name and text.
func sum(rows []ErrorEntry) map[string]int64 {
	counts := map[string]int64{}
	for _, row := range rows {
		counts[row.Name+" "+row.Text] += row.Occurrences
	}
	return counts
}

// TestErrorLimit: beyond the limit, errors have one row for each method and
// name, no failure is lost, and what fails most keeps its text.
//
// Conformance: ER3
func TestErrorLimit(t *testing.T) {
	store := New(Config{Shards: 4, MaxErrors: 3})
	record := func(shard uint32, name, text string, times int) {
		for range times {
			sm := get(milli)
			sm.Name = name
			store.Record(shard, failed(sm, text))
		}
	}
	for shard := range uint32(4) {
		record(shard, "/a", "often", 10)
		record(shard, "/b", "sometimes", 5)
		record(shard, "/a", fmt.Sprint("rare ", shard), 1+int(shard))
		record(shard, "/b", fmt.Sprint("late ", shard), 20) // the shard is full
		record(shard, "/c", OtherErrors, 1)                 // does not count
		record(shard, "/a", "often", 1)                     // is known still
	}
	r := store.Take()
	want := map[string]int64{
		"/a often": 44, "/b sometimes": 20, "/a rare 3": 4,
		"/a " + OtherErrors: 1 + 2 + 3, "/b " + OtherErrors: 80, "/c " + OtherErrors: 4,
	}
	if got := sum(r.Errors); fmt.Sprint(got) != fmt.Sprint(want) || len(r.Errors) != len(want) {
		t.Errorf("errors\n got %v\nwant %v", got, want)
	}

	// The places stay taken for the run, and the next one begins with all of them
	// free.
	record(0, "/a", "new", 1)
	record(0, "/a", "rare 3", 1)
	if got := sum(store.Take().Errors); got["/a "+OtherErrors] != 1 || got["/a rare 3"] != 1 || len(got) != 2 {
		t.Errorf("next period: %v", got)
	}
	store.Reset()
	record(0, "/a", "new", 1)
	if got := sum(store.Take().Errors); got["/a new"] != 1 || len(got) != 1 {
		t.Errorf("next run: %v", got)
	}
}

func TestErrorLimitHoldsForMergedReports(t *testing.T) {
	store := New(Config{Shards: 1, MaxErrors: 3})
	var all Report
	for i := range 10 {
		for range 3 {
			store.Record(0, failed(get(milli), "always"))
		}
		store.Record(0, failed(get(milli), fmt.Sprint("once ", i)))
		all.Merge(store.Take())
	}
	got := sum(all.Errors)
	if len(all.Errors) != 4 || got["/a always"] != 30 || got["/a "+OtherErrors] != 8 {
		t.Errorf("merged errors: %v", got)
	}
}

func TestDefaultErrorLimit(t *testing.T) {
	store := New(Config{})
	for i := range 10_000 {
		store.Record(uint32(i), failed(get(milli), fmt.Sprint("text ", i)))
	}
	r := store.Take()
	var failures int64
	for _, row := range r.Errors {
		failures += row.Occurrences
	}
	if len(r.Errors) != DefaultMaxErrors+1 || failures != 10_000 || r.Total.Failures != 10_000 {
		t.Errorf("%d rows with %d failures of %d", len(r.Errors), failures, r.Total.Failures)
	}
}

// Conformance: ER1
func TestErrorTimes(t *testing.T) {
	for _, shards := range []int{1, 4} {
		store := New(Config{Shards: shards})
		var merged Report
		for i, offset := range []int{5, 1, 9, 3, 4} {
			sm := failed(get(milli), "x")
			sm.At = start.Add(time.Duration(offset) * time.Second)
			store.Record(uint32(i), sm)
			if i == 1 {
				merged.Merge(store.Take())
			}
		}
		merged.Merge(store.Take())
		first, last := start.Add(time.Second), start.Add(9*time.Second)
		if row := merged.Errors[0]; len(merged.Errors) != 1 || !row.FirstSeen.Equal(first) || !row.LastSeen.Equal(last) {
			t.Errorf("%d shards: errors %+v, want one from %v to %v", shards, merged.Errors, first, last)
		}
	}
}

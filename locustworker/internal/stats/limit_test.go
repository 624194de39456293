package stats

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// named returns a sample of a name.
func named(name string) Sample {
	sm := get(milli)
	sm.Name = name
	return sm
}

// rowsOf returns the requests by name.
func rowsOf(r Report) map[string]int64 {
	counts := map[string]int64{}
	for _, e := range r.Entries {
		counts[e.Method+" "+e.Name] += e.Requests
	}
	return counts
}

// TestRowLimit: rows beyond the limit share one for the rest of the run, those that
// have a place keep it, no sample is lost, and one call says so.
func TestRowLimit(t *testing.T) {
	var warnings []Overflow
	store := New(Config{Shards: 2, MaxRows: 3, Overflow: func(o Overflow) { warnings = append(warnings, o) }})
	record := func(names ...string) {
		for i, name := range names {
			store.Record(uint32(i), named(name))
			store.Record(uint32(i+1), failed(named(name), "x"))
		}
	}
	check := func(want map[string]int64) {
		t.Helper()
		r := store.Take()
		if got := rowsOf(r); !reflect.DeepEqual(got, want) {
			t.Errorf("rows\n got %v\nwant %v", got, want)
		}
		var failures int64
		for _, e := range r.Errors {
			failures += e.Occurrences
		}
		if failures != r.Total.Failures || failures*2 != r.Total.Requests {
			t.Errorf("%d failures in the rows of errors, %d of %d requests in total", failures, r.Total.Failures, r.Total.Requests)
		}
	}
	record("/a", "/b")
	check(map[string]int64{"GET /a": 2, "GET /b": 2})
	record("/b", "/c", "/d", "/e", "/d")
	if warnings != nil {
		t.Errorf("got %+v while samples were recorded", warnings)
	}
	check(map[string]int64{"GET /b": 2, "GET /c": 2, "other other": 6})
	record("/a", "/f")
	check(map[string]int64{"GET /a": 2, "other other": 2})
	want := []Overflow{{Limit: 3, First: []string{"GET /d", "GET /e"}}}
	if !reflect.DeepEqual(warnings, want) {
		t.Errorf("got %+v, want %+v", warnings, want)
	}

	store.Reset()
	record("/f", "/e", "/d", "/a")
	check(map[string]int64{"GET /f": 2, "GET /e": 2, "GET /d": 2, "other other": 2})
	if len(warnings) != 2 || warnings[1].First[0] != "GET /a" {
		t.Errorf("got %+v, want one more for the second run", warnings)
	}
}

func TestErrorOverflowIsTold(t *testing.T) {
	var warnings []Overflow
	store := New(Config{Shards: 4, MaxErrors: 2, Overflow: func(o Overflow) { warnings = append(warnings, o) }})
	for i := range 20 {
		store.Record(uint32(i), failed(get(milli), fmt.Sprintf("text %02d %s", i, strings.Repeat("ä", 300))))
		store.Take()
	}
	if len(warnings) != 1 || !warnings[0].Errors || warnings[0].Limit != 2 || len(warnings[0].First) != 1 {
		t.Fatalf("got %+v, want one overflow of errors", warnings)
	}
	if first := warnings[0].First[0]; !strings.HasPrefix(first, "GET /a: text 02 ää") || len(first) > offenderLength {
		t.Errorf("the first is %q", first)
	}
}

// TestLongNames: what a run keeps of names is bounded too.
func TestLongNames(t *testing.T) {
	store := New(Config{Shards: 1})
	long := strings.Repeat("x", maxKeyBytes/4)
	for i := range 10 {
		store.Record(0, named(fmt.Sprint(i, long)))
	}
	store.Record(0, named("/short"))
	r := store.Take()
	got := rowsOf(r)
	if len(got) != 5 || got["other other"] != 7 || got["GET /short"] != 1 {
		t.Errorf("%d rows, %d in the row of the others", len(got), got["other other"])
	}
}

// TestRowLimitWithManyRecorders: names without bound from many goroutines, with
// reports and new runs meanwhile.
func TestRowLimitWithManyRecorders(t *testing.T) {
	const limit, recorders, each = 50, 8, 4000
	store := New(Config{MaxRows: limit, MaxErrors: limit})
	var wg sync.WaitGroup
	for shard := range uint32(recorders) {
		wg.Go(func() {
			for i := range each {
				store.Record(shard, named("/static"))
				store.Record(shard, failed(named(fmt.Sprint("/items/", shard, "/", i)), fmt.Sprint("no item ", i)))
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var requests, failures int64
	count := func(r Report) {
		if len(r.Entries) > limit+1 || len(r.Errors) > limit+limit+1 {
			t.Errorf("a report has %d rows and %d errors", len(r.Entries), len(r.Errors))
		}
		requests += r.Total.Requests
		failures += r.Total.Failures
	}
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		count(store.Take())
		store.Lifetimes()
	}
	if count(store.Take()); requests != 2*recorders*each || failures != recorders*each {
		t.Errorf("%d requests and %d failures, want %d and %d", requests, failures, 2*recorders*each, recorders*each)
	}
}

// TestMergeOfManyNames merges reports of 200,000 names that interleave. It takes
// minutes when a new name costs more than the others together.
func TestMergeOfManyNames(t *testing.T) {
	const n = 100_000
	report := func(offset int) Report {
		r := Report{Entries: make([]Entry, n)}
		for i := range n {
			r.Entries[i] = Entry{Name: fmt.Sprintf("/items/%07d", 2*i+offset), Method: "GET", Requests: int64(offset + 1)}
			r.Total.Requests += int64(offset + 1)
		}
		return r
	}
	var all Report
	for _, offset := range []int{0, 1, 1} {
		all.Merge(report(offset))
	}
	if len(all.Entries) != 2*n || all.Total.Requests != 5*n {
		t.Fatalf("%d entries, %d requests", len(all.Entries), all.Total.Requests)
	}
	for i, e := range all.Entries {
		if want := int64(1 + i%2*3); e.Name != fmt.Sprintf("/items/%07d", i) || e.Requests != want {
			t.Fatalf("entry %d: %s with %d requests, want %d", i, e.Name, e.Requests, want)
		}
	}
}

// TestNegativeTimesCountAsZero, in every figure of a row.
func TestNegativeTimesCountAsZero(t *testing.T) {
	for _, buckets := range []Buckets{Fine, Locust} {
		store := New(Config{Shards: 1, Buckets: buckets})
		for _, d := range []time.Duration{-50 * milli, 10 * milli} {
			store.Record(0, Sample{Method: "GET", Name: "/a", At: start, ResponseTime: d})
		}
		r := store.Take()
		want := map[int64]int64{0: 1, 10_000: 1}
		for _, e := range []Entry{r.Entries[0], r.Total} {
			if e.Min != 0 || !e.HasMin || e.Max != 10*milli || e.TotalTime != 10*milli || !reflect.DeepEqual(e.ResponseTimes, want) {
				t.Errorf("buckets %d: %+v", buckets, e)
			}
		}
	}
}

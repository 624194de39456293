package stats

import (
	"fmt"
	"sync"
	"testing"
)

// TestNothingIsLostOrCountedTwice: many goroutines record, some into the same
// shard, while reports are taken all the time.
func TestNothingIsLostOrCountedTwice(t *testing.T) {
	const recorders, each = 16, 20_000
	store := New(Config{Shards: 8})
	var recording sync.WaitGroup
	for g := range recorders {
		recording.Go(func() {
			for i := range each {
				sm := get(milli)
				sm.Name = fmt.Sprint("/", i%3)
				sm.Length = int64(g)
				if i%4 == 0 {
					sm = failed(sm, fmt.Sprint("text ", i%8))
				}
				store.Record(uint32(g), sm)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		recording.Wait()
		close(done)
	}()

	var all Report
	for reports := 0; ; reports++ {
		select {
		case <-done:
			all.Merge(store.Take())
			checkTotals(t, all, recorders, each)
			if got := store.Recorded(); got != recorders*each {
				t.Errorf("Recorded() = %d, want %d", got, recorders*each)
			}
			if r := store.Take(); !r.Empty() {
				t.Errorf("a report after the last: %+v", r)
			}
			return
		default:
			all.Merge(store.Take())
			if got := store.Recorded(); got < all.Total.Requests {
				t.Errorf("Recorded() = %d, but %d were reported", got, all.Total.Requests)
			}
		}
	}
}

func checkTotals(t *testing.T, r Report, recorders, each int64) {
	t.Helper()
	n := recorders * each
	if r.Total.Requests != n || r.Total.Failures != n/4 || r.Total.ContentLength != each*recorders*(recorders-1)/2 {
		t.Errorf("requests %d of %d, failures %d, length %d", r.Total.Requests, n, r.Total.Failures, r.Total.ContentLength)
	}
	if r.Total.ResponseTimes[1000] != n || r.Total.RequestsPerSec[start.Unix()] != n || r.Total.FailuresPerSec[start.Unix()] != n/4 {
		t.Errorf("maps of the total: %v %v %v", r.Total.ResponseTimes, r.Total.RequestsPerSec, r.Total.FailuresPerSec)
	}
	var requests, failures int64
	for _, e := range r.Entries {
		requests += e.Requests
	}
	for _, e := range r.Errors {
		failures += e.Occurrences
	}
	if len(r.Entries) != 3 || requests != n || failures != n/4 {
		t.Errorf("%d entries with %d requests, %d failures", len(r.Entries), requests, failures)
	}
}

// TestConcurrentTakes: reports taken at the same time share the samples, and
// Reset may come in between.
func TestConcurrentTakes(t *testing.T) {
	store := New(Config{Shards: 4})
	var takers sync.WaitGroup
	var mu sync.Mutex
	var all Report
	for g := range uint32(4) {
		takers.Go(func() {
			for i := range uint32(500) {
				store.Record(g+i, get(milli))
				r := store.Take()
				mu.Lock()
				all.Merge(r)
				mu.Unlock()
			}
		})
	}
	takers.Wait()
	all.Merge(store.Take())
	if all.Total.Requests != 2000 {
		t.Errorf("%d requests reported, want 2000", all.Total.Requests)
	}
	takers.Go(func() { store.Reset() })
	takers.Go(func() { store.Take() })
	takers.Go(func() { store.Record(0, get(milli)) })
	takers.Wait()
	if got := store.Recorded(); got != 2001 {
		t.Errorf("Recorded() = %d, want 2001", got)
	}
}

// TestRecordAllocatesNothing: once names, texts, seconds and buckets are known,
// also in the periods after.
func TestRecordAllocatesNothing(t *testing.T) {
	store := New(Config{Shards: 2})
	samples := benchSamples(200)
	for i := range samples {
		if i%5 == 0 {
			samples[i] = failed(samples[i], "404 Client Error")
		}
	}
	record := func() {
		for i := range samples {
			store.Record(uint32(i), samples[i])
		}
	}
	for range 4 { // each shard has two tallies, used in turn
		record()
		store.Take()
	}
	if allocs := testing.AllocsPerRun(20, record); allocs != 0 {
		t.Errorf("recording %d samples allocates %v times", len(samples), allocs)
	}
	store.Take()
	if allocs := testing.AllocsPerRun(20, record); allocs != 0 {
		t.Errorf("recording %d samples in the next period allocates %v times", len(samples), allocs)
	}
}

package stats

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"
)

// TestLifetimesOutliveReports: neither Take nor Reset takes anything from them.
func TestLifetimesOutliveReports(t *testing.T) {
	store := New(Config{Shards: 4})
	store.Record(0, get(100*micro))
	store.Record(1, get(100*micro+1))
	store.Take()
	store.Record(2, failed(get(time.Second), "x"))
	store.Lifetimes()
	store.Record(2, Sample{Method: "GET", Name: "/a", At: start, NoTime: true})
	if n := store.Reset(); n != 2 {
		t.Errorf("Reset dropped %d samples, want 2", n)
	}
	store.Record(3, Sample{Method: "GET", Name: "/a", At: start, ResponseTime: -time.Minute})
	store.Record(3, Sample{Method: "PUT", Name: "/a", At: start, ResponseTime: 200 * time.Second})

	a := Lifetime{Method: "GET", Name: "/a", Requests: 5, Failures: 1}
	a.Times.Sum = 200*micro + 1 + time.Second
	a.Times.Counts[0], a.Times.Counts[1], a.Times.Counts[14] = 2, 1, 1
	put := Lifetime{Method: "PUT", Name: "/a", Requests: 1}
	put.Times.Sum = 200 * time.Second
	put.Times.Counts[HistogramBounds] = 1
	for range 2 { // asking takes nothing either
		if got, want := store.Lifetimes(), []Lifetime{a, put}; !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if r := store.Take(); r.Total.Requests != 2 {
		t.Errorf("the report after Lifetimes has %d requests, want 2", r.Total.Requests)
	}
}

// TestLifetimesDoNotChangeReports: two stores get the same samples, one of them is
// asked for its lifetimes all the time.
func TestLifetimesDoNotChangeReports(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	clock := &fakeClock{now: start}
	cfg := Config{Shards: 4, Now: clock.Now}
	plainStore, asked := New(cfg), New(cfg)
	for range 20 {
		for range rng.IntN(60) {
			clock.now = clock.now.Add(time.Duration(rng.IntN(300)) * milli)
			sm := Sample{
				Method: "GET", Name: fmt.Sprint("/", rng.IntN(5)), At: clock.now, NoTime: rng.IntN(10) == 0,
				ResponseTime: time.Duration(rng.ExpFloat64() * float64(20*milli)), Length: rng.Int64N(500),
			}
			if rng.IntN(4) == 0 {
				sm = failed(sm, fmt.Sprint("text ", rng.IntN(2)))
			}
			shard := rng.Uint32()
			plainStore.Record(shard, sm)
			asked.Record(shard, sm)
			if rng.IntN(10) == 0 {
				asked.Lifetimes()
			}
		}
		if got, want := asked.Take(), plainStore.Take(); !reflect.DeepEqual(plain(got), plain(want)) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
	if got, want := asked.Lifetimes(), plainStore.Lifetimes(); !reflect.DeepEqual(got, want) {
		t.Errorf("lifetimes: got %+v\nwant %+v", got, want)
	}
}

// TestLifetimesAreBounded: rows beyond the limit share one, and those that have a
// place keep it.
func TestLifetimesAreBounded(t *testing.T) {
	store := New(Config{Shards: 1, MaxLifetimes: 3})
	for i := range 3 {
		store.Record(0, Sample{Method: "GET", Name: fmt.Sprint("/", i), At: start})
		store.Lifetimes() // in this order
	}
	for i := range 1000 {
		store.Record(0, failed(Sample{Method: "GET", Name: fmt.Sprint("/", i), At: start, ResponseTime: milli}, "x"))
	}
	rows := store.Lifetimes()
	var names []string
	var requests, failures, timed int64
	for _, row := range rows {
		names = append(names, row.Method+" "+row.Name)
		requests, failures, timed = requests+row.Requests, failures+row.Failures, timed+row.Times.Count()
	}
	if want := []string{"GET /0", "GET /1", "GET /2", "other other"}; !reflect.DeepEqual(names, want) {
		t.Errorf("rows %q, want %q", names, want)
	}
	if requests != 1003 || failures != 1000 || timed != 1003 || rows[3].Requests != 997 || rows[1].Requests != 2 {
		t.Errorf("%d requests, %d failures, %d times: %+v", requests, failures, timed, rows)
	}
}

// TestLifetimesMissNothing: readers of all kinds at the same time as recorders see
// counts that never go back, and in the end all of them.
func TestLifetimesMissNothing(t *testing.T) {
	const recorders, each = 8, 3 * 2000
	store := New(Config{Shards: 4})
	var recording, reading sync.WaitGroup
	done := make(chan struct{})
	for g := range recorders {
		recording.Go(func() {
			for i := range each {
				store.Record(uint32(g), Sample{Method: "GET", Name: fmt.Sprint("/", i%3), At: start, ResponseTime: milli})
			}
		})
	}
	var reported int64
	reading.Go(func() {
		for last := int64(0); ; {
			var sum int64
			for _, row := range store.Lifetimes() {
				sum += row.Requests
			}
			if sum < last || sum > store.Recorded() {
				t.Errorf("the sum went from %d to %d of %d", last, sum, store.Recorded())
			}
			last = sum
			select {
			case <-done:
				return
			default:
			}
		}
	})
	reading.Go(func() {
		for i := 0; ; i++ {
			if i%2 == 0 {
				reported += store.Reset()
			} else {
				reported += store.Take().Total.Requests
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	recording.Wait()
	close(done)
	reading.Wait()
	if reported += store.Take().Total.Requests; reported != recorders*each {
		t.Errorf("%d reported or dropped, want %d", reported, recorders*each)
	}
	for _, row := range store.Lifetimes() {
		if want := int64(recorders * each / 3); row.Requests != want || row.Times.Count() != want {
			t.Errorf("%s: %d requests, %d times, want %d", row.Name, row.Requests, row.Times.Count(), want)
		}
	}
}

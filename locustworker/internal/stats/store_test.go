package stats

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"
	"unsafe"
)

// fakeClock is a clock that a test sets.
type fakeClock struct{ now time.Time }

func (c *fakeClock) Now() time.Time { return c.now }

// get is a sample of GET /a, completed when the clocks start.
func get(responseTime time.Duration) Sample {
	return Sample{Method: "GET", Name: "/a", At: start, ResponseTime: responseTime, Length: 10}
}

func failed(sm Sample, text string) Sample {
	sm.Failed, sm.Error = true, text
	return sm
}

func TestTake(t *testing.T) {
	clock := &fakeClock{now: start}
	store := New(Config{Now: clock.Now})
	sec := start.Unix()

	store.Record(0, get(2*milli))
	store.Record(1, get(3*milli+400*micro))
	store.Record(2, failed(Sample{Method: "GET", Name: "/a", At: start.Add(time.Second), NoTime: true, Length: 5}, "x"))
	store.Record(3, Sample{Method: "DELETE", Name: "/a", At: start.Add(-time.Second), ResponseTime: 250 * milli})
	store.Record(4, failed(Sample{Method: "GET", Name: "/", At: start, ResponseTime: 0}, "y"))
	clock.now = start.Add(3 * time.Second)

	want := Report{
		Start: start,
		End:   start.Add(3 * time.Second),
		Entries: []Entry{
			{
				Name: "/", Method: "GET", Start: start, LastRequest: start, Requests: 1, Failures: 1, HasMin: true,
				ResponseTimes:  map[int64]int64{0: 1},
				RequestsPerSec: map[int64]int64{sec: 1}, FailuresPerSec: map[int64]int64{sec: 1},
			},
			{
				Name: "/a", Method: "DELETE", Start: start, LastRequest: start.Add(-time.Second), Requests: 1,
				TotalTime: 250 * milli, Max: 250 * milli, Min: 250 * milli, HasMin: true,
				ResponseTimes:  map[int64]int64{250_000: 1},
				RequestsPerSec: map[int64]int64{sec - 1: 1}, FailuresPerSec: map[int64]int64{},
			},
			{
				Name: "/a", Method: "GET", Start: start, LastRequest: start.Add(time.Second),
				Requests: 3, NoneRequests: 1, Failures: 1, ContentLength: 25,
				TotalTime: 5400 * micro, Max: 3400 * micro, Min: 2 * milli, HasMin: true,
				ResponseTimes:  map[int64]int64{2000: 1, 3400: 1},
				RequestsPerSec: map[int64]int64{sec: 2, sec + 1: 1}, FailuresPerSec: map[int64]int64{sec + 1: 1},
			},
		},
		Total: Entry{
			Name: AggregatedName, Start: start, LastRequest: start.Add(time.Second),
			Requests: 5, NoneRequests: 1, Failures: 2, ContentLength: 25,
			TotalTime: 255400 * micro, Max: 250 * milli, Min: 0, HasMin: true,
			ResponseTimes:  map[int64]int64{0: 1, 2000: 1, 3400: 1, 250_000: 1},
			RequestsPerSec: map[int64]int64{sec - 1: 1, sec: 3, sec + 1: 1},
			FailuresPerSec: map[int64]int64{sec: 1, sec + 1: 1},
		},
		Errors: []ErrorEntry{
			{Method: "GET", Name: "/", Text: "y", Occurrences: 1, FirstSeen: start, LastSeen: start},
			{Method: "GET", Name: "/a", Text: "x", Occurrences: 1, FirstSeen: start.Add(time.Second), LastSeen: start.Add(time.Second)},
		},
		maxErrors: DefaultMaxErrors,
	}
	if got := store.Take(); !reflect.DeepEqual(plain(got), plain(want)) {
		t.Errorf("Take()\n got %+v\nwant %+v", got, want)
	}
}

// plain returns the report with times that DeepEqual can compare.
func plain(r Report) Report {
	for _, at := range []*time.Time{&r.Start, &r.End, &r.Total.Start, &r.Total.LastRequest} {
		*at = at.UTC()
	}
	r.Entries = append([]Entry{}, r.Entries...)
	for i := range r.Entries {
		e := &r.Entries[i]
		e.Start, e.LastRequest = e.Start.UTC(), e.LastRequest.UTC()
	}
	r.Errors = append([]ErrorEntry{}, r.Errors...)
	for i := range r.Errors {
		e := &r.Errors[i]
		e.FirstSeen, e.LastSeen = e.FirstSeen.UTC(), e.LastSeen.UTC()
	}
	return r
}

// TestTakeResets checks that a report has only what came after the one before,
// and starts where that ended.
//
// Conformance: F4, X2
func TestTakeResets(t *testing.T) {
	clock := &fakeClock{now: start}
	store := New(Config{Now: clock.Now, Shards: 2})
	for i := range int64(4) {
		clock.now = clock.now.Add(time.Second)
		for range i {
			store.Record(uint32(i), failed(get(milli), "x"))
		}
		clock.now = clock.now.Add(time.Second)
		r := store.Take()
		began := start.Add(time.Duration(2*i) * time.Second)
		if !r.Start.Equal(began) || !r.Total.Start.Equal(began) || !r.End.Equal(clock.now) {
			t.Errorf("report %d is from %v (total %v) to %v, want %v to %v", i, r.Start, r.Total.Start, r.End, began, clock.now)
		}
		if r.Total.Requests != i || r.Total.Failures != i || r.Empty() != (i == 0) {
			t.Errorf("report %d has %d requests, %d failures, Empty() = %v", i, r.Total.Requests, r.Total.Failures, r.Empty())
		}
		if i > 0 && (len(r.Entries) != 1 || r.Entries[0].Requests != i || r.Errors[0].Occurrences != i) {
			t.Errorf("report %d: %+v", i, r)
		}
	}
	if got := store.Recorded(); got != 6 {
		t.Errorf("Recorded() = %d, want 6", got)
	}
}

// TestEmptyReport: the total is sent even when nothing happened (X2), so it must
// be whole.
func TestEmptyReport(t *testing.T) {
	clock := &fakeClock{now: start}
	r := New(Config{Now: clock.Now}).Take()
	want := Entry{
		Name: AggregatedName, Start: start,
		ResponseTimes: map[int64]int64{}, RequestsPerSec: map[int64]int64{}, FailuresPerSec: map[int64]int64{},
	}
	if !reflect.DeepEqual(r.Total, want) || !r.Empty() || len(r.Entries) != 0 || len(r.Errors) != 0 {
		t.Errorf("first report: %+v", r)
	}
	if !(Report{}).Empty() {
		t.Error("the zero report is not empty")
	}
}

func TestReset(t *testing.T) {
	clock := &fakeClock{now: start}
	store := New(Config{Now: clock.Now})
	store.Record(1, failed(get(milli), "of the run before"))
	clock.now = start.Add(5 * time.Second)
	store.Reset()
	store.Record(1, get(milli))
	r := store.Take()
	if r.Total.Requests != 1 || len(r.Errors) != 0 || !r.Start.Equal(clock.now) {
		t.Errorf("after Reset: %+v", r)
	}
	if r := store.Take(); !r.Empty() {
		t.Errorf("what was dropped comes back: %+v", r)
	}
	if got := store.Recorded(); got != 2 {
		t.Errorf("Recorded() = %d, want both samples", got)
	}
}

func TestRecordTakesTheClockForNoTime(t *testing.T) {
	clock := &fakeClock{now: start.Add(time.Minute)}
	store := New(Config{Now: clock.Now})
	sm := get(milli)
	sm.At = time.Time{}
	store.Record(0, sm)
	if got := store.Take().Total.LastRequest; !got.Equal(clock.now) {
		t.Errorf("LastRequest = %v, want %v", got, clock.now)
	}
}

// TestRecordCopiesStrings: callers may use the memory of their strings again.
func TestRecordCopiesStrings(t *testing.T) {
	memory := []byte("GET/aboom")
	text := unsafe.String(&memory[0], len(memory))
	store := New(Config{Shards: 1})
	store.Record(0, failed(Sample{Method: text[:3], Name: text[3:5], At: start}, text[5:]))
	copy(memory, "POST/none")
	store.Record(0, failed(get(milli), "boom"))
	r := store.Take()
	if len(r.Entries) != 1 || r.Entries[0].Name != "/a" || len(r.Errors) != 1 || r.Errors[0].Text != "boom" {
		t.Errorf("after the memory has changed: %+v", r)
	}
}

// TestSecondsInAnyOrder: samples need not come in the order of their time.
//
// Conformance: F12
func TestSecondsInAnyOrder(t *testing.T) {
	store := New(Config{Shards: 1})
	want := map[int64]int64{}
	for i := range int64(500) {
		sm := get(milli)
		sm.At = time.Unix(1000+i*7919%101, 0)
		want[sm.At.Unix()]++
		store.Record(0, sm)
	}
	r := store.Take()
	if !reflect.DeepEqual(r.Total.RequestsPerSec, want) || r.Total.LastRequest.Unix() != 1100 {
		t.Errorf("per second: %v, want %v; last %v", r.Total.RequestsPerSec, want, r.Total.LastRequest.Unix())
	}
}

// Conformance: X6
func TestAbsurdValuesStayInRange(t *testing.T) {
	store := New(Config{Shards: 1})
	for range 3 {
		store.Record(0, Sample{Name: "big", ResponseTime: math.MaxInt64, Length: math.MaxInt64, At: time.Unix(math.MaxInt64/2, 0)})
		store.Record(0, Sample{Name: "small", ResponseTime: math.MinInt64, Length: math.MinInt64, At: time.Unix(math.MinInt64/2, 0)})
	}
	r := store.Take()
	big, small := r.Entries[0], r.Entries[1]
	if big.TotalTime != math.MaxInt64 || big.Max != math.MaxInt64 || big.ContentLength != math.MaxInt64 {
		t.Errorf("big: %+v", big)
	}
	if small.TotalTime != 0 || small.Max != 0 || small.Min != 0 || !small.HasMin || small.ContentLength != math.MinInt64 {
		t.Errorf("small: %+v", small)
	}
	if r.Total.Requests != 6 || r.Total.Max != math.MaxInt64 || r.Total.Min != 0 {
		t.Errorf("total: %+v", r.Total)
	}
}

func TestShards(t *testing.T) {
	for shards, want := range map[int]int{1: 1, 2: 2, 3: 4, 5: 8, 1000: 1024, math.MaxInt: maxShards} {
		if got := len(New(Config{Shards: shards}).shards); got != want {
			t.Errorf("Shards: %d gives %d, want %d", shards, got, want)
		}
	}
	for _, shards := range []int{0, -1, math.MinInt} {
		if got := len(New(Config{Shards: shards}).shards); got < 4 || got&(got-1) != 0 {
			t.Errorf("Shards: %d gives %d, want a power of two of at least 4", shards, got)
		}
	}
	if size := unsafe.Sizeof(shard{}); size != 128 {
		t.Errorf("a shard has %d bytes, want two cache lines", size)
	}
}

// TestTallyDropsWhatIsNotUsed: names that are not static must not fill the memory.
func TestTallyDropsWhatIsNotUsed(t *testing.T) {
	store := New(Config{Shards: 1, MaxRows: 20_000})
	for _, count := range []int{20_000, maxKept + 1, 10, 100} {
		for i := range count {
			sm := get(milli)
			sm.Name = fmt.Sprint("/", count, "/", i)
			store.Record(0, failed(sm, "x"))
		}
		if got := len(store.Take().Entries); got != count {
			t.Errorf("%d entries, want %d", got, count)
		}
		store.Reset()
	}
	for range 3 {
		store.Record(0, get(milli))
		store.Take()
	}
	sh := &store.shards[0]
	for _, tally := range []*tally{sh.active, sh.spare} {
		if len(tally.rows) > 1 || len(tally.failures) > 0 {
			t.Errorf("%d rows and %d failures are still known", len(tally.rows), len(tally.failures))
		}
	}
}

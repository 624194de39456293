package stats

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// reportsOf records a stream with a report after each batch, and with one report
// at the end.
func reportsOf(seed uint64, buckets Buckets) (parts []Report, whole Report) {
	rng := rand.New(rand.NewPCG(seed, 5))
	batches := newStream(rng, anyTime)
	joined := batch{at: batches[len(batches)-1].at}
	for _, b := range batches {
		joined.samples = append(joined.samples, b.samples...)
	}
	return run(rng, buckets, batches), run(rng, buckets, []batch{joined})[0]
}

// TestMergeIsOneReport: merging reports, in any order, gives what one report
// over the whole time had been.
func TestMergeIsOneReport(t *testing.T) {
	for seed := range uint64(300) {
		parts, whole := reportsOf(seed, Buckets(seed%2))
		rng := rand.New(rand.NewPCG(seed, 6))
		rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		merged := mergeAll(parts)
		for i := range merged.Entries { // begin with the first part that has them
			merged.Entries[i].Start = whole.Start
		}
		if !reflect.DeepEqual(plain(merged), plain(whole)) {
			t.Fatalf("seed %d: merged\n%+v\nwhole\n%+v", seed, merged, whole)
		}
	}
}

// TestMergeLeavesTheOther: a report may be sent while it is merged into another.
func TestMergeLeavesTheOther(t *testing.T) {
	_, first := reportsOf(1, Fine)
	_, second := reportsOf(2, Fine)
	same := mergeAll([]Report{first})
	if first.Empty() || second.Empty() {
		t.Fatal("the streams are too short for this test")
	}
	var merged Report
	merged.Merge(first)
	merged.Merge(second)
	merged.Merge(first)
	clear(merged.Total.ResponseTimes)
	clear(merged.Errors)
	if !reflect.DeepEqual(plain(first), plain(same)) {
		t.Errorf("after merging: %+v\nbefore %+v", first, same)
	}
}

func TestMergeOfNothing(t *testing.T) {
	_, whole := reportsOf(1, Fine)
	want, got := mergeAll([]Report{whole}), mergeAll([]Report{whole})
	got.Merge(Report{})
	if !reflect.DeepEqual(plain(got), plain(want)) {
		t.Errorf("merged with the zero report: %+v, want %+v", got, want)
	}
	var empty Report
	empty.Merge(Report{})
	if !empty.Empty() || empty.Total.Name != AggregatedName || empty.Total.ResponseTimes == nil {
		t.Errorf("zero reports merged: %+v", empty)
	}
}

// TestTotalIsTheEntries: total equals the sum over entries in every report.
//
// Conformance: X2
func TestTotalIsTheEntries(t *testing.T) {
	for seed := range uint64(100) {
		parts, _ := reportsOf(seed, Fine)
		for _, r := range append(parts, mergeAll(parts)) {
			total := newEntry(rowKey{name: AggregatedName}, r.Start)
			var failures int64
			for i := range r.Entries {
				total.merge(&r.Entries[i])
			}
			for _, row := range r.Errors {
				failures += row.Occurrences
			}
			total.Start = r.Total.Start
			if !reflect.DeepEqual(total, r.Total) || failures != r.Total.Failures {
				t.Fatalf("seed %d: total %+v, sum of entries %+v, errors %d", seed, r.Total, total, failures)
			}
		}
	}
}

func TestEarlierAndLater(t *testing.T) {
	var zero time.Time
	a, b := start, start.Add(1)
	for _, test := range []struct{ x, y, earlier, later time.Time }{
		{a, b, a, b},
		{b, a, a, b},
		{zero, a, a, a},
		{a, zero, a, a},
		{zero, zero, zero, zero},
	} {
		if got := earlier(test.x, test.y); !got.Equal(test.earlier) {
			t.Errorf("earlier(%v, %v) = %v", test.x, test.y, got)
		}
		if got := later(test.x, test.y); !got.Equal(test.later) {
			t.Errorf("later(%v, %v) = %v", test.x, test.y, got)
		}
	}
}

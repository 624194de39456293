package stats

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// streams is how many generated streams of samples each differential test runs.
const streams = 700

// start is when the clocks of both sides begin.
var start = time.Unix(1_795_448_529, 250_000_000)

// A batch is what happens between two reports.
type batch struct {
	samples []Sample
	at      time.Time // of the report
}

// newStream returns a few batches of samples in the order of their completion.
// Times of the clock are whole microseconds: Locust's are floats, which are not
// exact beyond, but then its seconds are ours.
func newStream(rng *rand.Rand, newTime func(*rand.Rand) time.Duration) []batch {
	texts := []string{"", "code=404", "it's", "<Session object at 0x7f31c0>", "ünïcode 失敗", "a\nb"}
	now := start
	batches := make([]batch, 1+rng.IntN(4))
	for i := range batches {
		pace := 1 + rng.IntN(1_000_000)
		for range rng.IntN(30) {
			now = now.Add(time.Duration(rng.IntN(pace)) * time.Microsecond)
			sm := Sample{
				Method: []string{"GET", "POST", ""}[rng.IntN(3)],
				Name:   fmt.Sprintf("/%d", rng.IntN(1+rng.IntN(4))),
				At:     now,
				NoTime: rng.IntN(12) == 0,
				Length: int64(rng.IntN(100_000)),
				Failed: rng.IntN(4) == 0,
			}
			if !sm.NoTime {
				sm.ResponseTime = newTime(rng)
			}
			if sm.Failed {
				sm.Error = texts[rng.IntN(len(texts))]
			}
			batches[i].samples = append(batches[i].samples, sm)
		}
		now = now.Add(time.Duration(rng.IntN(3_000_000)) * time.Microsecond)
		batches[i].at = now
	}
	return batches
}

// anyTime returns a time of any magnitude, often on or next to a border between
// two of Locust's buckets, sometimes negative.
func anyTime(rng *rand.Rand) time.Duration {
	switch rng.IntN(8) {
	case 0:
		return time.Duration(rng.IntN(200)) * milli / 2
	case 1:
		return time.Duration(rng.IntN(300))*5*milli + time.Duration(rng.IntN(3)-1)
	case 2:
		return time.Duration(rng.IntN(300))*50*milli + time.Duration(rng.IntN(3)-1)
	case 3:
		return time.Duration(rng.IntN(300))*500*milli + time.Duration(rng.IntN(3)-1)
	case 4:
		return -time.Duration(rng.IntN(20)) * milli / 2
	default:
		return positiveTime(rng)
	}
}

// positiveTime returns a time from a nanosecond to 300 s, all decades alike.
func positiveTime(rng *rand.Rand) time.Duration {
	return time.Duration(math.Pow(10, rng.Float64()*math.Log10(300e9)))
}

// sampleRows is how peer.py takes samples: with the text as the task gave it.
func sampleRows(samples []Sample) []any {
	rows := []any{}
	for _, sm := range samples {
		var ms, text any
		if !sm.NoTime {
			ms = millis(max(sm.ResponseTime, 0))
		}
		if sm.Failed {
			text = sm.Error
		}
		rows = append(rows, []any{sm.Method, sm.Name, unixSeconds(sm.At), ms, sm.Length, text})
	}
	return rows
}

// run records the batches and returns the report after each.
func run(rng *rand.Rand, buckets Buckets, batches []batch) []Report {
	now := start
	store := New(Config{Shards: 1 << rng.IntN(4), Buckets: buckets, Now: func() time.Time { return now }})
	var reports []Report
	for _, b := range batches {
		for _, sm := range b.samples {
			sm.Error = NormalizeError(sm.Error, 0)
			store.Record(rng.Uint32(), sm)
		}
		now = b.at
		reports = append(reports, store.Take())
	}
	return reports
}

func mergeAll(reports []Report) Report {
	var all Report
	for _, r := range reports {
		all.Merge(r)
	}
	return all
}

// TestFiguresAreLocusts sends the same samples to one RequestStats directly and,
// as our reports, to another that merges them as a master does. Everything that
// the master shows must be the same, whether the reports come one by one or
// merged into one.
//
// Conformance: X13
func TestFiguresAreLocusts(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	later := unixSeconds(start.Add(time.Hour))
	for seed := range uint64(streams) {
		rng := rand.New(rand.NewPCG(seed, 1))
		batches := newStream(rng, anyTime)
		reports := run(rng, Locust, batches)
		var samples, messages []any
		for i, b := range batches {
			samples = append(samples, sampleRows(b.samples)...)
			messages = append(messages, reportMessage(reports[i]))
		}
		if samples == nil {
			samples = []any{}
		}
		var want, got, gotMerged map[string]any
		p.Call("direct", map[string]any{"start": unixSeconds(start), "samples": samples}, &want)
		p.Call("master", map[string]any{"start": later, "reports": messages}, &got)
		p.Call("master", map[string]any{"start": later, "reports": []any{reportMessage(mergeAll(reports))}}, &gotMerged)
		compare(t, fmt.Sprintf("stream %d", seed), want, got)
		compare(t, fmt.Sprintf("stream %d merged", seed), want, gotMerged)
		if t.Failed() {
			return
		}
	}
}

// TestReportsAreLocusts compares every field of every report with the reports of
// a Python worker that saw the same samples.
//
// Conformance: F3, F4, F5, F6, F7, F10, X10
func TestReportsAreLocusts(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	for seed := range uint64(streams) {
		rng := rand.New(rand.NewPCG(seed, 2))
		batches := newStream(rng, anyTime)
		var rows []any
		for _, b := range batches {
			rows = append(rows, map[string]any{"at": unixSeconds(b.at), "samples": sampleRows(b.samples)})
		}
		var wants []map[string]any
		p.Call("worker", map[string]any{"start": unixSeconds(start), "batches": rows}, &wants)
		before := map[string]bool{}
		for i, r := range run(rng, Locust, batches) {
			where := fmt.Sprintf("stream %d report %d", seed, i)
			want, got := wants[i], decoded(t, reportMessage(r))
			sortRows(want)
			sortRows(got)
			alignStarts(t, where, want, got, before)
			compare(t, where, want, got)
		}
		if t.Failed() {
			return
		}
	}
}

// alignStarts checks the start of the entries, and makes those equal that were
// not in the report before: Locust starts them with their first sample ever or
// the last report that had them, we start all with the period. Nothing that a
// master shows depends on it, only on the start of the total.
func alignStarts(t *testing.T, where string, want, got map[string]any, before map[string]bool) {
	t.Helper()
	wants, gots := want["stats"].([]any), got["stats"].([]any)
	if len(wants) != len(gots) {
		return // compare tells
	}
	period := got["stats_total"].(map[string]any)["start_time"]
	reported := map[string]bool{}
	for i := range wants {
		w, g := wants[i].(map[string]any), gots[i].(map[string]any)
		if g["start_time"] != period {
			t.Errorf("%s: an entry starts at %v, its report at %v", where, g["start_time"], period)
		}
		key := rowName(w)
		if !before[key] {
			g["start_time"] = w["start_time"]
		}
		reported[key] = true
	}
	clear(before)
	maps.Copy(before, reported)
}

// TestFineFiguresAreNearer runs Fine reports through a master: everything but
// the percentiles is as with Locust's buckets, and these are within half a step
// of the true ones and never further from them than Locust's.
func TestFineFiguresAreNearer(t *testing.T) {
	t.Parallel()
	p := startPeer(t)
	for seed := range uint64(streams) {
		rng := rand.New(rand.NewPCG(seed, 3))
		batches := newStream(rng, positiveTime)
		all := mergeAll(run(rng, Fine, batches))
		samples := []any{}
		for _, b := range batches {
			samples = append(samples, sampleRows(b.samples)...)
		}
		var want, got map[string]any
		p.Call("direct", map[string]any{"start": unixSeconds(start), "samples": samples}, &want)
		p.Call("master", map[string]any{"start": unixSeconds(start), "reports": []any{reportMessage(all)}}, &got)

		checkPercentiles(t, fmt.Sprintf("stream %d", seed), batches,
			percentilesOf(want["total"]), percentilesOf(got["total"]))
		dropHistograms(want)
		dropHistograms(got)
		compare(t, fmt.Sprintf("stream %d", seed), want, got)
		if t.Failed() {
			return
		}
	}
}

// checkPercentiles compares percentiles in ms, of Locust and ours, with those of
// the samples themselves by Locust's rule (calculate_response_time_percentile).
func checkPercentiles(t *testing.T, where string, batches []batch, locust, fine []float64) {
	t.Helper()
	var times []time.Duration
	for _, b := range batches {
		for _, sm := range b.samples {
			if !sm.NoTime {
				times = append(times, sm.ResponseTime)
			}
		}
	}
	if len(times) == 0 {
		return
	}
	slices.Sort(times)
	for i, percent := range []float64{0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1.0} {
		rank := min(int(float64(len(times))*percent), len(times)-1)
		truth := millis(times[rank])
		ours, theirs := math.Abs(fine[i]-truth), math.Abs(locust[i]-truth)
		if ours > theirs+1e-9 {
			t.Errorf("%s: %v percentile %v is further from %v than Locust's %v", where, percent, fine[i], truth, locust[i])
		}
		if limit := max(0.0005, truth*0.005); truth < 100 && ours > limit+1e-9 {
			t.Errorf("%s: %v percentile %v is more than %v from %v", where, percent, fine[i], limit, truth)
		}
	}
}

func percentilesOf(entry any) []float64 {
	var percentiles []float64
	for _, value := range entry.(map[string]any)["percentiles"].([]any) {
		percentiles = append(percentiles, value.(float64))
	}
	return percentiles
}

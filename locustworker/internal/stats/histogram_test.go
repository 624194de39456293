package stats

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// slotBySearch is slot as its contract says it.
func slotBySearch(d time.Duration) int {
	for i := range HistogramBounds {
		if d <= HistogramBound(i) {
			return i
		}
	}
	return HistogramBounds
}

func TestHistogramBounds(t *testing.T) {
	if first, last := HistogramBound(0), HistogramBound(HistogramBounds-1); first != 100*micro || last != 104_857_600*micro {
		t.Errorf("bounds from %v to %v", first, last)
	}
	for i := range HistogramBounds {
		b := HistogramBound(i)
		for _, d := range []time.Duration{b - 1, b, b + 1} {
			if got, want := slot(d), slotBySearch(d); got != want {
				t.Errorf("slot(%v) = %d, want %d", d, got, want)
			}
		}
	}
	for _, d := range []time.Duration{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		if got, want := slot(d), slotBySearch(d); got != want {
			t.Errorf("slot(%v) = %d, want %d", d, got, want)
		}
	}
}

func FuzzHistogramSlot(f *testing.F) {
	f.Add(int64(0))
	f.Add(int64(6_553_600_001))
	f.Fuzz(func(t *testing.T, d int64) {
		if got, want := slot(time.Duration(d)), slotBySearch(time.Duration(d)); got != want {
			t.Errorf("slot(%d) = %d, want %d", d, got, want)
		}
	})
}

func TestTimingCountsEverything(t *testing.T) {
	const observers, each = 8, 10_000
	timing := NewTiming()
	var all sync.WaitGroup
	for g := range uint32(observers) {
		all.Go(func() {
			for range each {
				timing.Observe(g, 3*milli)
			}
			timing.Observe(g, -milli)
		})
	}
	all.Wait()
	h := timing.Histogram()
	want := Histogram{Sum: observers * each * 3 * milli}
	want.Counts[slot(3*milli)], want.Counts[0] = observers*each, observers
	if h != want || h.Count() != observers*(each+1) {
		t.Errorf("got %+v\nwant %+v", h, want)
	}
}

func TestTimingAllocatesNothing(t *testing.T) {
	timing := NewTiming()
	if n := testing.AllocsPerRun(100, func() { timing.Observe(7, milli) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTiming(b *testing.B) {
	timing := NewTiming()
	rng := rand.New(rand.NewPCG(1, 2))
	var times [1024]time.Duration
	for i := range times {
		times[i] = time.Duration(rng.ExpFloat64() * float64(milli))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		timing.Observe(3, times[i&1023])
		i++
	}
}

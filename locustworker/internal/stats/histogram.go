package stats

import (
	"math/bits"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// HistogramBounds is the number of upper bounds of a [Histogram].
	HistogramBounds = 21
	lowestBound     = 100 * micro
)

// HistogramBound returns the i-th upper bound of every [Histogram]: 0.1 ms, each
// twice the one before, 104.8576 s at last.
func HistogramBound(i int) time.Duration { return lowestBound << i }

// A Histogram counts times by bounds that never change, so that histograms of
// any two periods and processes can be added. Unlike the keys of [Buckets] they do
// not round: a time is at or below its bound.
type Histogram struct {
	// Counts has at i the times above HistogramBound(i-1), up to and with
	// HistogramBound(i), and at last those above all bounds.
	Counts [HistogramBounds + 1]int64
	Sum    time.Duration // never decreases: negative times count as 0 in it
}

// Count returns how many times the histogram has.
func (h Histogram) Count() int64 {
	var n int64
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// slot returns the index in Histogram.Counts of a time.
func slot(d time.Duration) int {
	if d <= lowestBound {
		return 0
	}
	return min(bits.Len64(uint64((d-1)/lowestBound)), HistogramBounds)
}

// A Timing is a [Histogram] into which many goroutines count at a time. Its
// methods are safe for concurrent use, allocate nothing and take no lock.
type Timing struct {
	mask   uint32
	shards []timingShard
}

// A timingShard fills three cache lines.
type timingShard struct {
	counts [HistogramBounds + 1]atomic.Int64
	sum    atomic.Int64 // nanoseconds

	_ [8]byte
}

// NewTiming returns an empty timing with at least four shards for every core that
// Go may use.
func NewTiming() *Timing {
	count := shardCount(4 * runtime.GOMAXPROCS(0))
	return &Timing{mask: uint32(count - 1), shards: make([]timingShard, count)}
}

// Observe counts one time in the shard with the given number, of which the lower
// bits count; see [Store.Record].
func (t *Timing) Observe(shard uint32, d time.Duration) {
	s := &t.shards[shard&t.mask]
	s.counts[slot(d)].Add(1)
	s.sum.Add(int64(max(d, 0)))
}

// Histogram returns what was counted so far.
func (t *Timing) Histogram() Histogram {
	var h Histogram
	for i := range t.shards {
		s := &t.shards[i]
		h.Sum = addCapped(h.Sum, time.Duration(s.sum.Load()))
		for j := range s.counts {
			h.Counts[j] += s.counts[j].Load()
		}
	}
	return h
}

// shardCount rounds up to a power of two, at most maxShards.
func shardCount(n int) int { return 1 << bits.Len(uint(min(n, maxShards)-1)) }

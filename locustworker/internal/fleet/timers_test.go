package fleet

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTimersAreAQueue compares the heap with a sorted slice, while entries come and
// get stale.
func TestTimersAreAQueue(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var queue timers
		var want []*Member // by due
		for range 2000 {
			switch n := rng.IntN(10); {
			case n < 5:
				m := &Member{state: waiting, due: time.Duration(rng.IntN(1000))}
				queue.push(m.due, m)
				at, _ := slices.BinarySearchFunc(want, m, func(a, b *Member) int { return int(a.due - b.due) })
				want = slices.Insert(want, at, m)
			case n < 8 && len(want) > 0:
				i := rng.IntN(len(want))
				want[i].state = queued
				queue.dropped()
				want = slices.Delete(want, i, i+1)
			case len(want) > 0:
				var got *Member
				for got == nil {
					got = queue.pop()
				}
				if got.due != want[0].due {
					t.Fatalf("seed %d: got one due at %d, want %d", seed, got.due, want[0].due)
				}
				i := slices.Index(want, got)
				want = slices.Delete(want, i, i+1)
			}
			if fresh := len(queue.heap) - queue.stale; fresh != len(want) {
				t.Fatalf("seed %d: %d entries, %d of them stale, want %d", seed, len(queue.heap), queue.stale, len(want))
			}
			if queue.stale > compactAt && queue.stale > len(queue.heap)/2+1 {
				t.Fatalf("seed %d: %d of %d entries are stale", seed, queue.stale, len(queue.heap))
			}
		}
	}
}

package dispatch

import (
	"cmp"
	"container/heap"
	"math"
)

// A share is a class and its weight.
type share struct {
	name   string
	weight int
}

// A deal is an endless sequence of names in which each stands as often as its
// weight says, spread as evenly as possible: the next name is the one that
// lowers the Kullback-Leibler divergence from the weights most (_kl_generator).
type deal struct{ queue dealQueue }

// A candidate is a name that may be next.
type candidate struct {
	change float64 // of the divergence, when the name is chosen once more
	count  float64 // how often it was chosen, plus its weight, plus 1
	weight float64
	name   string
}

func newDeal(shares []share) *deal {
	d := &deal{}
	for _, s := range shares {
		if s.weight > 0 {
			x := float64(s.weight)
			d.queue = append(d.queue, candidate{divergence(x, x), x + 1, x, s.name})
		}
	}
	heap.Init(&d.queue)
	return d
}

func divergence(weight, count float64) float64 { return weight * math.Log2(count/(count+1)) }

// next returns the next name, or false when there is none.
func (d *deal) next() (string, bool) {
	if len(d.queue) == 0 {
		return "", false
	}
	c := &d.queue[0]
	name := c.name
	c.change = divergence(c.weight, c.count)
	c.count++
	heap.Fix(&d.queue, 0)
	return name, true
}

// A dealQueue is a heap of candidates, in the order of Python's tuples.
type dealQueue []candidate

func (q dealQueue) Len() int { return len(q) }

func (q dealQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(
		cmp.Compare(a.change, b.change),
		cmp.Compare(a.count, b.count),
		cmp.Compare(a.weight, b.weight),
		cmp.Compare(a.name, b.name),
	) < 0
}

func (q dealQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is for container/heap, which never calls it: a deal does not grow.
func (q *dealQueue) Push(x any) {
	if c, ok := x.(candidate); ok {
		*q = append(*q, c)
	}
}

// Pop is for container/heap, which never calls it: a deal does not shrink.
func (q *dealQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

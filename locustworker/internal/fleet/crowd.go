package fleet

import (
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lapLimit is how long a goroutine that could run may wait for a processor
	// before members take turns.
	lapLimit = 50 * time.Millisecond
	// lapInterval is how often a member that does not wait measures it.
	lapInterval = 10 * time.Millisecond
	// turnLength is how long a member goes on in any case: Steps that take next to
	// nothing would do nothing but wait for the shard's lock.
	turnLength = time.Millisecond
	// turnInterval is how often members that yielded are looked after.
	turnInterval = 10 * time.Millisecond
	// readInterval is how long a reading of the scheduler serves.
	readInterval = time.Millisecond
	// perProcessor is how many goroutines may wait for each processor while members
	// take turns. Go lets each of them run for up to 10 ms.
	perProcessor = 4
	// forceEvery and calmAfter count turnIntervals.
	forceEvery = 10
	calmAfter  = 50
)

// A crowd keeps the processor free for others when members need more of it than
// there is. Go's scheduler knows no priorities: with 200 members that compute and do
// not wait, and one processor, any other goroutine, such as the one that sends
// heartbeats, would get its turn after 200 times 10 ms.
//
// So, while there is a crowd, a member that does not wait leaves its executor after
// a Step if many goroutines are waiting for a processor, and gets its turn again,
// first come, first served, when there are fewer. No Step starts later for it than
// the processor could have run it. Members whose Steps wait for something else are
// not among those that wait for a processor: any number of them may do that.
type crowd struct {
	fleet *Fleet
	limit int64        // of goroutines that wait for a processor
	count func() int64 // of them

	on       atomic.Bool
	measured atomic.Int64 // when a member measured last, on the fleet's clock
	waiting  atomic.Int64 // the last reading of count, and what was done since
	readAt   atomic.Int64
	mu       sync.Mutex // held while count runs
}

func (c *crowd) init(f *Fleet) {
	c.fleet = f
	c.limit = int64(perProcessor * runtime.GOMAXPROCS(0))
	c.count = readRunnable()
}

// readRunnable returns a function that returns how many goroutines could run and
// have no processor. It is not safe for concurrent use.
func readRunnable() func() int64 {
	sample := []metrics.Sample{{Name: "/sched/goroutines/runnable:goroutines"}}
	return func() int64 {
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindUint64 {
			return 0
		}
		return int64(sample[0].Value.Uint64())
	}
}

// goOn reports whether a member that does not wait may go on in its executor.
func (c *crowd) goOn(s *shard, x *executor) bool {
	if c.on.Load() {
		if c.fleet.now()-x.since < turnLength {
			return true
		}
		if !c.room() {
			c.waiting.Add(-1) // one of them gets this processor
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.ready.empty() && s.turns.empty()
	}
	now := c.fleet.now()
	last := c.measured.Load()
	if now-time.Duration(last) < lapInterval || !c.measured.CompareAndSwap(last, int64(now)) {
		return true
	}
	runtime.Gosched()
	c.late(c.fleet.now() - now)
	return true
}

// late takes note of how long something waited for a processor.
func (c *crowd) late(d time.Duration) {
	if d > lapLimit && c.on.CompareAndSwap(false, true) {
		go c.watch()
	}
}

// room reports whether one more executor may run.
func (c *crowd) room() bool {
	if !c.on.Load() {
		return true
	}
	now := int64(c.fleet.now())
	if now-c.readAt.Load() > int64(readInterval) && c.mu.TryLock() {
		c.waiting.Store(c.count())
		c.readAt.Store(now)
		c.mu.Unlock()
	}
	return c.waiting.Load() < c.limit
}

// started notes that an executor was started.
func (c *crowd) started() {
	if c.on.Load() {
		c.waiting.Add(1)
	}
}

// watch gives members that have yielded their turns, until nobody needed one for
// some time.
func (c *crowd) watch() {
	calm := 0
	for tick := 1; calm < calmAfter && c.fleet.alive.Load() > 0; tick++ {
		time.Sleep(turnInterval)
		calm++
		for i := range c.fleet.shards { // each is the first in turn: room may be for one only
			s := c.fleet.shards[(tick+i)%len(c.fleet.shards)]
			if s.turn(tick%forceEvery == 0) {
				calm = 0
			}
		}
	}
	c.on.Store(false)
	for _, s := range c.fleet.shards {
		s.turn(false)
	}
}

// turn has an executor look at the lists, in any case if forced is set, and reports
// whether there is something in them.
func (s *shard) turn(forced bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready.empty() && s.turns.empty() {
		return false
	}
	if forced {
		s.fleet.crowd.waiting.Store(0)
	}
	s.wakeOne()
	return true
}

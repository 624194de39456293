package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A lab is callers that take permits, as the fleet's members do: woken, not blocked.
type lab struct {
	limiter *Limiter
	start   time.Time
	taken   []time.Duration
	order   []int
}

type caller struct {
	lab   *lab
	place *Place
	id    int
	woken atomic.Int64
}

func newLab(rate float64) *lab {
	l := &lab{start: time.Now()}
	l.limiter = New(Config{Now: func() time.Duration { return time.Since(l.start) }})
	l.limiter.SetRate(rate)
	return l
}

func (l *lab) callers(n int) []*caller {
	all := make([]*caller, n)
	for i := range all {
		all[i] = &caller{lab: l, id: i}
		all[i].place = NewPlace(all[i])
	}
	return all
}

func (c *caller) Wake() { c.woken.Add(1) }

// take notes a permit, if there is one.
func (c *caller) take() bool {
	if !c.lab.limiter.Take(c.place) {
		return false
	}
	c.lab.taken = append(c.lab.taken, time.Since(c.lab.start))
	c.lab.order = append(c.lab.order, c.id)
	return true
}

// runFor lets the callers take one permit after the other for a time, each looking
// only when it was woken.
func (l *lab) runFor(d, tick time.Duration, callers []*caller) {
	for end := time.Now().Add(d); ; time.Sleep(tick) {
		synctest.Wait()
		if !time.Now().Before(end) {
			return
		}
		for _, c := range callers {
			if c.woken.Swap(0) > 0 {
				c.take()
				c.take() // and waits for the next
			}
		}
	}
}

// TestPermitsAreEvenlySpaced: no two are nearer than the interval, however many wait,
// and there are as many as the rate says.
func TestPermitsAreEvenlySpaced(t *testing.T) {
	for _, rate := range []float64{0.5, 3, 100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(rate)
			callers := l.callers(50)
			for _, c := range callers {
				c.take()
			}
			interval := time.Duration(float64(time.Second) / rate)
			tick := interval / 10 // permits are taken once a tick
			const n = 100
			l.runFor(n*interval, tick, callers)
			if got := len(l.taken); got < n-1 || got > n+1 {
				t.Errorf("%d permits in %v at %v/s; want %d", got, n*interval, rate, n)
			}
			least := interval - tick - time.Microsecond
			for i := 1; i < len(l.taken); i++ {
				if gap := l.taken[i] - l.taken[i-1]; gap < least {
					t.Fatalf("permits %d and %d are %v apart at %v/s", i-1, i, gap, rate)
				}
			}
			for _, c := range callers {
				l.limiter.Leave(c.place)
			}
		})
	}
}

// TestFirstComeFirstServed: each permit wakes one caller, the one that has waited for
// the longest time.
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(10)
		callers := l.callers(20)
		for _, c := range callers {
			c.take()
		}
		for i := 1; i < 20; i++ {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			for _, c := range callers {
				if n := c.woken.Load(); (n > 0) != (c.id <= i && c.id > 0) || n > 1 {
					t.Fatalf("after %d permits caller %d was woken %d times", i, c.id, n)
				}
			}
		}
		for _, c := range callers {
			l.limiter.Leave(c.place)
		}
	})
}

// TestUnusedPermitsAreNotKept: after an hour without a caller, two callers are an
// interval apart.
func TestUnusedPermitsAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(10)
		time.Sleep(time.Hour)
		callers := l.callers(3)
		if !callers[0].take() || callers[1].take() || callers[2].take() {
			t.Fatal("want one permit at once")
		}
		l.runFor(time.Second, time.Millisecond, callers[1:])
		if gap := l.taken[1] - l.taken[0]; gap < 100*time.Millisecond || gap > 102*time.Millisecond {
			t.Errorf("the next permit came after %v", gap)
		}
		for _, c := range callers {
			l.limiter.Leave(c.place)
		}
	})
}

// TestLeave: who leaves the queue costs no permit, and one that was given and not
// taken goes to the next.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(1)
		c := l.callers(5)
		for _, each := range c {
			each.take()
		}
		l.limiter.Leave(c[1].place)
		l.limiter.Leave(c[3].place)
		time.Sleep(time.Second)
		synctest.Wait()
		if c[2].woken.Load() != 1 || c[1].woken.Load() != 0 {
			t.Fatal("the second in the queue has no permit")
		}
		l.limiter.Leave(c[2].place)
		if c[4].woken.Load() != 1 || !c[4].take() {
			t.Error("the permit was lost")
		}
		l.limiter.Leave(c[2].place) // again
		l.limiter.Leave(c[0].place) // who does not wait
		if c[0].take() {
			t.Error("a permit too many")
		}
		l.limiter.Leave(c[0].place)
	})
}

// TestNoGoroutineForThoseWhoWait: one gives the permits, none when nobody waits.
func TestNoGoroutineForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		l := newLab(0.001)
		callers := l.callers(1000)
		for _, c := range callers {
			c.take()
		}
		time.Sleep(time.Second)
		if n := runtime.NumGoroutine() - before; n > 1 { // some of before may have ended
			t.Errorf("%d goroutines for 999 that wait", n)
		}
		for _, c := range callers {
			l.limiter.Leave(c.place)
		}
		synctest.Wait()
		if n := runtime.NumGoroutine() - before; n > 0 || l.limiter.running {
			t.Errorf("%d goroutines when nobody waits", n)
		}
	})
}

// TestTheRateChanges for those who wait, and all of them go on when there is no limit
// any more.
func TestTheRateChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(0.01)
		callers := l.callers(100)
		for _, c := range callers {
			c.take()
		}
		woken := func() (n int64) {
			for _, c := range callers {
				n += c.woken.Load()
			}
			return n
		}
		time.Sleep(time.Second)
		l.limiter.SetRate(10)
		time.Sleep(2*time.Second - 50*time.Millisecond)
		synctest.Wait()
		if n := woken(); n < 19 || n > 21 {
			t.Errorf("%d permits in 2 s at 10/s", n)
		}
		l.limiter.SetRate(0)
		synctest.Wait()
		if n := woken(); n != 99 || l.limiter.Limited() {
			t.Errorf("%d of 99 have gone on without a limit", n)
		}
	})
}

// TestAHigherRateOwesNothing: what would have been due at the higher rate before it
// was set is not made up for.
func TestAHigherRateOwesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(10)
		callers := l.callers(4)
		for _, c := range callers {
			c.take()
		}
		time.Sleep(95 * time.Millisecond)
		l.limiter.SetRate(20) // at which a permit was due 45 ms ago
		synctest.Wait()
		for i, want := range []int64{1, 0, 1} { // now, and 49 ms and 50 ms later
			if i > 0 {
				time.Sleep([]time.Duration{49 * time.Millisecond, time.Millisecond}[i-1])
				synctest.Wait()
			}
			var n int64
			for _, c := range callers {
				n += c.woken.Swap(0)
			}
			if n != want {
				t.Errorf("step %d: %d permits; want %d", i, n, want)
			}
		}
		for _, c := range callers {
			l.limiter.Leave(c.place)
		}
	})
}

// TestAHeldUpLimiterDoesNotBurst: what was due while the process stood still is made
// up for by 10 ms of the rate at most.
func TestAHeldUpLimiterDoesNotBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held atomic.Int64 // the clock's jump
		start := time.Now()
		l := &lab{start: start}
		l.limiter = New(Config{Now: func() time.Duration { return time.Since(start) + time.Duration(held.Load()) }})
		l.limiter.SetRate(1000)
		callers := l.callers(5000)
		for _, c := range callers {
			c.take()
		}
		synctest.Wait()
		held.Store(int64(2 * time.Second))
		time.Sleep(time.Millisecond + 1)
		synctest.Wait()
		n := 0
		for _, c := range callers {
			n += int(c.woken.Load())
		}
		if n < 9 || n > 13 {
			t.Errorf("%d permits at once after a stop of 2 s; want those of 10 ms", n)
		}
		for _, c := range callers {
			l.limiter.Leave(c.place)
		}
	})
}

// TestTheQueueAgainstASlice: places come and leave, and permits go to the first.
func TestTheQueueAgainstASlice(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			l := newLab(1)
			callers := l.callers(30)
			var queue []*caller
			callers[0].take()
			for range 500 {
				c := callers[rng.IntN(len(callers))]
				at := slices.Index(queue, c)
				switch {
				case rng.IntN(4) == 0 && len(queue) > 0:
					time.Sleep(time.Second)
					synctest.Wait()
					first := queue[0]
					queue = queue[1:]
					if first.woken.Swap(0) != 1 || !l.limiter.Take(first.place) {
						t.Fatal("the first in the queue has no permit")
					}
				case at < 0 && len(queue) > 0:
					queue = append(queue, c)
					if l.limiter.Take(c.place) {
						t.Fatal("a permit out of turn")
					}
				case at < 0:
					if !l.limiter.Take(c.place) {
						queue = append(queue, c)
					}
				default:
					l.limiter.Leave(c.place)
					queue = slices.Delete(queue, at, at+1)
				}
			}
			for _, c := range queue {
				l.limiter.Leave(c.place)
			}
		})
	}
}

// blocker is a caller that waits in a goroutine, for the test in real time.
type blocker chan struct{}

func (b blocker) Wake() { b <- struct{}{} }

// TestConcurrentCallers in real time: no permit is given twice, and the rate is kept.
func TestConcurrentCallers(t *testing.T) {
	for _, nap := range []func(time.Duration){nil, time.Sleep} {
		t.Run(fmt.Sprint(nap != nil), func(t *testing.T) {
			start := time.Now()
			l := New(Config{Now: func() time.Duration { return time.Since(start) }, Nap: nap})
			const rate, permits = 5000, 1000
			l.SetRate(rate)
			var left atomic.Int64
			left.Store(permits)
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					wake := make(blocker, 1)
					p := NewPlace(wake)
					for left.Add(-1) >= 0 {
						for !l.Take(p) {
							<-wake
						}
					}
				})
			}
			wg.Wait()
			if took, least := time.Since(start), time.Second*(permits-1)/rate-catchUp; took < least {
				t.Errorf("%d permits took %v; want at least %v", permits, took, least)
			}
		})
	}
}

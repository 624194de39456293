package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// always is a step that waits for so long.
func always(d time.Duration) func(*worker) (time.Duration, bool) {
	return func(*worker) (time.Duration, bool) { return d, false }
}

func TestSpawnSetsAbsoluteNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, always(time.Second))
		for _, n := range []int{5, 5, 700, 3, 0, 1} {
			l.spawn(n)
			l.count(n)
		}
		l.fleet.Spawn(t.Context(), map[string]int{"other": 7}, 0)
		l.count(1)
		l.fleet.StopAll(0)
		l.count(0)
	})
}

func TestMembersOfAllGroupsAreNumbered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, always(time.Hour))
		l.fleet.Add("b", l.newMember)
		l.fleet.Spawn(t.Context(), map[string]int{"b": 2, "a": 1}, 0)
		byGroup, sum := l.fleet.Counts()
		if fmt.Sprint(byGroup, sum) != "map[a:1 b:2] 3" {
			t.Errorf("counts %v, %d", byGroup, sum)
		}
		for i, w := range l.workers {
			if w.id != int64(i+1) {
				t.Errorf("member %d has number %d", i, w.id)
			}
		}
		l.fleet.StopAll(0)
	})
}

func TestWaitsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := []time.Duration{3 * time.Second, 1, time.Hour, 0, -5, time.Millisecond}
		var at []time.Duration
		begin := time.Now()
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
			at = append(at, time.Since(begin))
			if w.steps > len(waits) {
				return 0, true
			}
			return waits[w.steps-1], false
		})
		l.spawn(1)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		want := []time.Duration{0}
		for _, d := range waits {
			want = append(want, want[len(want)-1]+max(0, d))
		}
		if !slices.Equal(at, want) {
			t.Errorf("steps at %v, want %v", at, want)
		}
		if !slices.Equal(l.late, make([]time.Duration, 4)) {
			t.Errorf("lateness %v, want four times 0: one for each wait", l.late)
		}
		l.count(0)
	})
}

func TestAWaitBeyondTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, always(1<<63-1))
		time.Sleep(time.Second)
		l.spawn(3)
		time.Sleep(100 * 365 * 24 * time.Hour)
		l.count(3)
		l.fleet.StopAll(0)
		for _, w := range l.workers {
			if w.steps != 1 {
				t.Errorf("%d steps, want 1", w.steps)
			}
		}
	})
}

// TestManyWaitsAreInOrder: members wait for times of their own, and some are stopped
// meanwhile.
func TestManyWaitsAreInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 500
		begin := time.Now()
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
			each := time.Duration(w.id*7919%1009) * time.Millisecond
			if got := time.Since(begin); got != each*time.Duration(w.steps-1) {
				w.lab.t.Errorf("member %d: step %d at %v, want %v", w.id, w.steps, got, each*time.Duration(w.steps-1))
			}
			return each, false
		})
		l.spawn(n)
		for left := n; left > 0; left -= 50 {
			time.Sleep(777*time.Millisecond + 1)
			l.spawn(left)
			l.count(left)
		}
		l.fleet.StopAll(0)
	})
}

func TestStopEndsAWaitAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, always(time.Hour))
		l.spawn(100)
		time.Sleep(time.Second)
		l.fleet.StopAll(time.Minute)
		l.took("stopped", time.Second)
		if len(l.late) > 0 {
			t.Errorf("%d members woke", len(l.late))
		}
		for _, w := range l.workers {
			if w.kills.Load() > 0 {
				t.Fatal("a member that waited was killed")
			}
		}
	})
}

func TestStopTimeouts(t *testing.T) {
	for _, test := range []struct{ step, timeout, want time.Duration }{
		{3 * time.Second, 0, 0},
		{3 * time.Second, 5 * time.Second, 3 * time.Second},
		{9 * time.Second, 5 * time.Second, 5 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) { w.sleep(test.step); return 0, false })
			l.spawn(4)
			synctest.Wait()
			l.fleet.StopAll(test.timeout)
			l.took(fmt.Sprint(test), test.want)
		})
	}
}

// TestAShorterStopReplacesALongerOne: members that have five minutes to stop get no more than
// a later StopAll gives.
func TestAShorterStopReplacesALongerOne(t *testing.T) {
	for _, second := range []time.Duration{0, 10 * time.Second, time.Hour} {
		for _, how := range []string{"shrink", "stop"} {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) { w.sleep(24 * time.Hour); return 0, false })
				l.spawn(5)
				synctest.Wait()
				first := make(chan struct{})
				go func() {
					defer close(first)
					if how == "stop" {
						l.fleet.StopAll(5 * time.Minute)
						return
					}
					l.fleet.Spawn(t.Context(), map[string]int{"a": 1}, 5*time.Minute)
				}()
				time.Sleep(time.Minute)
				l.start = time.Now()
				l.fleet.StopAll(second)
				want := second
				if second > 5*time.Minute {
					want = 4 * time.Minute
					if how == "shrink" { // the one that was left has an hour
						want = second
					}
				}
				l.took(how, want)
				<-first
				l.took(how, 0)
			})
		}
	}
}

func TestSpawnReturnsWhenTheSurplusIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) { w.sleep(4 * time.Second); return 0, false })
		l.spawn(5)
		synctest.Wait()
		l.fleet.Spawn(t.Context(), map[string]int{"a": 2}, 10*time.Second)
		l.took("shrunk", 4*time.Second)
		l.count(2)

		time.Sleep(time.Millisecond) // the others are in their next Step
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l.fleet.Spawn(ctx, map[string]int{"a": 0}, 10*time.Second)
		l.took("given up", time.Second+time.Millisecond)
		l.count(2)
		l.spawn(2) // those that stop do not count as there
		l.count(4)
		time.Sleep(3*time.Second + 1)
		l.count(2)
		l.fleet.StopAll(0)
	})
}

func TestNoMemberStartsAfterTheContextsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, always(time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		l.fleet.Spawn(ctx, map[string]int{"a": 1000}, 0)
		synctest.Wait()
		l.count(0)
	})
}

func TestTheFleetEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newLab(ctx, t, func(w *worker) (time.Duration, bool) {
			if w.id%2 == 0 {
				w.sleep(time.Hour)
			}
			return time.Hour, false
		})
		l.spawn(10)
		time.Sleep(time.Minute)
		cancel()
		synctest.Wait()
		l.count(0)
	})
}

// TestMembersThatEndBeforeTheyWereTold: what is taken to be stopped may end by
// itself at any moment.
func TestMembersThatEndBeforeTheyWereTold(t *testing.T) {
	l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
		return time.Duration(w.id%3) * time.Microsecond, w.steps > int(w.id%5)
	})
	for range 200 {
		l.spawn(20)
		l.spawn(3)
		l.fleet.StopAll(time.Duration(len(l.workers)%2) * time.Millisecond)
	}
	l.count(0)
}

// TestAStepThatEndsItsGoroutine: runtime.Goexit takes the member with it, and
// nobody else.
func TestAStepThatEndsItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
			if w.id%3 == 0 {
				w.inStep.Store(false)
				runtime.Goexit()
			}
			return time.Second, false
		})
		l.spawn(30)
		time.Sleep(10 * time.Second)
		l.count(20)
		l.fleet.StopAll(0)
		for _, w := range l.workers {
			if w.id%3 != 0 && w.steps < 10 {
				t.Errorf("member %d has run %d steps", w.id, w.steps)
			}
		}
	})
}

// TestExecutorsComeAndGo: there are as many goroutines as Steps that run, and few
// when nobody has anything to do.
func TestExecutorsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		before := runtime.NumGoroutine()
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
			if w.steps == 2 {
				w.sleep(10 * time.Second)
			}
			return time.Minute, false
		})
		l.spawn(n)
		time.Sleep(3 * time.Second)
		if now := runtime.NumGoroutine() - before; now > len(l.fleet.shards)+2 {
			t.Errorf("%d goroutines for members that wait", now)
		}
		time.Sleep(time.Minute)
		if now := runtime.NumGoroutine() - before; now < n-5 { // some of before may have ended
			t.Errorf("%d goroutines for %d Steps that run", now, n)
		}
		time.Sleep(12 * time.Second)
		if now := runtime.NumGoroutine() - before; now > len(l.fleet.shards)+2 {
			t.Errorf("%d goroutines 3 s after the Steps", now)
		}
		l.fleet.StopAll(0)
	})
}

// TestAMemberWithoutWaitKeepsItsExecutor: and one that blocks holds up nobody.
func TestAMemberWithoutWaitKeepsItsExecutor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := runtime.NumGoroutine()
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
			w.sleep(time.Second)
			if now := runtime.NumGoroutine() - before; now > 20 {
				t.Errorf("%d goroutines", now)
			}
			return 0, false
		})
		l.spawn(10)
		time.Sleep(10*time.Second + 1)
		l.fleet.StopAll(0)
		for _, w := range l.workers {
			if w.steps != 11 {
				t.Errorf("member %d has had %d steps, want 11", w.id, w.steps)
			}
		}
	})
}

// TestEveryMemberEndsOnce: members come, wait, compute, end by themselves and are
// stopped from two sides, in real time.
func TestEveryMemberEndsOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
		return time.Duration(w.id%5-1) * 50 * time.Microsecond, w.id%7 == 0 && w.steps > 20
	})
	for range 60 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(3000))*time.Microsecond)
		stopped := make(chan struct{})
		timeout := time.Duration(rng.IntN(2)) * time.Millisecond
		go func() {
			defer close(stopped)
			if timeout > 0 {
				l.fleet.StopAll(timeout)
			}
		}()
		l.fleet.Spawn(ctx, map[string]int{"a": rng.IntN(400)}, timeout)
		cancel()
		<-stopped
	}
	l.fleet.StopAll(0)
	l.count(0)
	for _, w := range l.workers {
		if !w.ended {
			t.Errorf("member %d has not ended", w.id)
		}
	}
}

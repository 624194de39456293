package fleet

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestParkedMembersWaitForWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t.Context(), t, func(*worker) (time.Duration, bool) { return Park, false })
		m := l.fleet.Start("a")
		l.count(1)
		for want := 1; want < 4; want++ {
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := l.workers[0].steps; got != want {
				t.Fatalf("%d steps; want %d", got, want)
			}
			m.Wake()
		}
		synctest.Wait()
		l.fleet.StopAll(time.Second)
		l.count(0)
		l.took("the end", 3*time.Hour)
		if len(l.late) > 0 {
			t.Errorf("Woke was called: %v", l.late)
		}
		m.Wake() // after its end
	})
}

// TestNoWakeIsLost wakes members at any time, in real time: each Wake is followed by
// a Step.
func TestNoWakeIsLost(t *testing.T) {
	var work, done atomic.Int64
	l := newLab(t.Context(), t, func(*worker) (time.Duration, bool) {
		done.Add(work.Swap(0))
		return Park, false
	})
	m := l.fleet.Start("a")
	for range 20_000 {
		work.Add(1)
		m.Wake()
	}
	deadline := time.Now().Add(time.Minute)
	for done.Load() < 20_000 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if n := done.Load(); n != 20_000 {
		t.Errorf("%d of 20000 were done", n)
	}
	l.fleet.StopAll(0)
}

func TestNoMemberStartsInAFleetThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l := newLab(ctx, t, func(*worker) (time.Duration, bool) { return Park, false })
		if l.fleet.Start("a") == nil || l.fleet.Start("b") != nil {
			t.Error("a member of a group that is there does not start, or another one")
		}
		cancel()
		synctest.Wait()
		if l.fleet.Start("a") != nil {
			t.Error("a member starts after the end")
		}
		l.count(0)
	})
}

package fleet

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestMembersTakeTurnsInACrowd: while too many goroutines wait for a processor, few
// members are in executors, all get their turns, and the others come back when there
// is room.
func TestMembersTakeTurnsInACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var busy atomic.Bool
		var inStep atomic.Int64
		l := newLab(t.Context(), t, func(w *worker) (time.Duration, bool) {
			inStep.Add(1)
			w.sleep(5 * time.Millisecond)
			inStep.Add(-1)
			return 0, false
		})
		l.fleet.crowd.count = func() int64 { // as many as there are Steps, as if they computed
			if busy.Load() {
				return inStep.Load()
			}
			return 0
		}
		l.fleet.crowd.limit = 8
		busy.Store(true)
		const n = 200
		l.spawn(n)
		synctest.Wait()
		if got := inStep.Load(); got != n {
			t.Errorf("%d members in a Step before there is a crowd, want %d", got, n)
		}
		l.fleet.crowd.late(time.Second)
		time.Sleep(time.Second + 1)
		synctest.Wait()
		if got := inStep.Load(); got > 20 || got == 0 {
			t.Errorf("%d members in a Step, want about 8", got)
		}
		least, most := l.workers[0].steps, 0
		for _, w := range l.workers {
			least, most = min(least, w.steps), max(most, w.steps)
		}
		if least < 2 || most > 10*least { // a shard may have more of the room than another
			t.Errorf("members got from %d to %d turns", least, most)
		}
		busy.Store(false)
		time.Sleep(time.Second)
		if got := inStep.Load(); got != n {
			t.Errorf("%d members in a Step after the crowd, want %d", got, n)
		}
		l.fleet.StopAll(time.Second)
		if l.fleet.crowd.on.Load() {
			time.Sleep(2 * turnInterval)
		}
	})
}

// TestOthersGetTheProcessor: members that compute without waiting, ten times as many
// as have room, leave it to others.
func TestOthersGetTheProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l := newLab(t.Context(), t, func(*worker) (time.Duration, bool) {
		for end := time.Now().Add(5 * time.Millisecond); time.Now().Before(end); {
			continue
		}
		return 0, false
	})
	const n = 200
	l.spawn(n)
	for !l.fleet.crowd.on.Load() {
		time.Sleep(time.Millisecond)
	}
	var active int
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		s := l.fleet.shards[0]
		s.mu.Lock()
		active = s.active
		s.mu.Unlock()
		if active < n/4 {
			break
		}
	}
	l.fleet.StopAll(0)
	if active >= n/4 {
		t.Errorf("%d of %d members are in executors", active, n)
	}
}

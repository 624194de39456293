package locustworker

import (
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/fleet"
)

// visitWork is a User that is a visitor of a class with arrivals, as the fleet works
// it.
type visitWork User

var _ fleet.Work = (*visitWork)(nil)

// Step does the next piece of the visitor's life: the constructor with OnStart, one
// step of an iteration, or OnStop. A visitor without an iteration is parked. It
// implements fleet.Work.
func (c *visitWork) Step() (wait time.Duration, done bool) {
	u := (*User)(c)
	returned := false
	defer func() {
		if done || !returned { // runtime.Goexit does not return
			u.visiting.open.leave(u)
		}
	}()
	wait, done = u.stepVisit()
	if done {
		u.life.finish(lifeIsOver)
	}
	returned = true
	return wait, done
}

func (u *User) stepVisit() (wait time.Duration, done bool) {
	if !u.begun {
		u.begun = true
		return 0, !u.begin()
	}
	v := u.visiting
	if v.busy {
		wait, done = u.goOn()
	} else {
		if u.member.Stopping() || u.killed() {
			return 0, u.unwind()
		}
		if !v.open.begin(u) {
			return fleet.Park, false
		}
		v.busy = true
		wait, done = u.runNext()
	}
	if done || len(u.nested) > 0 {
		return wait, done
	}
	v.busy = false
	v.late.take()
	if v.open.how.Fresh {
		return 0, u.unwind()
	}
	return 0, false
}

// Woke implements fleet.Work.
func (c *visitWork) Woke(late time.Duration) { (*userWork)(c).Woke(late) }

// Kill implements fleet.Work.
func (c *visitWork) Kill() { (*userWork)(c).Kill() }

// A lateStart is how late an iteration has begun, until its first request takes it.
type lateStart struct{ d atomic.Int64 }

func (l *lateStart) set(d time.Duration) { l.d.Store(int64(max(d, 0))) }

func (l *lateStart) take() time.Duration {
	if l.d.Load() == 0 {
		return 0
	}
	return time.Duration(l.d.Swap(0))
}

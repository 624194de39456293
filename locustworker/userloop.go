package locustworker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/fleet"
	"github.com/bandwing/bandwing/locustworker/internal/traceback"
)

// A frame is where a user stands in one set of tasks: its class's own, or a task
// set that it is in.
type frame struct {
	state   any // what the set's tasks run on
	set     *setSpec
	current int32 // sequential: index of the task that runs; Markov: of the next
	runs    int32 // sequential: how often it has run in a row
}

// A nested frame is one inside another.
type nested struct {
	frame
	outer pace // of the wait time around
}

// top returns the innermost frame.
func (u *User) top() *frame {
	if n := len(u.nested); n > 0 {
		return &u.nested[n-1].frame
	}
	return &u.root
}

// userWork is a User as the fleet works it.
type userWork User

var _ fleet.Work = (*userWork)(nil)

// Step does the next piece of the user's life: the constructor with OnStart, one
// task or the way into a task set, or OnStop (mirrors User.run and TaskSet.run). It
// implements fleet.Work.
func (c *userWork) Step() (wait time.Duration, done bool) {
	u := (*User)(c)
	if !u.begun {
		u.begun = true
		done = !u.begin()
	} else {
		wait, done = u.goOn()
	}
	if done {
		u.world.limit.leave(u)
		u.life.finish(lifeIsOver)
	}
	return wait, done
}

// begin constructs the user and runs OnStart, and reports whether it goes on.
func (u *User) begin() bool {
	u.pace.last = time.Since(u.world.start)
	u.root.set = &u.class.root
	err := traceback.Guard(func() (err error) {
		u.root.state, err = u.class.newUser(u)
		return err
	})
	if err != nil {
		if !errors.Is(err, ErrStopUser) && u.class.firstFailure(err.Error()) {
			u.fault(err, constructorSite(&u.class.root))
		}
		return false
	}
	err = u.enter(u.root.state)
	if err == nil {
		return true
	}
	if u.leaving(err) {
		u.leave(u.root.state)
	} else {
		u.fault(err, startSite(u.root.state))
	}
	return false
}

// leaving tells the end of a user that OnStop belongs to: it was stopped or has
// stopped itself.
func (u *User) leaving(err error) bool {
	return u.killed() || errors.Is(err, ErrStopUser)
}

// killed tells that the user's context has ended.
func (u *User) killed() bool { return u.life.ended.Load() != lifeGoesOn }

// enter runs OnStart of a user or of a task set's state, where there is one.
func (u *User) enter(state any) error {
	starter, ok := state.(Starter)
	if !ok {
		return nil
	}
	defer u.endTask()
	return u.aborted(traceback.Guard(func() error { return starter.OnStart(u.Context()) }))
}

// goOn runs one task of the innermost set, or enters a set, and returns how long
// the user waits after it, or that it has ended. Where tasks are limited
// (Config.MaxRPS) and it is not the user's turn, it parks the user instead.
func (u *User) goOn() (wait time.Duration, done bool) {
	if u.member.Stopping() || u.killed() {
		return 0, u.unwind()
	}
	if !u.world.limit.permits(u) {
		return fleet.Park, false
	}
	return u.runNext()
}

// runNext is goOn for a user that was not stopped.
func (u *User) runNext() (wait time.Duration, done bool) {
	err := u.runTask()
	for {
		switch {
		case err == nil && !u.killed():
		case u.leaving(err):
			return 0, u.unwind()
		case isInterrupt(err):
			if len(u.nested) == 0 {
				return 0, true
			}
			u.leave(u.top().state)
			u.pop()
			err = rescheduled(err)
			continue
		case errors.Is(err, ErrRescheduleNow):
			return 0, false
		case !errors.Is(err, ErrReschedule):
			u.fault(err, taskSite(err))
		}
		next := u.waitTime(u.top().set)
		if err = traceback.Guard(func() error { wait = next(u); return nil }); err == nil {
			return wait, false
		}
		u.fault(err, traceback.Site(next)) // and then it is an error of the set in the one around it
		if u.leaving(err) || isInterrupt(err) {
			continue
		}
		if len(u.nested) == 0 {
			return 0, true
		}
		u.pop()
	}
}

// rescheduled returns what an interrupted set is for the one around it.
func rescheduled(interrupt error) error {
	if errors.Is(interrupt, ErrInterrupt) {
		return ErrRescheduleNow
	}
	return ErrReschedule
}

// unwind leaves all sets and then the class, and returns true: the user has ended.
func (u *User) unwind() bool {
	for len(u.nested) > 0 {
		u.leave(u.top().state)
		u.pop()
	}
	u.leave(u.root.state)
	return true
}

// runTask runs the next task of the innermost set, or enters the set that it is.
func (u *User) runTask() error {
	f := u.top()
	if len(u.nested) == 0 {
		f.set = u.class.tasks.Load() // which the master may have edited
	}
	t := f.next(&u.rand)
	switch {
	case t == nil && len(u.class.unknownTasks()) > 0:
		return ErrStopUser // the master knows why: see reportMismatch
	case t == nil:
		err := fmt.Errorf("no tasks defined on %s: none is left after filtering by tags", f.set.name)
		return &taskError{err, constructorSite(f.set)}
	case t.set != nil:
		return u.visit(f.state, t.set)
	}
	state := f.state
	if len(t.within) > 0 {
		var err error
		if state, err = u.stateIn(t.within, state); err != nil {
			return err
		}
	}
	watch := u.world.trial
	if watch != nil {
		watch.begins(u, t.name)
	}
	u.clearAbort()
	u.permit.held = false
	err := u.aborted(traceback.Guard(func() error { return t.run(u.Context(), state) }))
	u.endTask()
	if err != nil {
		err = &taskError{err, t.site}
	}
	if watch != nil {
		err = watch.ends(u, err)
	}
	return err
}

// visit takes the user into a nested task set (mirrors TaskSet.__init__ and the
// beginning of its run). An error is that of the set around it, which the user is
// still in then.
func (u *User) visit(parent any, set *setSpec) error {
	var state any
	err := traceback.Guard(func() (err error) {
		state, err = set.newState(parent)
		return err
	})
	if err != nil {
		return &taskError{err, constructorSite(set)}
	}
	outer := u.pace
	if set.wait.next != nil { // a pace of its own
		u.pace = pace{last: time.Since(u.world.start)}
	}
	if err = u.enter(state); err != nil {
		u.pace = outer
		if isInterrupt(err) {
			return rescheduled(err)
		}
		return &taskError{err, startSite(state)}
	}
	u.nested = append(u.nested, nested{frame: frame{state: state, set: set}, outer: outer})
	return ErrRescheduleNow // at once to the set's first task
}

// pop takes the user out of the innermost set.
func (u *User) pop() {
	last := len(u.nested) - 1
	if u.nested[last].set.wait.next != nil {
		u.pace = u.nested[last].outer
	}
	u.nested[last] = nested{}
	u.nested = u.nested[:last]
}

func isInterrupt(err error) bool {
	return errors.Is(err, ErrInterrupt) || errors.Is(err, ErrInterruptAndWait)
}

// waitTime returns the function of the pause that counts in a set.
func (u *User) waitTime(set *setSpec) func(*User) time.Duration {
	if set.wait.next != nil {
		return set.wait.next
	}
	return u.class.root.wait.next
}

// leave runs OnStop of a user or of a task set's state, where there is one, under
// a context that the user's kill does not end.
func (u *User) leave(state any) {
	stopper, ok := state.(Stopper)
	if !ok {
		return
	}
	defer u.endTask()
	ctx := context.WithoutCancel(u.Context())
	if err := traceback.Guard(func() error { return stopper.OnStop(ctx) }); err != nil && !errors.Is(err, ErrStopUser) {
		u.world.log.Error("error in OnStop", "class", u.class.name, "error", err)
	}
}

// Woke implements fleet.Work.
func (c *userWork) Woke(late time.Duration) { c.world.recorder.woke((*User)(c), late) }

// Kill ends the user's context. It implements fleet.Work.
func (c *userWork) Kill() { c.life.finish(lifeWasTaken) }

// A taskError is an error that a task or the way into a set returned, with its
// place.
type taskError struct {
	err  error
	site string
}

func (e *taskError) Error() string { return e.err.Error() }
func (e *taskError) Unwrap() error { return e.err }

func taskSite(err error) string {
	var t *taskError
	if errors.As(err, &t) {
		return t.site
	}
	return ""
}

// constructorSite stands for the place of an error that has none: each class and
// each set has one of its own, because the master groups by it.
func constructorSite(s *setSpec) string { return fmt.Sprintf("  in %s %q\n", s.kind, s.name) }

// startSite returns where OnStart is declared; the method of the interface would
// be one place for all types.
func startSite(state any) string {
	m, ok := reflect.TypeOf(state).MethodByName("OnStart")
	if !ok {
		return ""
	}
	return traceback.Site(m.Func.Interface())
}

// fault reports an uncaught error of user code. site stands in for the stack
// that a plain error does not have.
func (u *User) fault(err error, site string) {
	trace := site
	var p *traceback.PanicError
	if errors.As(err, &p) {
		trace = p.Trace
	}
	u.world.exception(u, err, trace)
}

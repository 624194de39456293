package locustworker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// run is the user's whole life, in its own goroutine: construct, OnStart, tasks
// and waits, OnStop (mirrors User.run). It returns when the user is gone.
func (u *User) run() {
	defer u.kill(nil)
	u.pace.last = time.Now()
	var user any
	err := guard(func() (err error) {
		user, err = u.class.newUser(u)
		return err
	})
	if err != nil {
		if !errors.Is(err, ErrStopUser) && u.class.firstFailure(err.Error()) {
			u.fault(err, constructorSite(&u.class.root))
		}
		return
	}
	err = u.enter(user)
	if err == nil {
		err = u.loop(user, &picker{set: &u.class.root, class: u.class})
	} else if !u.leaving(err) {
		u.fault(err, startSite(user))
	}
	if u.leaving(err) {
		u.leave(user)
	}
}

// leaving tells the end of a user that OnStop belongs to: it was stopped or has
// stopped itself.
func (u *User) leaving(err error) bool {
	return u.ctx.Err() != nil || errors.Is(err, ErrStopUser)
}

// enter runs OnStart of a user or of a task set's state, where there is one.
func (u *User) enter(state any) error {
	starter, ok := state.(Starter)
	if !ok {
		return nil
	}
	defer u.EndTask()
	return guard(func() error { return starter.OnStart(u.ctx) })
}

// loop picks, runs and waits in one task set until the user shall leave it, and
// returns why: ErrStopUser, or an error that ends the set for what it stands in
// (mirrors TaskSet.run; OnStop of the state is the caller's).
func (u *User) loop(state any, p *picker) error {
	for {
		if u.stopping.Load() || u.ctx.Err() != nil {
			return ErrStopUser
		}
		err := u.step(state, p)
		switch {
		case u.leaving(err):
			return ErrStopUser
		case errors.Is(err, ErrInterrupt), errors.Is(err, ErrInterruptAndWait):
			return err
		case errors.Is(err, ErrRescheduleNow):
			continue
		case err != nil && !errors.Is(err, ErrReschedule):
			u.fault(err, taskSite(err))
		}
		if err := guard(func() error { return u.pause(p.set) }); err != nil {
			u.fault(err, funcSite(u.waitTime(p.set).next))
			return err
		}
	}
}

// step runs the next task of a set.
func (u *User) step(state any, p *picker) error {
	t := p.next(u.rand)
	switch {
	case t == nil:
		err := fmt.Errorf("no tasks defined on %s: none is left after filtering by tags", p.set.name)
		return &taskError{err, constructorSite(p.set)}
	case t.set != nil:
		return u.visit(state, t.set)
	}
	if len(t.within) > 0 {
		var err error
		if state, err = u.stateIn(t.within, state); err != nil {
			return err
		}
	}
	err := guard(func() error { return t.run(u.ctx, state) })
	u.EndTask()
	if err == nil {
		return nil
	}
	return &taskError{err, t.site}
}

// visit takes the user through a nested task set (mirrors TaskSet.run with its
// __init__). What it returns steers the set around it.
func (u *User) visit(parent any, set *setSpec) error {
	var state any
	err := guard(func() (err error) {
		state, err = set.newState(parent)
		return err
	})
	if err != nil {
		return &taskError{err, constructorSite(set)}
	}
	if set.wait.next != nil { // a pace of its own
		outer := u.pace
		u.pace = pace{last: time.Now()}
		defer func() { u.pace = outer }()
	}
	if err = u.enter(state); err != nil {
		err = &taskError{err, startSite(state)}
	} else {
		if err = u.loop(state, &picker{set: set}); u.leaving(err) || isInterrupt(err) {
			u.leave(state)
		}
	}
	switch {
	case errors.Is(err, ErrInterrupt):
		return ErrRescheduleNow
	case errors.Is(err, ErrInterruptAndWait):
		return ErrReschedule
	}
	return err
}

func isInterrupt(err error) bool {
	return errors.Is(err, ErrInterrupt) || errors.Is(err, ErrInterruptAndWait)
}

// waitTime returns the pause that counts in a set.
func (u *User) waitTime(set *setSpec) WaitTime {
	if set.wait.next != nil {
		return set.wait
	}
	return u.class.root.wait
}

// pause waits between two tasks. A stop ends it at once.
func (u *User) pause(set *setSpec) error {
	d := u.waitTime(set).next(u)
	if d <= 0 {
		return nil
	}
	due := time.Now().Add(d)
	if u.timer == nil {
		u.timer = time.NewTimer(d)
	} else {
		u.timer.Reset(d)
	}
	select {
	case <-u.timer.C:
		u.world.recorder.woke(u, time.Since(due))
	case <-u.stop:
	case <-u.ctx.Done():
	}
	return nil
}

// leave runs OnStop of a user or of a task set's state, where there is one, under
// a context that the user's kill does not end.
func (u *User) leave(state any) {
	stopper, ok := state.(Stopper)
	if !ok {
		return
	}
	defer u.EndTask()
	ctx := context.WithoutCancel(u.ctx)
	if err := guard(func() error { return stopper.OnStop(ctx) }); err != nil && !errors.Is(err, ErrStopUser) {
		u.world.log.Error("error in OnStop", "class", u.class.name, "error", err)
	}
}

// requestStop makes the user end after its running task, or at once when it is
// waiting or has not begun. Safe to call twice and from any goroutine.
func (u *User) requestStop() {
	if u.stopping.CompareAndSwap(false, true) {
		close(u.stop)
	}
}

// guard runs user code and turns a panic of it into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = caught(r)
		}
	}()
	return f()
}

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
	return funcSite(m.Func.Interface())
}

// fault reports an uncaught error of user code. site stands in for the stack
// that a plain error does not have.
func (u *User) fault(err error, site string) {
	trace := site
	var p *panicError
	if errors.As(err, &p) {
		trace = p.trace
	}
	u.world.exception(u, err, trace)
}

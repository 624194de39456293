package locustworker

import (
	"context"
	"errors"
	"time"
)

// run is the user's whole life, in its own goroutine: construct, OnStart, tasks
// and waits, OnStop (mirrors User.run and TaskSet.run). It returns when the user
// is gone.
func (u *User) run() {
	defer u.kill(nil)
	u.pace.last = time.Now()
	var user any
	err := u.guard(func() (err error) {
		user, err = u.class.newUser(u)
		return err
	})
	if err != nil {
		if !errors.Is(err, ErrStopUser) {
			u.fault(err, funcSite(u.class.newUser))
		}
		return
	}
	if u.start(user) && u.loop(user) {
		u.end(user)
	}
}

// start runs OnStart and reports whether the user goes on: into its tasks, or,
// when it was told to stop, straight to OnStop by way of a loop that ends at
// once.
func (u *User) start(user any) bool {
	starter, ok := user.(Starter)
	if !ok {
		return true
	}
	err := u.guard(func() error { return starter.OnStart(u.ctx) })
	switch {
	case err == nil:
		return true
	case u.ctx.Err() != nil, errors.Is(err, ErrStopUser):
		u.requestStop()
		return true
	}
	u.fault(err, funcSite(starter.OnStart))
	return false
}

// loop picks, runs and waits until the user shall stop. It reports whether
// OnStop is due; it is not after a fault in the wait time (as TaskSet.run).
func (u *User) loop(user any) bool {
	total := u.class.totalWeight()
	for !u.stopping.Load() && u.ctx.Err() == nil {
		task := u.class.pick(u.rand.IntN(total))
		err := u.guard(func() error { return task.run(u.ctx, user) })
		switch {
		case errors.Is(err, ErrRescheduleNow):
			continue
		case errors.Is(err, ErrStopUser), u.ctx.Err() != nil:
			return true
		case err != nil && !isSteering(err):
			u.fault(err, task.site)
		}
		if err := u.guard(u.pause); err != nil {
			u.fault(err, funcSite(u.class.wait.next))
			return false
		}
	}
	return true
}

// pause waits between two tasks. A stop ends it at once.
func (u *User) pause() error {
	d := u.class.wait.next(u)
	if d <= 0 {
		return nil
	}
	if u.timer == nil {
		u.timer = time.NewTimer(d)
	} else {
		u.timer.Reset(d)
	}
	select {
	case <-u.timer.C:
	case <-u.stop:
	case <-u.ctx.Done():
	}
	return nil
}

// end runs OnStop under a context that the user's kill does not end.
func (u *User) end(user any) {
	stopper, ok := user.(Stopper)
	if !ok {
		return
	}
	ctx := context.WithoutCancel(u.ctx)
	if err := u.guard(func() error { return stopper.OnStop(ctx) }); err != nil && !isSteering(err) {
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
func (u *User) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = caught(r)
		}
	}()
	return f()
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

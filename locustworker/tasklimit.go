package locustworker

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/ratelimit"
)

// A taskLimit limits how many tasks the users of a worker's closed classes start in a
// second, all together (Config.MaxRPS). The zero value limits nothing. Its methods
// are safe for concurrent use.
//
// A user whose turn it is not is parked in the fleet and owns no goroutine. A permit
// wakes one user, the one that has waited for the longest time.
type taskLimit struct {
	world   *world
	limiter *ratelimit.Limiter // nil before setParent

	mu     sync.Mutex
	own    float64 // Config.MaxRPS, or what Environment.SetMaxRPS has set; 0: none
	shared float64 // this worker's part of the fleet's limit; 0: none
	logged float64 // the limit that was logged last
}

// A permit is a user's side of it. It belongs to Step.
type permit struct {
	place *ratelimit.Place // nil until there was a limit
	held  bool             // the next task may run
}

func (l *taskLimit) init(w *world) {
	l.world = w
	l.limiter = ratelimit.New(ratelimit.Config{Now: func() time.Duration { return time.Since(w.start) }, Nap: w.nap})
}

// permits reports whether the user may run a task now. Otherwise its member is woken
// when it may.
func (l *taskLimit) permits(u *User) bool {
	p := &u.permit
	if p.held || l.limiter == nil || u.visiting != nil {
		return true
	}
	if p.place == nil {
		if !l.limiter.Limited() {
			return true
		}
		p.place = ratelimit.NewPlace(&u.member)
	}
	p.held = l.limiter.Take(p.place)
	return p.held
}

// leave is the end of a user. A permit that it has not used goes to the next one.
func (l *taskLimit) leave(u *User) {
	if u.permit.place != nil {
		l.limiter.Leave(u.permit.place)
	}
}

// setOwn sets the limit of this worker; 0 means none.
func (l *taskLimit) setOwn(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own = perSecond
	l.apply()
}

// setShared sets this worker's part of the fleet's limit; 0 means none.
func (l *taskLimit) setShared(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shared = perSecond
	l.apply()
}

// apply has the lower of the two limits count. l.mu is held.
func (l *taskLimit) apply() {
	rate := l.own
	if l.shared > 0 && (rate == 0 || l.shared < rate) {
		rate = l.shared
	}
	if l.limiter == nil {
		return
	}
	l.limiter.SetRate(rate)
	if rate != l.logged {
		l.logged = rate
		l.world.log.Info("tasks of this worker are limited; 0 is no limit", "tasks_per_second", rate)
	}
}

// validRate reports whether a limit can be one.
func validRate(perSecond float64) bool { return perSecond >= 0 && !math.IsInf(perSecond, 1) }

// validateMaxRPS returns what is wrong with a limit.
func validateMaxRPS(perSecond float64) error {
	if validRate(perSecond) {
		return nil
	}
	return fmt.Errorf("a limit of %v tasks a second; it must be above 0, or 0 for none", perSecond)
}

// SetMaxRPS replaces Config.MaxRPS from now on: the most tasks that users of closed
// classes start in a second on this worker. 0 means no limit. It counts for users
// that wait for their turn, too. The error is about a rate that is negative or no
// number.
func (e *Environment) SetMaxRPS(perSecond float64) error {
	if err := validateMaxRPS(perSecond); err != nil {
		return fmt.Errorf("locustworker: %w", err)
	}
	if e.nobody != nil && e.nobody.world != nil {
		e.nobody.world.limit.setOwn(perSecond)
	}
	return nil
}

// shareLimit takes this worker's part of the limit that the master's custom argument
// of that name gives the whole fleet. users is how many users this worker is to have.
func (l *taskLimit) shareLimit(argument string, users int) {
	if argument == "" {
		return
	}
	env := l.world.env
	rate := ArgumentOr(env.Arguments(), argument, 0.0)
	if rate != 0 && (!validRate(rate) || rate < 0) {
		l.world.log.Warn("the limit of tasks is no number above 0; there is none", "argument", argument, "value", rate)
		rate = 0
	}
	if rate > 0 {
		rate *= l.part(argument, users)
	}
	l.setShared(rate)
}

// part returns the part of the fleet that this worker is: one of the workers that the
// master expects; or else its users of all that the master was asked for.
func (l *taskLimit) part(argument string, users int) float64 {
	env := l.world.env
	if workers := env.WorkerCount(); workers > 0 {
		return 1 / float64(workers)
	}
	if all := ArgumentOr(env.Arguments(), "num_users", 0); all > 0 && users <= all {
		return float64(users) / float64(all)
	}
	l.world.log.Warn("the master does not say how many workers there are, so the limit of all workers counts for this one: "+
		"start the master with --expect-workers", "argument", argument)
	return 1
}

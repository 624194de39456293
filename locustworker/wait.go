package locustworker

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A WaitTime says how long a user pauses between two tasks. Make one with
// Constant, Between, ConstantPacing, ConstantThroughput, Poisson or WaitFunc. A
// wrong argument is reported by New together with the class's other faults.
type WaitTime struct {
	next   func(u *User) time.Duration
	err    error
	python string // how a locustfile writes it; "": it cannot
}

// as says how a locustfile writes the wait time: a function of Locust's and its
// arguments in seconds, or a rate.
func (w WaitTime) as(function string, arguments ...float64) WaitTime {
	texts := make([]string, 0, len(arguments))
	for _, a := range arguments {
		texts = append(texts, strconv.FormatFloat(a, 'g', -1, 64))
	}
	w.python = function + "(" + strings.Join(texts, ", ") + ")"
	return w
}

// WaitFunc makes a WaitTime of your own function. It is called once after each
// task, as the user's own code; a result of 0 or less means no pause.
func WaitFunc(next func(u *User) time.Duration) WaitTime {
	return WaitTime{next: next}
}

// Constant pauses for d (Locust's constant).
func Constant(d time.Duration) WaitTime {
	return WaitFunc(func(*User) time.Duration { return d }).as("constant", d.Seconds())
}

// Between pauses for a time drawn evenly from [shortest, longest) (Locust's
// between).
func Between(shortest, longest time.Duration) WaitTime {
	return WaitFunc(func(u *User) time.Duration {
		return shortest + time.Duration(u.Rand().Float64()*float64(longest-shortest))
	}).as("between", shortest.Seconds(), longest.Seconds())
}

// ConstantPacing makes tasks start every d, however long they take; a task
// longer than d is followed by the next at once (Locust's constant_pacing). The
// first pace counts from the user's construction, so OnStart is part of it.
func ConstantPacing(d time.Duration) WaitTime {
	return WaitFunc(func(u *User) time.Duration {
		now := time.Since(u.world.start)
		took := now - u.pace.last - u.pace.wait
		u.pace.last = now
		u.pace.wait = max(0, d-took)
		return u.pace.wait
	}).as("constant_pacing", d.Seconds())
}

// ConstantThroughput runs perSecond tasks a second and user, as far as the
// tasks' own time allows (Locust's constant_throughput). perSecond must be above
// 0.
func ConstantThroughput(perSecond float64) WaitTime {
	if !(perSecond > 0) {
		return WaitTime{err: fmt.Errorf("constant throughput of %g tasks a second; it must be above 0", perSecond)}
	}
	return ConstantPacing(time.Duration(float64(time.Second)/perSecond)).as("constant_throughput", perSecond)
}

// Poisson pauses for exponentially distributed times of mean 1/perSecond
// seconds, so that tasks which take no time themselves start as a Poisson
// process (Locust's poisson). perSecond must be above 0.
func Poisson(perSecond float64) WaitTime {
	if !(perSecond > 0) {
		return WaitTime{err: fmt.Errorf("poisson rate of %g tasks a second; it must be above 0", perSecond)}
	}
	return WaitFunc(func(u *User) time.Duration {
		return time.Duration(u.Rand().ExpFloat64() / perSecond * float64(time.Second))
	}).as("poisson", perSecond)
}

// pace is the state of ConstantPacing in one user.
type pace struct {
	last time.Duration // since world.start
	wait time.Duration
}

// seeds returns what the numbers of a user begin from, by the seed, the worker's
// index (-1 for none) and the user's ID in that worker.
func seeds(seed uint64, index int, id int64) (seed1, seed2 uint64) {
	return seed, uint64(index+1)<<40 + uint64(id)
}

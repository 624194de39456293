// Package dispatch deals users out over classes as Locust does
// (UsersDispatcher in locust/dispatch.py), for one process.
package dispatch

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Class is what the dispatcher knows of a user class.
type Class struct {
	Name string
	// Weight is the share of the class among those without a FixedCount. A class
	// of weight 0 gets no users by weight.
	Weight int
	// FixedCount, if above 0, is the number of users of the class. They are
	// dealt out before those of any weight.
	FixedCount int
}

// A Dispatcher deals users out. It is not safe for concurrent use.
//
// A cycle leads from the present number of users to another one, step by step:
//
//	err := d.Begin(100, 2.5, nil)
//	for step, ok := d.Next(); ok; step, ok = d.Next() {
//		// run step.Users, then wait step.Wait
//	}
type Dispatcher struct {
	classes  []Class // sorted by name
	selected []Class // those that the cycle deals out, sorted by name
	users    map[string]int
	active   []string // class of each user, in the order of their start

	weighted *deal
	fixed    *deal
	missing  int  // users of fixed counts still to come from fixed
	tryFixed bool // look for missing users of fixed counts at the next draw

	target  int
	step    int // users a step
	wait    time.Duration
	begun   bool // a step of the cycle was made
	drained bool // no class has a user left to give
}

// A Step is the target of one moment of a cycle.
type Step struct {
	// Users is the number of users that each class shall have, zeros included.
	// It is the caller's.
	Users map[string]int
	// Wait is the time from the beginning of this step to the next one; 0 after
	// the last one.
	Wait time.Duration
}

// New returns a dispatcher that runs no user yet. It fails without a class, or
// when two have the same name.
func New(classes []Class) (*Dispatcher, error) {
	if len(classes) == 0 {
		return nil, errors.New("there is no user class to deal users out to")
	}
	sorted := byName(classes)
	d := &Dispatcher{classes: sorted, selected: sorted, users: make(map[string]int, len(sorted)), tryFixed: true}
	for _, c := range sorted {
		if _, twice := d.users[c.Name]; twice {
			return nil, fmt.Errorf("two user classes are named %q", c.Name)
		}
		d.users[c.Name] = 0
	}
	d.dealAnew()
	return d, nil
}

func byName(classes []Class) []Class {
	sorted := slices.Clone(classes)
	slices.SortFunc(sorted, func(a, b Class) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

// dealAnew begins the sequence of users from the start (_user_gen).
func (d *Dispatcher) dealAnew() {
	var weights []share
	for _, c := range d.selected {
		if c.FixedCount == 0 {
			weights = append(weights, share{c.Name, c.Weight})
		}
	}
	d.weighted, d.missing = newDeal(weights), 0
}

// Begin starts a cycle to a number of users at a spawn rate in users a second. A
// rate of 1 or more starts (or stops) its whole part at once, and then waits as
// long as keeps the rate; a lower rate starts one user at a time. names, unless
// nil, are the classes that new users come from; users of the others stay.
//
// A cycle may begin before the last one has ended: it starts from where that one
// is.
func (d *Dispatcher) Begin(users int, rate float64, names []string) error {
	switch {
	case users < 0:
		return fmt.Errorf("the number of users must not be negative, and is %d", users)
	case !(rate > 0) || math.IsInf(rate, 1):
		return fmt.Errorf("the spawn rate must be a number above 0, and is %v", rate)
	}
	if names != nil {
		if err := d.choose(names); err != nil {
			return err
		}
	}
	d.target = users
	d.step = int(max(1, min(math.Floor(rate), math.MaxInt32)))
	d.wait = time.Duration(min(float64(d.step)/rate*float64(time.Second), math.MaxInt64/2))
	d.begun, d.drained = false, false
	return nil
}

// choose sets the classes that new users come from.
func (d *Dispatcher) choose(names []string) error {
	var chosen []Class
	for _, name := range names {
		i := slices.IndexFunc(d.classes, func(c Class) bool { return c.Name == name })
		if i < 0 {
			return fmt.Errorf("there is no user class %q", name)
		}
		if !slices.ContainsFunc(chosen, func(c Class) bool { return c.Name == name }) {
			chosen = append(chosen, d.classes[i])
		}
	}
	chosen = byName(chosen)
	if !slices.Equal(chosen, d.selected) {
		d.selected = chosen
		d.dealAnew()
	}
	return nil
}

// Next returns the next step of the cycle, or false at its end. A cycle to the
// present number of users has one step that changes nothing.
func (d *Dispatcher) Next() (Step, bool) {
	switch {
	case d.drained:
		return Step{}, false
	case len(d.active) < d.target:
		d.add()
	case len(d.active) > d.target:
		d.remove()
	case d.begun:
		return Step{}, false
	}
	d.begun = true
	s := Step{Users: make(map[string]int, len(d.users))}
	for name, n := range d.users {
		s.Users[name] = n
	}
	if len(d.active) != d.target {
		s.Wait = d.wait
	}
	return s, true
}

// Count returns how many users the steps so far lead to.
func (d *Dispatcher) Count() int { return len(d.active) }

// add mirrors _add_users_on_workers.
func (d *Dispatcher) add() {
	for goal := min(len(d.active)+d.step, d.target); len(d.active) < goal; {
		name, ok := d.draw()
		if !ok {
			d.drained = true
			return
		}
		d.users[name]++
		d.active = append(d.active, name)
	}
}

// remove mirrors _remove_users_from_workers: the last one in is the first one out.
func (d *Dispatcher) remove() {
	goal := max(len(d.active)-d.step, d.target)
	for _, name := range d.active[goal:] {
		d.users[name]--
	}
	clear(d.active[goal:])
	d.active = d.active[:goal]
	d.tryFixed = true
}

// draw returns the class of the next user, or false when no class has one
// (_user_gen).
func (d *Dispatcher) draw() (string, bool) {
	if d.missing == 0 && d.tryFixed {
		d.tryFixed = false
		var shares []share
		for _, c := range d.selected {
			if miss := c.FixedCount - d.users[c.Name]; c.FixedCount > 0 && miss > 0 {
				shares = append(shares, share{c.Name, miss})
				d.missing += miss
			}
		}
		d.fixed = newDeal(shares)
	}
	if d.missing > 0 {
		d.missing--
		return d.fixed.next()
	}
	return d.weighted.next()
}

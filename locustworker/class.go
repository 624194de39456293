package locustworker

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A Class is a user class: what Locust calls a User subclass. [NewClass] makes
// one; the interface is sealed.
type Class interface {
	spec() *classSpec
}

// Starter is implemented by a user that has work to do before its first task
// (Locust's on_start). An error ends the user without OnStop and is reported as
// an exception, except ErrStopUser, after which OnStop does run.
type Starter interface {
	OnStart(ctx context.Context) error
}

// Stopper is implemented by a user that cleans up after its last task (Locust's
// on_stop). Requests made here count. An error is logged and nothing else.
type Stopper interface {
	OnStop(ctx context.Context) error
}

// ClassOf builds a class whose users are values of type U, a pointer to your
// own struct as a rule. Its methods change and return the class itself, for
// chaining; they are not safe for concurrent use and must not be called after
// the class was given to [New]. Faults are collected and reported by [New], all
// at once.
type ClassOf[U any] struct{ s classSpec }

var _ Class = (*ClassOf[any])(nil)

// NewClass returns a class with weight 1, no host, no wait and no task.
//
// The name is what the master knows the class by: it must be the name of a User
// subclass in the master's locustfile. newUser is called in the goroutine of
// each new user; an error that it returns ends that user and is reported as an
// exception.
func NewClass[U any](name string, newUser func(*User) (U, error)) *ClassOf[U] {
	c := &ClassOf[U]{classSpec{name: name, weight: 1, wait: Constant(0)}}
	if newUser == nil {
		c.fault("has no constructor")
		return c
	}
	c.s.newUser = func(u *User) (any, error) { return newUser(u) }
	return c
}

// Weight sets how often the class stands among the others when the master
// deals users out. The master takes weights from its own locustfile; the value
// here is what the stub made from this worker will say. Default 1; 0 with no
// FixedCount drops the class (Locust's weight).
func (c *ClassOf[U]) Weight(n int) *ClassOf[U] {
	if n < 0 {
		c.fault("weight %d is negative", n)
	}
	c.s.weight = n
	return c
}

// FixedCount sets a number of users that is spawned before any weight counts
// (Locust's fixed_count). Default 0: by weight.
func (c *ClassOf[U]) FixedCount(n int) *ClassOf[U] {
	if n < 0 {
		c.fault("fixed count %d is negative", n)
	}
	c.s.fixedCount = n
	return c
}

// Host sets the base URL that users of the class get when neither the master
// nor the worker's configuration names one (Locust's host).
func (c *ClassOf[U]) Host(url string) *ClassOf[U] {
	c.s.host = url
	return c
}

// Wait sets the pause between two tasks. Default Constant(0).
func (c *ClassOf[U]) Wait(w WaitTime) *ClassOf[U] {
	switch {
	case w.err != nil:
		c.fault("%w", w.err)
	case w.next == nil:
		c.fault("has a wait time without a function")
	}
	c.s.wait = w
	return c
}

// Task adds a task. The chance that it is picked is its weight over the sum of
// all weights, each pick independent of the last (Locust's @task). Tags select
// tasks as Locust's @tag does.
//
// run may return one of the steering errors of this package; any other error,
// or a panic, is reported as an exception of that user, which then waits and
// goes on. run must return soon after ctx is done.
func (c *ClassOf[U]) Task(name string, weight int, run func(U, context.Context) error, tags ...string) *ClassOf[U] {
	switch {
	case name == "":
		c.fault("has a task without a name")
	case weight < 1:
		c.fault("task %q has weight %d; the least is 1", name, weight)
	case run == nil:
		c.fault("task %q has no function", name)
	case slices.ContainsFunc(c.s.tasks, func(t taskSpec) bool { return t.name == name }):
		c.fault("has two tasks named %q", name)
	}
	c.s.tasks = append(c.s.tasks, taskSpec{
		name:   name,
		weight: weight,
		tags:   tags,
		site:   funcSite(run),
		run: func(ctx context.Context, user any) error {
			return run(user.(U), ctx) //nolint:forcetypeassert // user comes from newUser of this very class
		},
	})
	return c
}

func (c *ClassOf[U]) spec() *classSpec { return &c.s }

func (c *ClassOf[U]) fault(format string, args ...any) {
	c.s.faults = append(c.s.faults, fmt.Errorf("class %q: "+format, append([]any{c.s.name}, args...)...))
}

// A classSpec is a class without its type parameter.
type classSpec struct {
	name       string
	weight     int
	fixedCount int
	host       string
	wait       WaitTime
	newUser    func(*User) (any, error)
	tasks      []taskSpec
	faults     []error
}

type taskSpec struct {
	name   string
	weight int
	tags   []string
	site   string // where the function is declared, as a traceback line
	run    func(ctx context.Context, user any) error
}

// validate returns every fault of the class, joined.
func (s *classSpec) validate() error {
	faults := slices.Clone(s.faults)
	if s.name == "" {
		faults = append(faults, errors.New("a class has no name"))
	}
	if len(s.tasks) == 0 {
		faults = append(faults, fmt.Errorf("class %q has no task; add one with Task", s.name))
	}
	return errors.Join(faults...)
}

// dropped mirrors filter_tasks_by_tags' neighbour in Environment: a class with
// weight 0 and no fixed count takes no part in a run.
func (s *classSpec) dropped() bool { return s.weight == 0 && s.fixedCount == 0 }

// pick chooses a task: n is uniform in [0, sum of weights).
func (s *classSpec) pick(n int) *taskSpec {
	for i := range s.tasks {
		if n -= s.tasks[i].weight; n < 0 {
			return &s.tasks[i]
		}
	}
	return nil
}

func (s *classSpec) totalWeight() int {
	sum := 0
	for i := range s.tasks {
		sum += s.tasks[i].weight
	}
	return sum
}

// A TaskInfo describes one task of a class.
type TaskInfo struct {
	Name   string
	Weight int
	Tags   []string
}

// A ClassInfo describes a class: what its Python twin in the master's locustfile
// must agree with.
type ClassInfo struct {
	Name       string
	Weight     int
	FixedCount int
	Host       string
	Tasks      []TaskInfo
}

// Describe returns what a class declares, in declaration order. The result is a
// copy.
func Describe(c Class) ClassInfo {
	s := c.spec()
	info := ClassInfo{Name: s.name, Weight: s.weight, FixedCount: s.fixedCount, Host: s.host}
	for _, t := range s.tasks {
		info.Tasks = append(info.Tasks, TaskInfo{t.name, t.weight, slices.Clone(t.tags)})
	}
	return info
}

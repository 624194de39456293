package locustworker

import (
	"context"
	"fmt"
	"reflect"
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
// subclass in the master's locustfile. newUser makes
// what is one user's own; an error that it returns ends that user and is reported as
// an exception.
//
// The code of one user (newUser, OnStart, tasks, wait times, OnStop) runs one after
// the other and needs no locks, but not always in the same goroutine: a user that
// waits has none. What a goroutine keeps, such as pprof labels or a locked thread,
// does not stay with the user.
func NewClass[U any](name string, newUser func(*User) (U, error)) *ClassOf[U] {
	root := setSpec{kind: "class", name: name, wait: Constant(0), state: reflect.TypeFor[U]()}
	c := &ClassOf[U]{classSpec{name: name, weight: 1, root: root}}
	if newUser == nil {
		c.s.root.fault("has no constructor")
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
		c.s.root.fault("weight %d is negative", n)
	}
	c.s.weight = n
	return c
}

// FixedCount sets a number of users that is spawned before any weight counts
// (Locust's fixed_count). Default 0: by weight.
func (c *ClassOf[U]) FixedCount(n int) *ClassOf[U] {
	if n < 0 {
		c.s.root.fault("fixed count %d is negative", n)
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
	c.s.root.setWait(w)
	return c
}

// Task adds a task. The chance that it is picked is its weight over the sum of
// all weights, each pick independent of the last (Locust's @task). With weight 0
// it never runs. Tags select tasks as Locust's @tag does.
//
// run may return one of the steering errors of this package; any other error,
// or a panic, is reported as an exception of that user, which then waits and
// goes on. run must return soon after ctx is done.
func (c *ClassOf[U]) Task(name string, weight int, run func(U, context.Context) error, tags ...string) *ClassOf[U] {
	addTask(&c.s.root, name, weight, run, tags)
	return c
}

// Nest adds a task set as a task: the user that picks it stays in the set until
// the set is interrupted. Its tags count for all tasks of the set.
func (c *ClassOf[U]) Nest(weight int, set Nested[U], tags ...string) *ClassOf[U] {
	addSet(&c.s.root, weight, set, tags)
	return c
}

// NewUser makes a user of the class as a worker does, without running anything of
// it: for unit tests of the class, whose u comes from NewStandaloneUser.
//
//	shop, err := shopClass().NewUser(locustworker.NewStandaloneUser(ctx, cfg))
//	err = shop.checkout(ctx)
func (c *ClassOf[U]) NewUser(u *User) (U, error) {
	var none U
	if c.s.newUser == nil {
		return none, fmt.Errorf("%w: class %q has no constructor", ErrConfig, c.s.name)
	}
	made, err := c.s.newUser(u)
	if err != nil {
		return none, err
	}
	return made.(U), nil //nolint:forcetypeassert // newUser returns a U
}

func (c *ClassOf[U]) spec() *classSpec { return &c.s }

// A classSpec is a class without its type parameter.
type classSpec struct {
	name       string
	weight     int
	fixedCount int
	host       string
	newUser    func(*User) (any, error)
	arrivals   *ArrivalConfig // nil: a closed class
	root       setSpec        // the class's own tasks and wait time, as declared
}

// dropped mirrors Environment._remove_user_classes_with_weight_zero.
func (s *classSpec) dropped() bool { return s.weight == 0 && s.fixedCount == 0 }

// A TaskInfo describes one task of a class or of a task set.
type TaskInfo struct {
	Name   string
	Weight int
	Tags   []string
	// Tasks are those of the set that the task is; none for a function.
	Tasks []TaskInfo
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
	info.Tasks = describe(&s.root)
	return info
}

func describe(s *setSpec) []TaskInfo {
	all := make([]TaskInfo, 0, len(s.tasks))
	for _, t := range s.tasks {
		info := TaskInfo{Name: t.name, Weight: t.weight, Tags: slices.Clone(t.tags)}
		if t.set != nil {
			info.Tasks = describe(t.set)
		}
		all = append(all, info)
	}
	return all
}

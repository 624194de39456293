package locustworker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/bandwing/bandwing/locustworker/internal/traceback"
)

// A SetOf builds a task set whose state is a value of type S, made anew each time
// a user enters it; P is the type of what it stands in, a user or another set
// (Locust's TaskSet). If S implements Starter or Stopper, OnStart runs on
// entering and OnStop on leaving. So S must not embed P where that has such a
// method, which would then run again at each visit: New refuses it. Give the parent
// a name:
//
//	type checkout struct{ shop *shop } // not struct{ *shop }
//
// A user stays in a set until a task of it, or OnStart, returns ErrInterrupt or
// ErrInterruptAndWait. Methods change and return the set itself; they are not
// safe for concurrent use.
type SetOf[P, S any] struct{ s setSpec }

// A Nested is a task set that can stand in a P. The interface is sealed; see
// NewSet.
type Nested[P any] interface {
	set(parent P) *setSpec
}

var _ Nested[int] = (*SetOf[int, any])(nil)

// NewSet returns a task set that picks its tasks by weight, as a class does. It
// needs at least one task. newSet is called at each entry, as the user's
// own code; its error is that of the task that the set is.
func NewSet[P, S any](name string, newSet func(parent P) (S, error)) *SetOf[P, S] {
	t := &SetOf[P, S]{setSpec{kind: "task set", name: name, state: reflect.TypeFor[S]()}}
	if newSet == nil {
		t.s.fault("has no constructor")
		return t
	}
	t.s.newState = func(parent any) (any, error) {
		return newSet(parent.(P)) //nolint:forcetypeassert // Nested[P] lets it stand only in a P
	}
	return t
}

// Sequential makes the set run its tasks in the order of their declaration, over
// and over; a task of weight n runs n times in a row (Locust's
// SequentialTaskSet).
func (t *SetOf[P, S]) Sequential() *SetOf[P, S] {
	t.s.order = orderSequential
	return t
}

// Markov makes the set a Markov chain: it starts with the task declared first,
// and what follows a task is drawn from that task's transitions, from name to
// weight (Locust's MarkovTaskSet). Every task needs a transition and none may
// have a tag.
func (t *SetOf[P, S]) Markov(transitions map[string]map[string]int) *SetOf[P, S] {
	t.s.order = orderMarkov
	t.s.transitions = transitions
	return t
}

// Wait sets the pause between two tasks of the set. Default: the user's.
func (t *SetOf[P, S]) Wait(w WaitTime) *SetOf[P, S] {
	t.s.setWait(w)
	return t
}

// Task adds a task, as ClassOf.Task does.
func (t *SetOf[P, S]) Task(name string, weight int, run func(S, context.Context) error, tags ...string) *SetOf[P, S] {
	addTask(&t.s, name, weight, run, tags)
	return t
}

// Nest adds another set as a task, as ClassOf.Nest does.
func (t *SetOf[P, S]) Nest(weight int, inner Nested[S], tags ...string) *SetOf[P, S] {
	addSet(&t.s, weight, inner, tags)
	return t
}

func (t *SetOf[P, S]) set(P) *setSpec { return &t.s }

// An order is the way in which a set picks its tasks.
type order int

const (
	orderRandom order = iota
	orderSequential
	orderMarkov
)

// A setSpec is a task set without its type parameters; a class's own tasks are
// one too.
type setSpec struct {
	kind        string // what the user calls it: a class or a task set
	name        string
	tasks       []taskSpec
	order       order
	transitions map[string]map[string]int
	wait        WaitTime // without a function: the user's
	newState    func(parent any) (any, error)
	state       reflect.Type // of what newState, or a class's constructor, makes
	faults      []error
}

// A taskSpec is a function or a set of tasks.
type taskSpec struct {
	name   string
	weight int
	tags   []string
	site   string // where the function is declared, as a traceback line
	run    func(ctx context.Context, state any) error
	set    *setSpec
	within []*setSpec // sets that it was taken out of, the outermost first: see flattened
}

func (s *setSpec) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf("%s %q: "+format, append([]any{s.kind, s.name}, args...)...))
}

func (s *setSpec) setWait(w WaitTime) {
	switch {
	case w.err != nil:
		s.fault("%w", w.err)
	case w.next == nil:
		s.fault("has a wait time without a function")
	}
	s.wait = w
}

func addTask[S any](s *setSpec, name string, weight int, run func(S, context.Context) error, tags []string) {
	t := taskSpec{name: name, weight: weight, tags: tags, site: traceback.Site(run)}
	if run == nil {
		s.fault("task %q has no function", name)
	} else {
		t.run = func(ctx context.Context, state any) error {
			return run(state.(S), ctx) //nolint:forcetypeassert // state comes from the constructor of this very set
		}
	}
	s.add(t)
}

func addSet[S any](s *setSpec, weight int, inner Nested[S], tags []string) {
	if inner == nil {
		s.fault("nests a set that is nil")
		return
	}
	var parent S
	set := inner.set(parent)
	s.add(taskSpec{name: set.name, weight: weight, tags: tags, set: set})
}

func (s *setSpec) add(t taskSpec) {
	if t.name == "" {
		s.fault("has a task without a name")
	}
	if t.weight < 0 {
		s.fault("task %q has weight %d; the least is 0, with which it never runs", t.name, t.weight)
	}
	if slices.ContainsFunc(s.tasks, func(other taskSpec) bool { return other.name == t.name }) {
		s.fault("has two tasks named %q", t.name)
	}
	s.tasks = append(s.tasks, t)
}

// validate returns every fault of the set and of those nested in it, joined.
// around are the sets that it stands in.
func (s *setSpec) validate(around ...*setSpec) error {
	if slices.Contains(around, s) {
		return fmt.Errorf("%s %q is nested in itself", s.kind, s.name)
	}
	faults := append(slices.Clone(s.faults), s.validateState(around))
	around = append(slices.Clip(around), s)
	if s.name == "" {
		faults = append(faults, fmt.Errorf("a %s has no name", s.kind))
	}
	if len(s.tasks) == 0 {
		faults = append(faults, fmt.Errorf("%s %q has no task; add one with Task", s.kind, s.name))
	} else if !slices.ContainsFunc(s.tasks, s.runs) {
		faults = append(faults, fmt.Errorf("%s %q has no task of a weight above 0", s.kind, s.name))
	}
	if s.order == orderMarkov {
		faults = append(faults, s.validateChain())
	}
	for _, t := range s.tasks {
		if t.set != nil {
			faults = append(faults, t.set.validate(around...))
		}
	}
	return errors.Join(faults...)
}

// running returns the set with the tasks that may run: a task of weight 0 is in no
// list of Locust's tasks. made has the results so far: a set that is nested twice
// stays one set.
func (s *setSpec) running(made map[*setSpec]*setSpec) *setSpec {
	if kept := made[s]; kept != nil {
		return kept
	}
	kept := *s
	kept.tasks = nil
	made[s] = &kept
	for _, t := range s.tasks {
		if !s.runs(t) {
			continue
		}
		if t.set != nil {
			t.set = t.set.running(made)
		}
		kept.tasks = append(kept.tasks, t)
	}
	return &kept
}

// runs reports whether a task of the set may run. Those of a Markov chain have no
// weight.
func (s *setSpec) runs(t taskSpec) bool { return t.weight > 0 || s.order == orderMarkov }

// validateChain mirrors validate_markov_chain.
func (s *setSpec) validateChain() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s %q: "+format, append([]any{s.kind, s.name}, args...)...))
	}
	declared := make(map[string]bool)
	for _, t := range s.tasks {
		declared[t.name] = true
		if len(t.tags) > 0 {
			fault("task %q has tags; a Markov chain takes none", t.name)
		}
		sum := 0
		for _, weight := range s.transitions[t.name] {
			sum += max(0, weight)
		}
		if sum == 0 {
			fault("task %q has no transition of a weight above 0", t.name)
		}
	}
	for from, targets := range s.transitions {
		if !declared[from] {
			fault("has transitions from %q, which is no task of it", from)
		}
		for to, weight := range targets {
			if !declared[to] {
				fault("has a transition from %q to %q, which is no task of it", from, to)
			}
			if weight < 0 {
				fault("the transition from %q to %q has weight %d", from, to, weight)
			}
		}
	}
	return errors.Join(faults...)
}

// validateState refuses a state whose OnStart or OnStop is that of what the set
// stands in, which it embeds: a user would log in again each time it enters the set.
func (s *setSpec) validateState(around []*setSpec) error {
	for _, method := range []string{"OnStart", "OnStop"} {
		for _, outer := range around {
			if s.state != nil && outer.state != nil && promotes(s.state, outer.state, method) {
				parent := elem(outer.state).Name()
				return fmt.Errorf("%s %q: its state embeds that of the %s %q, whose %s would run at each visit of the set; "+
					"give the field a name, as in struct{ %s *%s }, or the state an %[4]s of its own",
					s.kind, s.name, outer.kind, outer.name, method, strings.ToLower(parent), parent)
			}
		}
	}
	return nil
}

// promotes reports whether the method of t is that of an embedded field of type
// outer, directly or by way of other embedded fields.
func promotes(t, outer reflect.Type, method string) bool {
	if !has(t, method) || !has(outer, method) || elem(t) == elem(outer) {
		return false
	}
	t = elem(t)
	if t.Kind() != reflect.Struct || declares(t, method) {
		return false
	}
	for i := range t.NumField() {
		// Two fields of one depth with the method would promote neither.
		if f := t.Field(i); f.Anonymous && has(f.Type, method) {
			return elem(f.Type) == elem(outer) || promotes(f.Type, outer, method)
		}
	}
	return false
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// has reports whether t, or a pointer to it, has the method.
func has(t reflect.Type, method string) bool {
	_, ok := t.MethodByName(method)
	if !ok && t.Kind() != reflect.Interface {
		_, ok = reflect.PointerTo(elem(t)).MethodByName(method)
	}
	return ok
}

// declares reports whether the method is one of the struct type's own: the compiler
// makes those that are promoted, and gives them no place in a file.
func declares(t reflect.Type, method string) bool {
	for _, t := range []reflect.Type{t, reflect.PointerTo(t)} {
		m, ok := t.MethodByName(method)
		if !ok {
			continue
		}
		if f := runtime.FuncForPC(m.Func.Pointer()); f != nil {
			if file, _ := f.FileLine(f.Entry()); file != "<autogenerated>" {
				return true
			}
		}
	}
	return false
}

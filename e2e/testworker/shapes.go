package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// A stepper names its rows by the order in which things happen.
type stepper struct {
	*recorder
	n int
}

func (s *stepper) step(what string) error {
	s.row("STEP", fmt.Sprintf("%02d %s", s.n, what))
	s.n++
	return nil
}

// OnStart implements locustworker.Starter.
func (s *stepper) OnStart(context.Context) error { return s.step("user starts") }

// OnStop implements locustworker.Stopper.
func (s *stepper) OnStop(context.Context) error { return s.step("user stops") }

// A march is the stepper's sequential set.
type march struct {
	user   *stepper
	rounds int
}

// OnStart implements locustworker.Starter.
func (m *march) OnStart(context.Context) error { return m.user.step("march starts") }

// OnStop implements locustworker.Stopper.
func (m *march) OnStop(context.Context) error { return m.user.step("march stops") }

func (m *march) one(context.Context) error {
	m.rounds++
	return m.user.step("one")
}

func (m *march) two(context.Context) error { return m.user.step("two") }

func (m *march) four(context.Context) error {
	if err := m.user.step("four"); err != nil || m.rounds < 2 {
		return err
	}
	return locustworker.ErrStopUser
}

// A halt is the set within the march.
type halt struct{ user *stepper }

// OnStart implements locustworker.Starter.
func (h *halt) OnStart(context.Context) error { return h.user.step("halt starts") }

// OnStop implements locustworker.Stopper.
func (h *halt) OnStop(context.Context) error { return h.user.step("halt stops") }

func (h *halt) rest(context.Context) error {
	_ = h.user.step("rest")
	return locustworker.ErrInterrupt
}

func stepsClass() locustworker.Class {
	halts := locustworker.NewSet("Halt", func(m *march) (*halt, error) { return &halt{m.user}, nil }).
		Task("rest", 1, (*halt).rest)
	marches := locustworker.NewSet("March", func(s *stepper) (*march, error) { return &march{user: s}, nil }).
		Sequential().
		Task("one", 1, (*march).one).
		Task("two", 2, (*march).two).
		Nest(1, halts).
		Task("four", 1, (*march).four)
	return locustworker.NewClass("Steps", func(u *locustworker.User) (*stepper, error) {
		return &stepper{recorder: &recorder{u}}, nil
	}).Nest(1, marches)
}

// nestedClass has sets in sets, for the ratios.
func nestedClass() locustworker.Class {
	same := func(r *recorder) (*recorder, error) { return r, nil }
	leaving := func(name string) func(*recorder, context.Context) error {
		return func(r *recorder, _ context.Context) error {
			r.row("TICK", name)
			return locustworker.ErrInterrupt
		}
	}
	twig := locustworker.NewSet("Twig", same).Task("bud", 1, leaving("/bud"))
	branch := locustworker.NewSet("Branch", same).Task("leaf", 1, leaving("/leaf")).Nest(4, twig)
	return locustworker.NewClass("Nested", newRecorder).
		Wait(locustworker.Constant(tick)).
		Task("root", 3, ticking("/root")).
		Nest(1, branch)
}

// A sleeper has tasks of 1.5 s.
type sleeper struct{ *recorder }

func sleeperClass() locustworker.Class {
	return locustworker.NewClass("Sleeper", func(u *locustworker.User) (*sleeper, error) {
		return &sleeper{&recorder{u}}, nil
	}).Task("sleep", 1, (*sleeper).sleep)
}

// OnStop implements locustworker.Stopper.
func (s *sleeper) OnStop(context.Context) error {
	s.row("LONG", "/stop")
	return nil
}

func (s *sleeper) sleep(ctx context.Context) error {
	s.row("LONG", "/begin")
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(1500 * time.Millisecond):
	}
	s.row("LONG", "/end")
	return nil
}

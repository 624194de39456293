package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/bandwing/bandwing/locustworker"
)

// rest keeps a user in its task until it is stopped.
func rest(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// A panicker panics three times, at two sites.
type panicker struct{ n int }

func panickerClass() locustworker.Class {
	return locustworker.NewClass("Panicker", func(*locustworker.User) (*panicker, error) { return &panicker{}, nil }).
		Task("play", 1, (*panicker).play)
}

func (p *panicker) play(ctx context.Context) error {
	p.n++
	if p.n <= 2 {
		p.first()
	}
	if p.n == 3 {
		p.second()
	}
	return rest(ctx)
}

func (p *panicker) first() { panic(fmt.Sprintf("boom %d", p.n)) }

func (p *panicker) second() { panic(errors.New("bang")) }

// returnerClass fails in each of two tasks in turn.
func returnerClass() locustworker.Class {
	turns := locustworker.NewSet("Turns", func(r *recorder) (*recorder, error) { return r, nil }).
		Sequential().
		Task("one", 1, (*recorder).one).
		Task("two", 1, (*recorder).two).
		Task("rest", 1, func(_ *recorder, ctx context.Context) error { return rest(ctx) })
	return locustworker.NewClass("Returner", newRecorder).Nest(1, turns)
}

func (r *recorder) one(context.Context) error { return errors.New("one has failed") }

func (r *recorder) two(context.Context) error { return errors.New("two has failed") }

// A badStarter never gets to its task.
type badStarter struct{}

func badStartClass() locustworker.Class {
	return locustworker.NewClass("BadStart", func(*locustworker.User) (*badStarter, error) { return &badStarter{}, nil }).
		Task("never", 1, func(*badStarter, context.Context) error { return nil })
}

// OnStart implements locustworker.Starter.
func (*badStarter) OnStart(context.Context) error { return errors.New("cannot start") }

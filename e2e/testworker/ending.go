package main

import (
	"context"
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// aborting is a start of a test that finds no data.
func aborting() locustworker.Events {
	return locustworker.Events{TestStart: func(context.Context, *locustworker.Environment) error {
		return fmt.Errorf("%w: no test data", locustworker.ErrAbortRun)
	}}
}

// quitterClass ends the whole test after a second.
func quitterClass() locustworker.Class {
	return locustworker.NewClass("Quitter", newRecorder).
		Wait(locustworker.Constant(time.Second)).
		Task("quit", 1, func(r *recorder, _ context.Context) error {
			r.row("GET", "/before the end")
			return r.Environment().Quit(7)
		})
}

// aborterClass stops the run from a task.
func aborterClass() locustworker.Class {
	return locustworker.NewClass("Aborter", newRecorder).
		Wait(locustworker.Constant(time.Second)).
		Task("abort", 1, func(*recorder, context.Context) error {
			return fmt.Errorf("%w: the service is down", locustworker.ErrAbortRun)
		})
}

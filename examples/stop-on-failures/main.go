// Command stop-on-failures ends its run with exit code 3 when ten requests in a row
// have failed: a service that is down needs no more load.
package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

const (
	limit    = 10 // failures in a row
	exitCode = 3
)

type caller struct{ httpuser.User }

func (c *caller) call(ctx context.Context) error {
	_, err := c.Get(ctx, "/")
	return err
}

// watch returns a listener that counts failures in a row. It is called by many
// users at a time.
func watch() func(*locustworker.User, locustworker.Sample) {
	var failures atomic.Int64
	return func(u *locustworker.User, s locustworker.Sample) {
		if s.Err == nil {
			failures.Store(0)
			return
		}
		if failures.Add(1) != limit {
			return
		}
		env := u.Environment()
		env.Logger().Error("ten requests in a row have failed: the run ends")
		if err := env.Quit(exitCode); err != nil {
			env.Logger().Error(err.Error())
		}
	}
}

func main() {
	locustworker.MainConfig(
		locustworker.Config{Events: locustworker.Events{Request: watch()}},
		httpuser.NewClass[caller]("Caller", httpuser.Config{}).
			Wait(locustworker.Constant(20*time.Millisecond)).
			Task("call", 1, (*caller).call),
	)
}

// What docs/writing-tests.md takes for known.
//
// doccheck:parameters ctx context.Context, s *shop, c *checkout, class *locustworker.ClassOf[*shop], env *locustworker.Environment, cfg *locustworker.Config, took time.Duration, n int64
// doccheck:rows-but ^(OnStart|OnStop)\(|^-|^(MainConfig|StopRun|Quit)$|^Config\.
package main

import (
	"context"

	"github.com/bandwing/bandwing/locustworker"
)

func prepare(context.Context, *locustworker.Environment) error { return nil }

func greet(*locustworker.Environment, locustworker.Message) error { return nil }

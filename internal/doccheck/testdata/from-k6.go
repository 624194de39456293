// What docs/from-k6.md takes for known.
//
// doccheck:parameters ctx context.Context, v *visitor, r *httpuser.Response, into any, class *locustworker.ClassOf[*visitor], env *locustworker.Environment, cfg *locustworker.Config, took time.Duration
// doccheck:rows-but ^(OnStart|OnStop)\b|^-|^\./|^(main|Main|MainConfig|Record|DROPPED|checkout|fail_ratio|fails|os.Getenv)$|^Config\.
package main

import (
	"context"

	"github.com/bandwing/bandwing/locustworker"
)

func prepare(context.Context, *locustworker.Environment) error { return nil }

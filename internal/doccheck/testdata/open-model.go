// What docs/open-model.md takes for known.
package main

import (
	"context"

	"github.com/bandwing/bandwing/locustworker"
)

type visitor struct{ *locustworker.User }

func newVisitor(u *locustworker.User) (*visitor, error) { return &visitor{u}, nil }

func (v *visitor) browse(context.Context) error { return nil }

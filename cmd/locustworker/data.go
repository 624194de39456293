package main

import (
	"context"
	"os"

	"github.com/bandwing/bandwing/loadtest"
)

const interrupted = 130 // as a shell says of a program that Ctrl-C has ended

// data is the subcommand that loads documents.
func data(cfg loadtest.Config) func(ctx context.Context, args []string) int {
	return func(ctx context.Context, args []string) int {
		info, err := os.Stdout.Stat()
		terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
		code := loadtest.DataCommand(ctx, args, cfg, os.Stdout, os.Stderr, terminal)
		if code != 0 && ctx.Err() != nil {
			return interrupted
		}
		return code
	}
}

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/bandwing/bandwing/loadtest"
)

// data is the subcommand that loads documents.
func data(cfg loadtest.Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	code := loadtest.DataCommand(ctx, os.Args[2:], cfg, os.Stdout, os.Stderr, terminal)
	if code != 0 && errors.Is(ctx.Err(), context.Canceled) {
		return 130
	}
	return code
}

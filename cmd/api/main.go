// Command api serves the REST service in front of RedisJSON. It is set up by environment variables: see `api -h`.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker (see the Makefile).
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	collectLess()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but the process: it serves until ctx ends and returns the exit code, which is 2 for bad
// arguments or configuration and 1 when the service cannot start or cannot stop cleanly. With -health it asks a
// running service instead, and 1 means that it cannot serve.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, done, err := readSettings(args, stdout)
	if done || err != nil {
		return report(stderr, err, 2)
	}
	if len(args) > 0 {
		return report(stderr, checkHealth(ctx, settings.addr), 1)
	}
	settings.api.Logger = newLogger(stderr, settings.log)
	return report(stderr, serve(ctx, settings, stdout), 1)
}

func report(stderr io.Writer, err error, exitCode int) int {
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitCode
	}
	return 0
}

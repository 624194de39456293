// Command api serves the REST service in front of RedisJSON. It is set up by environment variables: see `api -h`.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/api/redisstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	collectLess()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but the process: it serves until ctx ends and returns the exit code, which is 2 for bad
// arguments or configuration and 1 when the service cannot start or cannot stop cleanly.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	settings, done, err := readSettings(args, stdout)
	if done || err != nil {
		return report(stderr, err, 2)
	}
	settings.api.Logger = newLogger(stderr, settings.log)
	return report(stderr, serve(ctx, settings, stdout), 1)
}

func serve(ctx context.Context, settings settings, stdout io.Writer) error {
	store, err := redisstore.New(settings.redis)
	if err != nil {
		return err
	}
	defer store.Close()
	server, err := api.New(settings.api, store)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", settings.addr)
	if err != nil {
		return fmt.Errorf("api: set API_ADDR to a free address: %w", err)
	}
	fmt.Fprintf(stdout, "api: serving http://%s with Redis at %s\n", listener.Addr(), settings.redis.Servers())
	return server.Serve(ctx, listener)
}

func report(stderr io.Writer, err error, exitCode int) int {
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitCode
	}
	return 0
}

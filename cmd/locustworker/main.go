// Command locustworker is a Locust worker with the RedisJSON load test compiled
// in: the user classes of locustfile.py, in Go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/redisjson"
)

// version is set by the linker (see the Makefile).
var version = ""

func main() {
	cfg, scenario, err := load()
	if err != nil {
		fmt.Fprintln(os.Stderr, "locustworker:", err)
		os.Exit(2)
	}
	if len(os.Args) > 1 && os.Args[1] == "data" {
		os.Exit(data(cfg))
	}
	locustworker.MainConfig(scenario.Configure(locustworker.Config{Version: version}), scenario.Classes()...)
}

// load reads the settings of the load test.
func load() (redisjson.Config, *redisjson.Scenario, error) {
	cfg, err := readSettings()
	if err != nil {
		return cfg, nil, err
	}
	scenario, err := redisjson.New(cfg)
	return cfg, scenario, err
}

// data is the subcommand that loads documents.
func data(cfg redisjson.Config) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	info, err := os.Stdout.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	code := redisjson.DataCommand(ctx, os.Args[2:], cfg, os.Stdout, os.Stderr, terminal)
	if code != 0 && errors.Is(ctx.Err(), context.Canceled) {
		return 130
	}
	return code
}

// Command locustworker is a Locust worker with the RedisJSON load test compiled
// in: the user classes of locustfile.py, in Go.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/bandwing/bandwing/loadtest"
	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/otelworker"
	"github.com/bandwing/bandwing/locustworker/promworker"
)

// version is set by the linker (see the Makefile).
var version = ""

func main() {
	if len(os.Args) == 2 && os.Args[1] == "health" { // which needs none of the settings
		os.Exit(healthCommand(context.Background(), nil))
	}
	cfg, scenario, err := load()
	if err != nil {
		fmt.Fprintln(os.Stderr, "locustworker:", err)
		os.Exit(2)
	}
	base := locustworker.Config{Version: version, ServeMetrics: promworker.Serve, Telemetry: otelworker.Start, Commands: []locustworker.Command{
		{Name: "data", Help: "Load documents into the service, and remove them.", Run: data(cfg)},
		{Name: "health", Help: "End with 0 when a master counts on the worker of this container.", Run: healthCommand},
	}}
	locustworker.MainConfig(scenario.Configure(base), scenario.Classes()...)
}

// load reads the settings of the load test.
func load() (loadtest.Config, *loadtest.Scenario, error) {
	cfg, err := readSettings()
	if err != nil {
		return cfg, nil, err
	}
	scenario, err := loadtest.New(cfg)
	return cfg, scenario, err
}

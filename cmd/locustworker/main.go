// Command locustworker is a Locust worker with the RedisJSON load test compiled
// in: the user classes of locustfile.py, in Go.
package main

import (
	"fmt"
	"os"

	"github.com/bandwing/bandwing/loadtest"
	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/promworker"
)

// version is set by the linker (see the Makefile).
var version = ""

func main() {
	if len(os.Args) == 2 && os.Args[1] == "health" {
		os.Exit(healthCommand())
	}
	cfg, scenario, err := load()
	if err != nil {
		fmt.Fprintln(os.Stderr, "locustworker:", err)
		os.Exit(2)
	}
	if len(os.Args) > 1 && os.Args[1] == "data" {
		os.Exit(data(cfg))
	}
	base := locustworker.Config{Version: version, ServeMetrics: promworker.Serve}
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

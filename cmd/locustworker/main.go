// Command locustworker is a Locust worker with the RedisJSON load test compiled
// in: the user classes of locustfile.py, in Go.
package main

import (
	"fmt"
	"os"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/redisjson"
)

// version is set by the linker (see the Makefile).
var version = ""

func main() {
	scenario, err := redisjson.New(redisjson.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "locustworker:", err)
		os.Exit(2)
	}
	locustworker.MainConfig(locustworker.Config{Version: version}, scenario.Classes()...)
}

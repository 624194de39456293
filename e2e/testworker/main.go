// Command testworker is a Locust worker for the conformance tests: its user
// classes do what their twins in e2e/testdata/conformance.py do.
package main

import (
	"os"

	"github.com/bandwing/bandwing/locustworker"
)

func main() {
	events := reporting()
	if os.Getenv("TESTWORKER_ABORT") != "" {
		events.Add(aborting())
	}
	locustworker.MainConfig(locustworker.Config{Events: events, Messages: messages()},
		scriptClass(), manyClass(),
		tickerClass(), heavyClass(), lightClass(), fixedClass(), failerClass(),
		panickerClass(), returnerClass(), badStartClass(),
		chattyClass(), stepsClass(), nestedClass(), sleeperClass(), taggedClass(),
		argumentsClass(), webClass(), talkerClass(), quitterClass(), aborterClass(),
	)
}

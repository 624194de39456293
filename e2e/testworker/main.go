// Command testworker is a Locust worker for the conformance tests: its user
// classes do what their twins in e2e/testdata/conformance.py do.
package main

import (
	"github.com/bandwing/bandwing/locustworker"
)

func main() {
	locustworker.MainConfig(locustworker.Config{Events: events(), Messages: messages()},
		scriptClass(), manyClass(),
		tickerClass(), heavyClass(), lightClass(), fixedClass(), failerClass(),
		panickerClass(), returnerClass(), badStartClass(),
		chattyClass(), stepsClass(), nestedClass(), sleeperClass(), taggedClass(),
		argumentsClass(), webClass(), talkerClass(),
	)
}

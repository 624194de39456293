package main

import (
	"os"
	"runtime/debug"
)

// gcPercent is GOGC unless the environment says otherwise. What lives is a few MB and what a request needs is garbage
// right after it: the default would collect a hundred times a second under load.
const gcPercent = 400

func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

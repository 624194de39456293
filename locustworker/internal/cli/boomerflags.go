package cli

import (
	"fmt"
	"strings"
)

// boomerFlags are the flags of package boomer that a worker does not have, and what
// it has in their place.
func boomerFlags() map[string]string {
	const profile = "call runtime/pprof in the program, or add net/http/pprof to it"
	return map[string]string{
		"request-increase-rate": "the number of users grows instead: set the spawn rate on the master, " +
			"with --headless --spawn-rate, or give a load shape with --shape",
		"run-tasks": "call a task in a unit test, with NewUser of its class and locustworker.NewStandaloneUser, " +
			"or run it without a master: --headless --users 1 --run-time 5s --tags TAG",
		"mem-profile": profile, "mem-profile-duration": profile,
		"cpu-profile": profile, "cpu-profile-duration": profile,
	}
}

// refuseBoomerFlags returns an error that says what takes the place of a flag of
// package boomer, written with one dash or two as Go's flags are.
func refuseBoomerFlags(args []string) error {
	flags := boomerFlags()
	for _, arg := range args {
		if arg == "--" || arg == "--help" || arg == "-h" {
			return nil
		}
		name, isLong := strings.CutPrefix(arg, "--")
		if !isLong {
			var isShort bool
			if name, isShort = strings.CutPrefix(arg, "-"); !isShort {
				continue
			}
		}
		name, _, _ = strings.Cut(name, "=")
		if instead, ok := flags[name]; ok {
			return fmt.Errorf("argument %s is a flag of programs that use package boomer; here %s", strings.SplitN(arg, "=", 2)[0], instead)
		}
	}
	return nil
}

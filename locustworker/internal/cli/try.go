package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Trial says what the command try runs.
type Trial struct {
	Class string // "": the first one
	Task  string // "": as the user picks
	Times int    // tasks
}

const tryUsage = "try [Class[.task]] [-n tasks] [options]\n\nRuns one user without a master, and prints each request and answer, " +
	"failure and error. -n is the number of tasks, 1 by default. The options are those of a run; -H is the host.\n" +
	"The exit code is 1 when a request or the user failed.\n"

// runTry runs one user and returns the exit code.
func (c *Command) runTry(ctx context.Context, args []string) int {
	if slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		fmt.Fprintf(c.Stdout, "Usage: %s %s", c.program(), tryUsage)
		return ExitOK
	}
	rest, times, err := takeTimes(args)
	if err != nil {
		c.complain(err)
		return ExitUsage
	}
	run := New(c.System, c.Program)
	run.Args = append([]string{c.Args[0]}, rest...)
	in, err := run.read()
	if err != nil {
		c.complain(err)
		return ExitUsage
	}
	t := Trial{Times: times}
	switch names := in.UserClasses; {
	case len(names) > 1:
		c.complain(errors.New("try runs one user: name one class, or one task as Class.task"))
		return ExitUsage
	case len(names) == 1 && len(unknownClasses(names, c.Classes)) == 0:
		t.Class = names[0]
	case len(names) == 1:
		t.Class, t.Task, _ = strings.Cut(names[0], ".")
		if len(unknownClasses([]string{t.Class}, c.Classes)) > 0 {
			c.complain(fmt.Errorf("unknown user class: %s\n%s", t.Class, c.suggest(t.Class)))
			return ExitError
		}
	}
	if err := c.Try(ctx, in.Settings, t); err != nil {
		fmt.Fprintln(c.Stderr, err)
		return ExitError
	}
	return ExitOK
}

// takeTimes takes the option -n out of the arguments.
func takeTimes(args []string) (rest []string, times int, err error) {
	times = 1
	for i := 0; i < len(args); i++ {
		value, attached := strings.CutPrefix(args[i], "-n")
		if !attached || strings.HasPrefix(args[i], "--") {
			rest = append(rest, args[i])
			continue
		}
		if value == "" && i+1 < len(args) {
			i++
			value = args[i]
		}
		if times, err = ParseInt(strings.TrimPrefix(value, "=")); err != nil || times < 1 {
			return nil, 0, fmt.Errorf("-n %s: it must be a number of tasks above 0", value)
		}
	}
	return rest, times, nil
}

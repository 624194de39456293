package locustworker

import (
	"context"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
)

// A Command is a command of the program's own, beside stub and completion: Main
// runs it when the first argument of the command line is its name. --help, shell
// completion and the error about an unknown name list it.
type Command struct {
	Name string
	// Help is what it does, in one line.
	Help string
	// Run gets the arguments after the name and returns the exit code of the process.
	// ctx ends with the first SIGTERM or SIGINT; a second one ends the process.
	Run func(ctx context.Context, args []string) int
}

// subcommands are the commands as the command line takes them.
func subcommands(all []Command) []cli.Subcommand {
	commands := make([]cli.Subcommand, 0, len(all))
	for _, c := range all {
		commands = append(commands, cli.Subcommand(c))
	}
	return commands
}

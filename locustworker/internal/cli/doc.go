// Package cli is the command line of a worker: options, environment variables,
// configuration files, --help, --list, task ratios, the locustfile for the
// master, and the processes that --processes starts.
//
// [Command.Run] reads what [System] gives it and drives a [Program]. Classes
// come in as plain data, [Settings] go out; the package knows no user, no
// master and no connection.
//
// Options are read by the rules of Python's argparse and of ConfigArgParse,
// which Locust's argument parser is built on: the same command line means the
// same here and there. [Table.Parse] does that; optionGroups lists the options
// and says what each of them sets. A new option is a row there.
package cli

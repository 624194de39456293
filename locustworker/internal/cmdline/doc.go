// Package cmdline reads options from a command line, the environment and
// configuration files by the rules of Python's argparse and of ConfigArgParse,
// which Locust's argument parser is built on: the same command line means the
// same here and there.
//
// A [Table] lists the options. [Table.Parse] says what each was set to and by
// whom; what the texts mean is the caller's business. The package touches the
// system through [Input] only.
package cmdline

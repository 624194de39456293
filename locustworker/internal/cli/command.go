package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Exit codes of a worker's process, as Locust's.
const (
	ExitOK     = 0
	ExitError  = 1
	ExitUsage  = 2
	ExitSignal = 128 // plus the number of the second signal
	ExitFatal  = 255 // Python's sys.exit(-1)
)

// LevelCritical is Python's level CRITICAL, which slog has no name for.
const LevelCritical = slog.LevelError + 4

// A System is everything outside of the process that a command touches.
type System struct {
	Args       []string // Args[0] is the program's name
	LookupEnv  func(name string) (string, bool)
	Environ    func() []string
	ReadFile   func(name string) ([]byte, error)
	Executable func() (string, error)
	Stdout     io.Writer
	Stderr     io.Writer
	Log        io.Writer        // for the log without a file; nil: Stderr
	Build      *debug.BuildInfo // nil: unknown
	Cores      int
}

// A Program is what the command line drives. All functions must be set.
type Program struct {
	// Version is what --version shows; "": the version of the module.
	Version string
	// Defaults are the settings that the command line, the environment and the
	// files override.
	Defaults Settings
	// Classes are the user classes compiled in.
	Classes []Class
	// Commands are the program's own, beside those of this package.
	Commands []Subcommand
	// Check returns what is wrong with settings. It is a usage error.
	Check func(Settings) error
	// Live returns the classes that a run with these settings has, with the tasks
	// that it picks from.
	Live func(Settings) ([]Class, error)
	// Logger is used with --skip-log-setup, and when the program has set one of its
	// own (OwnLogger) and neither a level nor a file is asked for.
	Logger    *slog.Logger
	OwnLogger bool
	// NewHandler makes the handler of every other log.
	NewHandler func(w io.Writer, level slog.Leveler) slog.Handler
	// Try runs one user and shows what it does.
	Try func(ctx context.Context, s Settings, t Trial) error
	// Work runs the worker until it is done or ctx ends, and returns the exit code.
	Work func(ctx context.Context, s Settings, log *slog.Logger) int
}

// A Subcommand is a command that is named by the first argument, as stub is.
type Subcommand struct {
	Name string
	// Help is what it does, in one line.
	Help string
	// Run gets the arguments after the name and returns the exit code. ctx ends
	// when the process is told to end.
	Run func(ctx context.Context, args []string) int
}

// A Command is one run of a command line. Make it with New.
type Command struct {
	System
	Program

	spawn    func(env []string) (child, error)
	children family
}

// New returns the command that the arguments of the system ask for.
func New(s System, p Program) *Command {
	c := &Command{System: s, Program: p}
	c.spawn = c.startProcess
	return c
}

// Run obeys the command line and returns the exit code (main in locust/main.py).
// The worker ends when ctx does.
func (c *Command) Run(ctx context.Context) int {
	if len(c.Args) > 1 {
		if i := slices.IndexFunc(c.subcommands(), func(s Subcommand) bool { return s.Name == c.Args[1] }); i >= 0 {
			return c.subcommands()[i].Run(ctx, c.Args[2:])
		}
	}
	in, err := c.read()
	if err != nil {
		c.complain(err)
		return ExitUsage
	}
	switch in.final {
	case "--help":
		c.printHelp()
		return ExitOK
	case "--version":
		c.printVersion()
		return ExitOK
	}
	log, closeLog, err := c.openLog(in)
	if err != nil {
		c.complain(err)
		return ExitError
	}
	defer closeLog()
	return c.obey(ctx, in, log)
}

// subcommands are all that there are, those of this package first.
func (c *Command) subcommands() []Subcommand {
	return append([]Subcommand{
		{Name: "stub", Help: "Print the locustfile for the master.", Run: c.runStub},
		{Name: "try", Help: "Run one user and show each request and answer: try [Class[.task]] [-n tasks] [options].", Run: c.runTry},
		{Name: "completion", Help: "Print a completion script for bash, zsh or fish.", Run: c.runCompletion},
	}, c.Commands...)
}

// obey does what the settings ask for, in Locust's order.
func (c *Command) obey(ctx context.Context, in *invocation, log *slog.Logger) int {
	if in.list {
		c.printList()
		return ExitOK
	}
	if len(c.Classes) == 0 {
		log.Error("No User class found!")
		return ExitError
	}
	if missing := unknownClasses(in.UserClasses, c.Classes); len(missing) > 0 {
		log.Error("Unknown User(s): " + strings.Join(missing, ", ") + "\n" + c.suggest(missing[0]))
		return ExitError
	}
	if missing := unknownClasses(settingsClasses(in.UserSettings), c.Classes); len(missing) > 0 {
		log.Error("--config-users: no such user class: " + strings.Join(missing, ", ") + "\n" + c.suggest(missing[0]))
		return ExitFatal
	}
	if in.ratio || in.ratioJSON {
		return c.printRatio(in, log)
	}
	if in.master {
		log.Error("--master cannot be combined with --worker, and this program is no master: start one with `locust --master`, or run without one with --headless")
		return ExitFatal
	}
	if !c.IsChild() {
		in.warn(log)
		if in.processes != 0 && in.Headless.On {
			log.Warn("--processes is ignored: without a master one process runs all users, on all cores")
		} else if in.processes != 0 {
			return c.runChildren(ctx, in, log)
		}
	}
	return c.work(ctx, in, log)
}

// suggest says which classes and commands there are, and which of them may have
// been meant.
func (c *Command) suggest(wrong string) string {
	var commands []string
	for _, s := range c.subcommands() {
		commands = append(commands, s.Name)
	}
	classes := classNames(c.Classes)
	text := "This program has the user classes " + strings.Join(classes, ", ") + " and the commands " + strings.Join(commands, ", ") + "."
	if name := closest(wrong, append(classes, commands...)); name != "" {
		text += " Did you mean '" + name + "'?"
	}
	return text
}

// work runs the worker itself.
func (c *Command) work(ctx context.Context, in *invocation, log *slog.Logger) int {
	log.Info(fmt.Sprintf("Starting %s %s", c.program(), c.version()), "go", runtime.Version())
	in.Program = c.program()
	code := c.Work(ctx, in.Settings, log)
	log.Info(fmt.Sprintf("Shutting down (exit code %d)", code))
	return code
}

func (c *Command) program() string { return filepath.Base(c.Args[0]) }

// complain says what is wrong before there is a log.
func (c *Command) complain(err error) { fmt.Fprintf(c.Stderr, "%s: error: %v\n", c.program(), err) }

// openLog returns the log that the settings ask for and a function that closes
// its file.
func (c *Command) openLog(in *invocation) (*slog.Logger, func(), error) {
	if in.HideLogs || c.OwnLogger && !in.logChosen { // --skip-log-setup: the program sees to it
		return c.Logger, func() {}, nil
	}
	if in.logFile == "" {
		out := c.Log
		if out == nil {
			out = c.Stderr
		}
		return slog.New(c.NewHandler(out, in.logLevel)), func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(in.logFile), 0o755); err != nil { //nolint:gosec // a log is for others to read too
		return nil, nil, fmt.Errorf("cannot open the log file: %w", err)
	}
	file, err := os.OpenFile(in.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the user names it
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the log file: %w", err)
	}
	return slog.New(c.NewHandler(file, in.logLevel)), func() { _ = file.Close() }, nil
}

func settingsClasses(all []UserSettings) []string {
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.Class)
	}
	return names
}

// printList mirrors --list, which shows classes without a weight too.
func (c *Command) printList() {
	fmt.Fprintln(c.Stdout, "Available Users:")
	for _, name := range classNames(c.Classes) {
		fmt.Fprintln(c.Stdout, "    "+name)
	}
}

func (c *Command) printVersion() {
	fmt.Fprintf(c.Stdout, "%s %s (%s)\n", c.program(), c.version(), runtime.Version())
}

// version is the program's, or that of its module as far as the build knows it.
func (c *Command) version() string {
	if c.Version != "" {
		return c.Version
	}
	if c.Build == nil || c.Build.Main.Version == "" {
		return "(unknown version)"
	}
	return c.Build.Main.Version
}

package locustworker

import (
	"context"
	"errors"
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

// Exit codes of a worker's process, as Locust's; see exitCode for --exit-code-on-error.
const (
	exitOK     = 0
	exitError  = 1
	exitUsage  = 2
	exitSignal = 128 // plus the number of the second signal
	exitFatal  = 255 // Python's sys.exit(-1)
)

// A command is one run of the command line, with everything it touches.
type command struct {
	args      []string // args[0] is the program's name
	lookupEnv func(name string) (string, bool)
	readFile  func(name string) ([]byte, error)
	stdout    io.Writer
	stderr    io.Writer
	hostname  string
	release   string           // Config.Version
	build     *debug.BuildInfo // nil: unknown
	cores     int
	spawn     func(env []string) (child, error)
	children  family
}

// run obeys the command line and returns the exit code (main in locust/main.py).
func (c *command) run(ctx context.Context, base Config, classes []Class) int {
	if len(c.args) > 1 && c.args[1] == "stub" {
		return c.runStub(base, classes)
	}
	c.release = base.Version
	s, err := c.settings(base)
	if err != nil {
		c.complain(err)
		return exitUsage
	}
	switch s.final {
	case "--help":
		c.printHelp()
		return exitOK
	case "--version":
		c.printVersion()
		return exitOK
	}
	log, closeLog, err := c.openLog(s)
	if err != nil {
		c.complain(err)
		return exitError
	}
	defer closeLog()
	s.config.Logger = log
	return c.obey(ctx, s, classes)
}

// obey does what the settings ask for, in Locust's order.
func (c *command) obey(ctx context.Context, s *settings, classes []Class) int {
	log := s.config.Logger
	if s.list {
		c.printList(classes)
		return exitOK
	}
	if len(classes) == 0 {
		log.Error("No User class found!")
		return exitError
	}
	if missing := unknownClasses(s.config.UserClasses, classes); len(missing) > 0 {
		log.Error("Unknown User(s): " + strings.Join(missing, ", "))
		return exitError
	}
	if missing := unknownClasses(settingsClasses(s.config.UserSettings), classes); len(missing) > 0 {
		log.Error("--config-users: no such user class: " + strings.Join(missing, ", "))
		return exitFatal
	}
	if s.ratio || s.ratioJSON {
		return c.printRatio(s, classes)
	}
	if s.master {
		log.Error("--master cannot be combined with --worker, and this program is nothing but a worker: start the master with `locust --master`")
		return exitFatal
	}
	if !c.isChild() {
		s.warn(log)
		if s.processes != 0 {
			return c.runChildren(ctx, s)
		}
	}
	return c.work(ctx, s, classes)
}

// work runs the worker itself.
func (c *command) work(ctx context.Context, s *settings, classes []Class) int {
	log := s.config.Logger
	log.Info(fmt.Sprintf("Starting %s %s", c.program(), c.version()), "go", runtime.Version())
	w, err := New(s.config, classes...)
	if err != nil {
		log.Error(err.Error())
		return exitError
	}
	err = w.Run(ctx)
	code := exitCode(err, s.exitOnError)
	if err != nil {
		log.Error(err.Error())
	}
	log.Info(fmt.Sprintf("Shutting down (exit code %d)", code))
	return code
}

// exitCode mirrors shutdown in locust/main.py. A master that went away is no
// reason for a code of its own there, so it is none here.
func exitCode(err error, onError int) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, ErrNoMaster):
		return exitFatal
	case errors.Is(err, ErrUndelivered):
		return onError & 0xff // what a process can return
	case errors.Is(err, ErrListener):
		return exitUsage
	case errors.Is(err, ErrMasterLost):
		return exitOK
	}
	return exitError
}

func (c *command) program() string { return filepath.Base(c.args[0]) }

// complain says what is wrong before there is a log.
func (c *command) complain(err error) { fmt.Fprintf(c.stderr, "%s: error: %v\n", c.program(), err) }

// openLog returns the log that the settings ask for and a function that closes
// its file.
func (c *command) openLog(s *settings) (*slog.Logger, func(), error) {
	own := s.config.Logger != nil && !s.logChosen
	if s.config.HideLogs || own { // --skip-log-setup: the program sees to it
		return s.config.withDefaults().Logger, func() {}, nil
	}
	if s.logFile == "" {
		return slog.New(newLineHandler(c.stderr, c.hostname, s.logLevel)), func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(s.logFile), 0o755); err != nil { //nolint:gosec // a log is for others to read too
		return nil, nil, fmt.Errorf("cannot open the log file: %w", err)
	}
	file, err := os.OpenFile(s.logFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // the user names it
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the log file: %w", err)
	}
	return slog.New(newLineHandler(file, c.hostname, s.logLevel)), func() { _ = file.Close() }, nil
}

// unknownClasses returns the names that no class has.
func unknownClasses(names []string, classes []Class) []string {
	var missing []string
	for _, name := range names {
		if !slices.ContainsFunc(classes, func(c Class) bool { return c.spec().name == name }) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	return missing
}

func settingsClasses(all []UserSettings) []string {
	names := make([]string, 0, len(all))
	for _, s := range all {
		names = append(names, s.Class)
	}
	return names
}

// printList mirrors --list, which shows classes without a weight too.
func (c *command) printList(classes []Class) {
	fmt.Fprintln(c.stdout, "Available Users:")
	for _, class := range classes {
		fmt.Fprintln(c.stdout, "    "+class.spec().name)
	}
}

func (c *command) printVersion() {
	fmt.Fprintf(c.stdout, "%s %s (%s)\n", c.program(), c.version(), runtime.Version())
}

// version is the program's, or that of its module as far as the build knows it.
func (c *command) version() string {
	if c.release != "" {
		return c.release
	}
	if c.build == nil || c.build.Main.Version == "" {
		return "(unknown version)"
	}
	return c.build.Main.Version
}

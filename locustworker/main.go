package locustworker

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// Exit codes of a worker's process, as Locust's.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// Main is the whole main function of a worker that offers the given classes: it
// reads the command line and the LOCUST_* environment as a Python worker does,
// runs until the master says quit or a signal comes, and exits. SIGTERM and
// SIGINT stop the users, deliver the last samples and then end the process; a
// second one ends it at once. It does not return.
func Main(classes ...Class) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitError)
	}()
	c := command{args: os.Args, getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr}
	os.Exit(c.run(ctx, classes))
}

// A command is one run of the command line, with everything it touches.
type command struct {
	args   []string // args[0] is the program's name
	getenv func(string) string
	stdout io.Writer
	stderr io.Writer
}

// run parses, runs the worker and returns the exit code.
func (c *command) run(ctx context.Context, classes []Class) int {
	cfg, err := c.parse()
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		_, _ = fmt.Fprintf(c.stderr, "%s: %v\n", c.args[0], err)
		return exitUsage
	}
	w, err := New(cfg, classes...)
	if err == nil {
		err = w.Run(ctx)
	}
	if err != nil {
		_, _ = fmt.Fprintf(c.stderr, "%s: %v\n", c.args[0], err)
		return exitError
	}
	return exitOK
}

// parse reads the options: the command line wins over the environment, the
// environment over the default (as Locust's argument parser).
func (c *command) parse() (Config, error) {
	var cfg Config
	set := flag.NewFlagSet(c.args[0], flag.ContinueOnError)
	set.SetOutput(c.stderr)
	env := make(map[string]string) // option to variable
	option := func(name, variable string) string { env[name] = variable; return name }

	level := slog.LevelInfo
	_ = set.Bool(option("worker", "LOCUST_MODE_WORKER"), true, "run as a worker; there is no other mode")
	set.StringVar(&cfg.MasterHost, option("master-host", "LOCUST_MASTER_NODE_HOST"), defaultMasterHost, "host name or address of the Locust master")
	set.IntVar(&cfg.MasterPort, option("master-port", "LOCUST_MASTER_NODE_PORT"), defaultMasterPort, "port of the Locust master")
	set.StringVar(&cfg.Host, option("host", "LOCUST_HOST"), "", "base URL of the system under test, until the master names one")
	set.StringVar(&cfg.Host, "H", "", "short for --host")
	set.Func(option("stop-timeout", "LOCUST_STOP_TIMEOUT"), "time that running tasks get to finish after a stop: 20, 20s, 3m, 1h20m (default 0)", func(v string) (err error) {
		cfg.StopTimeout, err = parseTimespan(v)
		return err
	})
	set.DurationVar(&cfg.DrainTimeout, "drain-timeout", defaultDrainTimeout, "time that requests in flight at a stop get to come back; negative: none")
	set.DurationVar(&cfg.MasterTimeout, "master-timeout", defaultMasterTimeout, "time that users run on while no master is seen")
	set.BoolVar(&cfg.LocustBuckets, "locust-buckets", false, "round response times below 100 ms to whole milliseconds, as Locust does")
	set.Func(option("loglevel", "LOCUST_LOGLEVEL"), "DEBUG, INFO, WARNING, ERROR or CRITICAL (default INFO)", func(v string) (err error) {
		level, err = parseLevel(v)
		return err
	})

	for name, variable := range env {
		if v := c.getenv(variable); v != "" {
			if err := set.Set(name, v); err != nil {
				return cfg, fmt.Errorf("environment variable %s=%q: %w", variable, v, err)
			}
		}
	}
	if err := set.Parse(c.args[1:]); err != nil {
		return cfg, err
	}
	if set.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q; see --help", set.Arg(0))
	}
	cfg.Logger = slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: level}))
	return cfg, nil
}

// parseLevel takes the names of Python's logging.
func parseLevel(name string) (slog.Level, error) {
	switch strings.ToUpper(name) {
	case "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARNING":
		return slog.LevelWarn, nil
	case "ERROR", "CRITICAL":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("no log level %q: use DEBUG, INFO, WARNING, ERROR or CRITICAL", name)
}

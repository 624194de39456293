package locustworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
	"github.com/bandwing/bandwing/locustworker/internal/logline"
)

// commandLine describes the program to its command line: package cli knows
// classes as plain data and settings instead of a Config.
func commandLine(base Config, classes []Class, host string, o output) cli.Program {
	return cli.Program{
		Version:  base.Version,
		Defaults: settingsOf(base),
		Classes:  plainClasses(classes),
		Commands: subcommands(base.Commands),
		Check:    func(s cli.Settings) error { return base.with(s).Validate() },
		Live: func(s cli.Settings) ([]cli.Class, error) {
			return liveClasses(base.with(s), classes)
		},
		Logger:    base.withDefaults().Logger,
		OwnLogger: base.Logger != nil,
		NewHandler: func(w io.Writer, level slog.Leveler) slog.Handler {
			return logline.NewHandler(w, host, level)
		},
		Try: func(ctx context.Context, s cli.Settings, t cli.Trial) error {
			return Try(ctx, base.with(s), Trial{Class: t.Class, Task: t.Task, Times: t.Times, Out: o.stdout}, classes...)
		},
		Work: func(ctx context.Context, s cli.Settings, log *slog.Logger) int {
			cfg := base.with(s)
			cfg.Logger = log
			telemetry, err := startTelemetry(ctx, cfg, s)
			if err != nil {
				log.Error("--otel: " + err.Error())
				return cli.ExitUsage
			}
			defer closeTelemetry(ctx, telemetry, log)
			cfg = telemetry.Configure(cfg)
			if s.Headless.On {
				return workAlone(ctx, cfg, s, o, telemetry, classes)
			}
			return work(ctx, cfg, s.ExitCodeOnError, telemetry, classes)
		},
	}
}

// work runs a worker to its end and returns the exit code.
func work(ctx context.Context, cfg Config, codeOnError int, telemetry Telemetry, classes []Class) int {
	w, err := New(cfg, classes...)
	if err != nil {
		cfg.Logger.Error(err.Error())
		return cli.ExitError
	}
	telemetry.Observe(w)
	waiting, end := context.WithCancel(ctx)
	var warned sync.WaitGroup
	warned.Go(func() { w.warnOfWaiting(waiting) })
	err = w.Run(ctx)
	end()
	warned.Wait()
	if err != nil {
		cfg.Logger.Error(err.Error())
	}
	return exitCode(err, codeOnError)
}

// An output is what a run without a master writes to.
type output struct {
	stdout io.Writer
	screen *terminal.Screen
	keys   *terminal.Keys // nil: none are read
}

// keyedUsers are the users that a key adds (main in locust/main.py).
func keyedUsers(key byte) int {
	switch key {
	case 'w':
		return 1
	case 'W':
		return 10
	case 's':
		return -1
	case 'S':
		return -10
	}
	return 0
}

// readKeys returns the users that keys add, or nil when there are no keys.
func (o output) readKeys() <-chan int {
	more := make(chan int, 64)
	reads := o.keys.Read(func(key byte) {
		if n := keyedUsers(key); n != 0 {
			select {
			case more <- n:
			default: // the run has not taken the last 64 yet
			}
		}
	})
	if !reads {
		return nil
	}
	return more
}

// workAlone runs the classes without a master and returns the exit code.
func workAlone(ctx context.Context, cfg Config, s cli.Settings, o output, telemetry Telemetry, classes []Class) int {
	h := Headless{
		Users: s.Users, SpawnRate: s.Headless.SpawnRate, RunTime: s.Headless.RunTime,
		Thresholds: s.Headless.Thresholds, AbortOnThreshold: s.Headless.AbortOnThreshold, ExitCodeOnError: s.ExitCodeOnError,
		OnlySummary: s.Headless.OnlySummary, CSV: s.Headless.CSV, CSVFullHistory: s.Headless.CSVHistory,
		JSON: s.Headless.JSON, JSONFile: s.Headless.JSONFile, HTML: s.Headless.HTML, JUnit: s.Headless.JUnit,
		Annotations: s.Headless.Annotations, Title: s.Program, Stdout: o.stdout, screen: o.screen,
	}
	if h.ExitCodeOnError == 0 {
		h.ExitCodeOnError = -1
	}
	if len(cfg.UserClasses) == 0 && cfg.ChooseClasses != nil {
		cfg.UserClasses = cfg.ChooseClasses(cfg.Tags)
	}
	cfg.HideLogs = true // there is no web UI to send them to
	if name := s.Headless.Shape; name != "" {
		shape, known := cfg.Shapes[name]
		if !known {
			cfg.Logger.Error(fmt.Sprintf("--shape: there is no load shape %q; this program has: %s", name,
				strings.Join(slices.Sorted(maps.Keys(cfg.Shapes)), ", ")))
			return cli.ExitUsage
		}
		h.Shape = shape
	}
	w, err := New(cfg, classes...)
	if err != nil {
		cfg.Logger.Error(err.Error())
		return cli.ExitError
	}
	telemetry.Observe(w)
	defer o.keys.Stop()
	h.more = o.readKeys()
	code, err := w.RunHeadless(ctx, h)
	switch {
	case errors.Is(err, ErrConfig):
		cfg.Logger.Error(err.Error())
		return cli.ExitUsage
	case err != nil:
		cfg.Logger.Error(err.Error())
		return cli.ExitError
	}
	return code
}

// exitCode mirrors shutdown in locust/main.py. A master that went away is no
// reason for a code of its own there, so it is none here.
func exitCode(err error, onError int) int {
	switch {
	case err == nil:
		return cli.ExitOK
	case errors.Is(err, ErrNoMaster):
		return cli.ExitFatal
	case errors.Is(err, ErrUndelivered):
		return onError & 0xff // what a process can return
	case errors.Is(err, ErrListener):
		return cli.ExitUsage
	case errors.Is(err, ErrMasterLost):
		return cli.ExitOK
	}
	return cli.ExitError
}

// settingsOf are the settings that a configuration holds.
func settingsOf(c Config) cli.Settings {
	s := cli.Settings{
		MasterHost:       c.MasterHost,
		MasterPort:       c.MasterPort,
		MasterTimeout:    c.MasterTimeout,
		QuitOnMasterLoss: c.QuitOnMasterLoss,
		ReadyDelay:       c.ReadyDelay,
		MetricsAddr:      c.MetricsAddr,
		Host:             c.Host,
		UserClasses:      c.UserClasses,
		Tags:             c.Tags,
		ExcludeTags:      c.ExcludeTags,
		EqualWeights:     c.EqualWeights,
		StopTimeout:      c.StopTimeout,
		DrainTimeout:     c.DrainTimeout,
		ResetStats:       c.ResetStats,
		LocustBuckets:    c.LocustBuckets,
		LatencyFrom:      string(c.LatencyFrom),
		MaxRPS:           c.MaxRPS,
		Seed:             c.Seed,
		HideLogs:         c.HideLogs,
	}
	for _, u := range c.UserSettings {
		s.UserSettings = append(s.UserSettings, cli.UserSettings(u))
	}
	return s
}

// with returns the configuration with these settings, and all else of its own.
func (c Config) with(s cli.Settings) Config {
	c.MasterHost = s.MasterHost
	c.MasterPort = s.MasterPort
	c.MasterTimeout = s.MasterTimeout
	c.QuitOnMasterLoss = s.QuitOnMasterLoss
	c.ReadyDelay = s.ReadyDelay
	c.MetricsAddr = s.MetricsAddr
	c.Host = s.Host
	c.UserClasses = s.UserClasses
	c.Tags = s.Tags
	c.ExcludeTags = s.ExcludeTags
	c.EqualWeights = s.EqualWeights
	c.StopTimeout = s.StopTimeout
	c.DrainTimeout = s.DrainTimeout
	c.ResetStats = s.ResetStats
	c.LocustBuckets = s.LocustBuckets
	c.LatencyFrom = LatencyFrom(s.LatencyFrom)
	c.MaxRPS = s.MaxRPS
	c.Seed = s.Seed
	c.HideLogs = s.HideLogs
	c.UserSettings = nil
	for _, u := range s.UserSettings {
		c.UserSettings = append(c.UserSettings, UserSettings(u))
	}
	return c
}

// plainClasses describes the classes as they are declared.
func plainClasses(classes []Class) []cli.Class {
	all := make([]cli.Class, 0, len(classes))
	for _, class := range classes {
		all = append(all, plainClass(class.spec(), &class.spec().root))
	}
	return all
}

// liveClasses describes the classes as a run with this configuration has them.
func liveClasses(cfg Config, classes []Class) ([]cli.Class, error) {
	specs := make([]*classSpec, 0, len(classes))
	for _, class := range classes {
		specs = append(specs, class.spec())
	}
	live, err := selectClasses(specs, cfg.withDefaults())
	if err == nil && len(live) == 0 {
		err = fmt.Errorf("%w: no user class with a weight or a fixed count", ErrConfig)
	}
	all := make([]cli.Class, 0, len(live))
	for _, c := range live {
		all = append(all, plainClass(c.classSpec, c.tasks.Load()))
	}
	return all, err
}

func plainClass(s *classSpec, tasks *setSpec) cli.Class {
	c := cli.Class{Name: s.name, Weight: s.weight, FixedCount: s.fixedCount, Host: s.host, Fault: s.root.validate()}
	if c.Fault == nil { // else a set may stand in itself
		c.Tasks = plainSet(tasks)
	}
	return c
}

func plainSet(s *setSpec) cli.Set {
	orders := map[order]cli.Order{orderRandom: cli.Random, orderSequential: cli.Sequential, orderMarkov: cli.Markov}
	set := cli.Set{Order: orders[s.order], Transitions: s.transitions, Waits: s.wait.next != nil, Wait: s.wait.python}
	for _, t := range s.tasks {
		task := cli.Task{Name: t.name, Weight: t.weight, Tags: t.tags}
		if t.set != nil {
			inner := plainSet(t.set)
			task.Set = &inner
		}
		set.Tasks = append(set.Tasks, task)
	}
	return set
}

// masterExpected is how long a program waits for its master before it says so: one that
// is there answers within milliseconds.
const masterExpected = 500 * time.Millisecond

// warnOfWaiting says once whom the worker waits for, unless a master takes it in
// soon or ctx ends.
func (w *Worker) warnOfWaiting(ctx context.Context) {
	timer := time.NewTimer(masterExpected)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	if w.Snapshot().Link == LinkRegistered {
		return
	}
	w.cfg.Logger.Warn(fmt.Sprintf("waiting for a Locust master at %s. Start one with the locustfile that the command `stub` prints "+
		"(locust --master -f locustfile.py), name another one with --master-host and --master-port, or run without a master: "+
		"--headless --users 10 --spawn-rate 1",
		net.JoinHostPort(w.cfg.MasterHost, strconv.Itoa(w.cfg.MasterPort))))
}

// subcommands are the commands as the command line takes them.
func subcommands(all []Command) []cli.Subcommand {
	commands := make([]cli.Subcommand, 0, len(all))
	for _, c := range all {
		commands = append(commands, cli.Subcommand(c))
	}
	return commands
}

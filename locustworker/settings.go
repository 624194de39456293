package locustworker

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/cmdline"
)

// readyDelayVariable sets Config.ReadyDelay in whole seconds; there is no option.
const readyDelayVariable = "LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"

// settings are what the command line, the environment and the configuration
// files say.
type settings struct {
	config      Config
	final       string // --help or --version
	list        bool
	ratio       bool
	ratioJSON   bool
	master      bool
	users       int
	processes   int
	exitOnError int
	logLevel    slog.Level
	logFile     string
	logChosen   bool // a level or a file was asked for

	odd         []string // settings of --config-users without a meaning here
	ignored     []string // options of the command line without a meaning here
	unseen      []string // such options of the environment and of files
	unsupported []string // options that a Python worker obeys
	unknownKeys []string // keys of files that are no options

	readFile func(name string) ([]byte, error)
}

// settings reads the command line, the environment and the configuration files.
// An error is the user's fault.
func (c *command) settings(base Config) (*settings, error) {
	s := &settings{config: base, exitOnError: exitError, logLevel: slog.LevelInfo, readFile: c.readFile}
	all := options()
	table := make(cmdline.Table, 0, len(all))
	for _, o := range all {
		table = append(table, o.Option)
	}
	parsed, err := table.Parse(cmdline.Input{
		Args:       c.args[1:],
		LookupEnv:  c.lookupEnv,
		Files:      []string{"~/.locust.conf", "locust.conf", "pyproject.toml"},
		FileOption: "--config",
		ReadFile:   c.readFile,
	})
	if err != nil {
		return nil, err
	}
	if s.final = parsed.Final; s.final != "" {
		return s, nil
	}
	for _, o := range all {
		if err := s.take(o, parsed); err != nil {
			return nil, err
		}
	}
	s.unknownKeys = parsed.UnknownKeys
	if err := s.takeRest(c, parsed); err != nil {
		return nil, err
	}
	if err := s.config.Validate(); err != nil {
		return nil, err
	}
	s.config.MetricsAddr, err = childAddress(s.config.MetricsAddr, c.childNumber())
	return s, err
}

// take hands an option its values.
func (s *settings) take(o option, parsed *cmdline.Parsed) error {
	v, set := parsed.Setting(o.Name())
	if !set {
		return nil
	}
	if err := o.take(s, v); err != nil {
		return fmt.Errorf("%s: %w", v.Origin, err)
	}
	switch {
	case o.meaning == unsupported && v.On:
		s.unsupported = append(s.unsupported, o.Name())
	case o.meaning == meaningless && v.Source == cmdline.CommandLine,
		o.Name() == "--users" && v.Source == cmdline.CommandLine && !s.ratio && !s.ratioJSON:
		s.ignored = append(s.ignored, o.Name())
	case o.meaning == meaningless:
		s.unseen = append(s.unseen, v.Origin)
	}
	return nil
}

// takeRest takes the class names and the variables that are no options.
func (s *settings) takeRest(c *command, parsed *cmdline.Parsed) error {
	names := parsed.Arguments
	if len(names) == 0 {
		text, _ := c.lookupEnv("LOCUST_USER_CLASSES")
		names = strings.Fields(text)
	}
	if len(names) > 0 {
		s.config.UserClasses = names
	}
	text, set := c.lookupEnv(readyDelayVariable)
	if !set {
		return nil
	}
	delay, err := cmdline.ParseInt(text)
	if err != nil {
		return fmt.Errorf("environment variable %s: %w", readyDelayVariable, err)
	}
	s.config.ReadyDelay = time.Duration(delay) * time.Second
	return nil
}

// warn says what was given and does nothing.
func (s *settings) warn(log *slog.Logger) {
	if len(s.ignored) > 0 {
		log.Warn("options without a meaning for a Go worker are ignored: " + strings.Join(s.ignored, ", "))
	}
	if len(s.unsupported) > 0 {
		log.Warn("a Python worker obeys these options, this one does not: " + strings.Join(s.unsupported, ", "))
	}
	if len(s.unknownKeys) > 0 {
		log.Warn("configuration files set what is no option of Locust; the master sends custom arguments: " + strings.Join(s.unknownKeys, ", "))
	}
	if len(s.odd) > 0 {
		log.Warn("--config-users sets what a Go class does not have: " + strings.Join(s.odd, ", "))
	}
	if len(s.unseen) > 0 {
		log.Debug("settings without a meaning for a Go worker: " + strings.Join(s.unseen, ", "))
	}
}

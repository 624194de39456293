package cli

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// readyDelayVariable sets Settings.ReadyDelay in whole seconds; there is no option.
const readyDelayVariable = "LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"

// Settings are what a command line, the environment and configuration files ask
// of a run. The zero value of a field means that nothing was said, unless noted.
type Settings struct {
	MasterHost       string
	MasterPort       int
	MasterTimeout    time.Duration
	QuitOnMasterLoss bool
	ReadyDelay       time.Duration
	MetricsAddr      string

	Host              string
	UserClasses       []string
	UserSettings      []UserSettings
	Tags, ExcludeTags []string
	EqualWeights      bool

	StopTimeout   time.Duration
	DrainTimeout  time.Duration // negative: none
	ResetStats    bool
	LocustBuckets bool
	LatencyFrom   string
	MaxRPS        float64
	Seed          uint64

	// HideLogs is --skip-log-setup.
	HideLogs bool
	// OTel is --otel.
	OTel bool
	// Profile is --profile.
	Profile string
	// Program is the program's name.
	Program string
	// Users is --users.
	Users int
	// Headless is a run without a master, and what it leaves.
	Headless Headless
	// ExitCodeOnError is --exit-code-on-error; without it 1.
	ExitCodeOnError int
}

// UserSettings change a class before the first run (--config-users). nil leaves
// what the class declares.
type UserSettings struct {
	Class              string
	Host               *string
	Weight, FixedCount *int
	Tasks              []string
}

// Headless says how to run without a master. The zero value of a field means that
// nothing was said, unless noted.
type Headless struct {
	// On is --headless without --worker.
	On bool
	// Annotations says that the output is a job's of GitHub Actions.
	Annotations bool

	SpawnRate        float64
	RunTime          time.Duration
	Shape            string
	OnlySummary      bool
	Thresholds       []string
	AbortOnThreshold bool

	CSV        string // prefix of the files
	CSVHistory bool   // --csv-full-history
	JSON       bool
	JSONFile   string
	HTML       string
	JUnit      string
}

// An invocation is the settings, and what the command line itself has to obey.
type invocation struct {
	Settings

	final     string // --help or --version
	list      bool
	ratio     bool
	ratioJSON bool
	master    bool
	worker    bool
	processes int
	logLevel  slog.Level
	logFile   string
	logChosen bool // a level or a file was asked for

	odd         []string // settings of --config-users without a meaning here
	ignored     []string // options of the command line without a meaning here
	alone       []string // such options that have a meaning without a master
	unseen      []string // such options of the environment and of files
	unknownKeys []string // keys of files that are no options

	readFile func(name string) ([]byte, error)
}

// read reads the command line, the environment and the configuration files over
// the program's defaults. An error is the user's fault.
func (c *Command) read() (*invocation, error) {
	in := &invocation{Settings: c.Defaults, logLevel: slog.LevelInfo, readFile: c.ReadFile}
	in.ExitCodeOnError = ExitError
	all := options()
	table := make(Table, 0, len(all))
	for _, o := range all {
		table = append(table, o.Option)
	}
	parsed, err := table.Parse(Input{
		Args:       c.Args[1:],
		LookupEnv:  c.LookupEnv,
		Files:      []string{"~/.locust.conf", "locust.conf", "pyproject.toml"},
		FileOption: "--config",
		ReadFile:   c.ReadFile,
	})
	if err != nil {
		return nil, err
	}
	if in.final = parsed.Final; in.final != "" {
		return in, nil
	}
	for _, o := range all {
		if err := in.take(o, parsed); err != nil {
			return nil, err
		}
	}
	in.unknownKeys = parsed.UnknownKeys
	in.Headless.On = in.Headless.On && !in.worker
	_, in.Headless.Annotations = c.LookupEnv("GITHUB_ACTIONS")
	if err := in.takeRest(c, parsed); err != nil {
		return nil, err
	}
	if err := c.Check(in.Settings); err != nil {
		return nil, err
	}
	in.MetricsAddr, err = childAddress(in.MetricsAddr, c.childNumber())
	return in, err
}

// take hands an option its values.
func (in *invocation) take(o option, parsed *Parsed) error {
	v, set := parsed.Setting(o.Name())
	if !set {
		return nil
	}
	if err := o.take(in, v); err != nil {
		return fmt.Errorf("%s: %w", v.Origin, err)
	}
	switch {
	case o.meaning == headlessOnly && v.Source == CommandLine:
		in.alone = append(in.alone, o.Name())
	case o.meaning == meaningless && v.Source == CommandLine:
		in.ignored = append(in.ignored, o.Name())
	case o.meaning == meaningless:
		in.unseen = append(in.unseen, v.Origin)
	}
	return nil
}

// takeRest takes the class names and the variables that are no options.
func (in *invocation) takeRest(c *Command, parsed *Parsed) error {
	names := parsed.Arguments
	if len(names) == 0 {
		text, _ := c.LookupEnv("LOCUST_USER_CLASSES")
		names = strings.Fields(text)
	}
	if len(names) > 0 {
		in.UserClasses = names
	}
	text, set := c.LookupEnv(readyDelayVariable)
	if !set {
		return nil
	}
	delay, err := ParseInt(text)
	if err != nil {
		return fmt.Errorf("environment variable %s: %w", readyDelayVariable, err)
	}
	in.ReadyDelay = time.Duration(delay) * time.Second
	return nil
}

// warn says what was given and does nothing.
func (in *invocation) warn(log *slog.Logger) {
	if len(in.alone) > 0 && !in.Headless.On {
		log.Warn("options without a meaning for a worker are ignored, as there is no --headless: " + strings.Join(in.alone, ", "))
	}
	if len(in.ignored) > 0 {
		log.Warn("options without a meaning for a Go program are ignored: " + strings.Join(in.ignored, ", "))
	}
	if len(in.unknownKeys) > 0 {
		log.Warn("configuration files set what is no option of Locust; the master sends custom arguments: " + strings.Join(in.unknownKeys, ", "))
	}
	if len(in.odd) > 0 {
		log.Warn("--config-users sets what a Go class does not have: " + strings.Join(in.odd, ", "))
	}
	if len(in.unseen) > 0 {
		log.Debug("settings without a meaning for a Go worker: " + strings.Join(in.unseen, ", "))
	}
}

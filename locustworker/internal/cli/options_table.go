package cli

import "slices"

// An option is one option of the command line: how it is written, what it does
// and what --help says about it.
type option struct {
	Option
	metavar string // what stands for its value in --help
	help    string
	take    func(s *invocation, v Setting) error
	meaning meaning
}

// A meaning says what an option of Locust is to a Go worker.
type meaning int

const (
	// obeyed options do what Locust's do, or are our own.
	obeyed meaning = iota
	// meaningless options are the master's business, or Python's.
	meaningless
	// headlessOnly options are about a run without a master, and the master's
	// business otherwise.
	headlessOnly
)

// An optionGroup is options under one heading of --help.
type optionGroup struct {
	title   string
	options []option
}

// optionGroups returns all options.
func optionGroups() []optionGroup {
	return []optionGroup{
		{"Worker options", workerOptions()},
		{"Options of a run without a master", slices.Concat(headlessOptions(), thresholdOptions(), reportOptions())},
		{"Test options", append(taskOptions(), runOptions()...)},
		{"Logging options", logOptions()},
		{"OpenTelemetry options", telemetryOptions()},
		{"Other options", otherOptions()},
		{"Options of Locust without a meaning for a Go worker, accepted and ignored", meaninglessOptions()},
	}
}

func options() []option {
	var all []option
	for _, g := range optionGroups() {
		all = append(all, g.options...)
	}
	return all
}

func valueOption(names ...string) Option {
	return Option{Names: names, Kind: Value}
}

func flagOption(names ...string) Option {
	return Option{Names: names, Kind: Flag}
}

func listOption(names ...string) Option {
	return Option{Names: names, Kind: List}
}

// ownValue, ownFlag and ownEach are options that Locust has not. They must not make an
// abbreviation of one of Locust's ambiguous.
func ownValue(name, variable string) Option {
	return Option{Names: []string{name}, Env: variable, Kind: Value, Exact: true}
}

func ownFlag(name, variable string) Option {
	return Option{Names: []string{name}, Env: variable, Kind: Flag, Exact: true}
}

func ownEach(name, variable string) Option {
	return Option{Names: []string{name}, Env: variable, Kind: Each, Exact: true}
}

func workerOptions() []option {
	return []option{
		{
			Option: flagOption("--worker").In("LOCUST_MODE_WORKER"),
			help:   "Run as a worker of a master, with --headless too. It may be left out.",
			take:   setFlag(func(s *invocation) *bool { return &s.worker }),
		},
		{
			Option:  valueOption("--master-host").In("LOCUST_MASTER_NODE_HOST"),
			metavar: "<hostname>",
			help:    "Host name or address of the Locust master. Default 127.0.0.1.",
			take:    setText(func(s *invocation) *string { return &s.MasterHost }),
		},
		{
			Option:  valueOption("--master-port").In("LOCUST_MASTER_NODE_PORT"),
			metavar: "<port number>",
			help:    "Port of the Locust master. Default 5557.",
			take:    setPort,
		},
		{
			Option:  ownValue("--master-timeout", "LOCUSTWORKER_MASTER_TIMEOUT"),
			metavar: "<time>",
			help:    "Users stop when no master was seen for so long, and start again when one asks. Default 1m.",
			take:    setMasterTimeout,
		},
		{
			Option: ownFlag("--quit-on-master-loss", "LOCUSTWORKER_QUIT_ON_MASTER_LOSS"),
			help: "End when no master is found for 5 minutes at the start, or was not heard of for the master timeout later, " +
				"as a Python worker does. Default: try for ever.",
			take: setFlag(func(s *invocation) *bool { return &s.QuitOnMasterLoss }),
		},
		{
			Option:  ownValue("--metrics-addr", "LOCUST_METRICS_ADDR"),
			metavar: "<host:port>",
			help: "Serve the worker's own metrics for Prometheus here, under /metrics; :9646 listens on all addresses, port 0 takes a free one " +
				"that the log names. Of --processes the first has this port, each other the next. Default: none.",
			take: setText(func(s *invocation) *string { return &s.MetricsAddr }),
		},
		{
			Option:  valueOption("--processes").In("LOCUST_PROCESSES"),
			metavar: "<int>",
			help: "Run so many worker processes, -1 for one on each core, and wait for them. One Go worker uses all cores by itself, " +
				"so this is for command lines that have it.",
			take: setInt(func(s *invocation) *int { return &s.processes }),
		},
		{
			Option: flagOption("--master").In("LOCUST_MODE_MASTER"),
			help:   "An error: the master is `locust --master`, with the locustfile that the command `stub` prints.",
			take:   setFlag(func(s *invocation) *bool { return &s.master }),
		},
	}
}

// taskOptions are about what users do.
func taskOptions() []option {
	return []option{
		{
			Option:  valueOption("-H", "--host").In("LOCUST_HOST"),
			metavar: "<base url>",
			help:    "Base URL of the system under test, until a master names one.",
			take:    setText(func(s *invocation) *string { return &s.Host }),
		},
		{
			Option:  listOption("-T", "--tags").In("LOCUST_TAGS"),
			metavar: "<tag>",
			help:    "Run only tasks with one of these tags, unless the master names its own.",
			take:    setList(func(s *invocation) *[]string { return &s.Tags }),
		},
		{
			Option:  listOption("-E", "--exclude-tags").In("LOCUST_EXCLUDE_TAGS"),
			metavar: "<tag>",
			help:    "Run only tasks with none of these tags, unless the master names its own.",
			take:    setList(func(s *invocation) *[]string { return &s.ExcludeTags }),
		},
		{
			Option:  listOption("--config-users").In("LOCUST_CONFIG_USERS"),
			metavar: "<json>",
			help: "Change classes before the first run: JSON objects, arrays of them or .json files with user_class_name and any of " +
				"host, weight, fixed_count and tasks.",
			take: (*invocation).takeConfigUsers,
		},
		{
			Option: flagOption("--equal-weights"),
			help: "Pick each task as often as any other, those of nested task sets too. To be set on the master too, for the weights of " +
				"classes.",
			take: setFlag(func(s *invocation) *bool { return &s.EqualWeights }),
		},
	}
}

// runOptions are about times and figures of a run.
func runOptions() []option {
	return []option{
		{
			Option:  valueOption("-s", "--stop-timeout").In("LOCUST_STOP_TIMEOUT"),
			metavar: "<time>",
			help:    "Time that running tasks get to finish after a stop, as 20, 20s, 3m or 1h20m, until the master says otherwise. Default 0.",
			take:    setStopTimeout,
		},
		{
			Option:  ownValue("--drain-timeout", "LOCUSTWORKER_DRAIN_TIMEOUT"),
			metavar: "<time>",
			help: "Time that requests in flight at a stop get to come back and be counted, beyond the stop timeout, as 2, 500ms or 1m. " +
				"Default 1s; 0 cuts them, as in a Python worker.",
			take: setDrainTimeout,
		},
		{
			Option: flagOption("--reset-stats").In("LOCUST_RESET_STATS"),
			help:   "Discard what was recorded when all users are spawned. To be set on the master too.",
			take:   setFlag(func(s *invocation) *bool { return &s.ResetStats }),
		},
		{
			Option: ownFlag("--locust-buckets", "LOCUSTWORKER_LOCUST_BUCKETS"),
			help:   "Round response times below 100 ms to whole milliseconds, as Locust does. Default: finer.",
			take:   setFlag(func(s *invocation) *bool { return &s.LocustBuckets }),
		},
		{
			Option:  ownValue("--latency-from", "LOCUSTWORKER_LATENCY_FROM"),
			metavar: "<start>",
			help: "What response times count from in classes with arrivals: intended, when the request was to be sent, or sent. " +
				"Default intended.",
			take: setText(func(s *invocation) *string { return &s.LatencyFrom }),
		},
		{
			Option:  ownValue("--max-rps", "LOCUSTWORKER_MAX_RPS"),
			metavar: "<float>",
			help: "The most tasks that the users of this worker start in a second, all together and evenly spaced; a task that makes one " +
				"request is one request. Classes with arrivals are not limited. Default 0: no limit.",
			take: setMaxRPS,
		},
		{
			Option:  ownValue("--seed", "LOCUSTWORKER_SEED"),
			metavar: "<int>",
			help:    "Seed of the users' random numbers. Default 0: another one each time.",
			take:    setSeed,
		},
	}
}

func logOptions() []option {
	return []option{
		{
			Option:  valueOption("-L", "--loglevel").In("LOCUST_LOGLEVEL"),
			metavar: "<level>",
			help:    "DEBUG, INFO, WARNING, ERROR or CRITICAL. Default INFO.",
			take:    setLogLevel,
		},
		{
			Option:  valueOption("--logfile").In("LOCUST_LOGFILE"),
			metavar: "<filename>",
			help:    "Append the log to this file. Default: standard error.",
			take:    setLogFile,
		},
		{
			Option: flagOption("--skip-log-setup").In("LOCUST_SKIP_LOG_SETUP"),
			help:   "Leave the log to the program, and do not send it to the master.",
			take:   setFlag(func(s *invocation) *bool { return &s.HideLogs }),
		},
	}
}

func telemetryOptions() []option {
	return []option{
		{
			Option: flagOption("--otel").In("LOCUST_ENABLE_OPENTELEMETRY"),
			help: "Export metrics and the log by OpenTelemetry, and with OTEL_TRACES_EXPORTER=otlp a span for each request; " +
				"OTEL_EXPORTER_OTLP_ENDPOINT and the other standard variables say where to.",
			take: setFlag(func(s *invocation) *bool { return &s.OTel }),
		},
		{
			Option:  valueOption("--profile"),
			metavar: "<profile>",
			help:    "A name that groups runs: the resource attribute profile of what --otel exports.",
			take:    setText(func(s *invocation) *string { return &s.Profile }),
		},
	}
}

func otherOptions() []option {
	return []option{
		{Option: Option{Names: []string{"-h", "--help"}, Kind: Final}, help: "Show this and exit."},
		{Option: Option{Names: []string{"-V", "--version"}, Kind: Final}, help: "Show the version and exit."},
		{
			Option: flagOption("-l", "--list"),
			help:   "List the user classes and exit.",
			take:   setFlag(func(s *invocation) *bool { return &s.list }),
		},
		{
			Option: flagOption("--show-task-ratio"),
			help:   "Print how often each task runs and exit.",
			take:   setFlag(func(s *invocation) *bool { return &s.ratio }),
		},
		{
			Option: flagOption("--show-task-ratio-json"),
			help:   "Print the same as JSON and exit.",
			take:   setFlag(func(s *invocation) *bool { return &s.ratioJSON }),
		},
		{
			Option:  valueOption("--exit-code-on-error").In("LOCUST_EXIT_CODE_ON_ERROR"),
			metavar: "<int>",
			help:    "Exit code of a run without a master with failures or exceptions; of a worker, when it recorded failures that no report has delivered. Default 1.",
			take:    setInt(func(s *invocation) *int { return &s.ExitCodeOnError }),
		},
		{
			Option:  valueOption("--config"),
			metavar: "<filename>",
			help:    "Read options from this file too, before pyproject.toml, locust.conf and ~/.locust.conf.",
			take:    nothing,
		},
	}
}

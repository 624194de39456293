package locustworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// Defaults of Config.
const (
	defaultMasterHost    = "127.0.0.1"
	defaultMasterPort    = 5557
	defaultDrainTimeout  = time.Second
	defaultMasterTimeout = time.Minute
)

// A Config says how a worker meets its master. The zero value is a worker of a
// master on this machine with every default.
type Config struct {
	// MasterHost is the master's host name or address, resolved anew at each
	// connection. Default 127.0.0.1 (Locust's --master-host).
	MasterHost string
	// MasterPort is the master's port. Default 5557 (Locust's --master-port).
	MasterPort int
	// Host is the base URL of the system under test until the master names one
	// (Locust's --host).
	Host string
	// StopTimeout is how long running tasks may go on after a stop until the
	// master's first spawn says otherwise. Default 0 (Locust's --stop-timeout).
	StopTimeout time.Duration
	// DrainTimeout is how long requests in flight may take to come back after
	// their user was stopped, beyond the stop timeout, so that they are counted.
	// Default 1 s; negative means none, as in a Python worker.
	DrainTimeout time.Duration
	// MasterTimeout is how long users go on running while no master is seen.
	// Default 60 s (Locust's MASTER_HEARTBEAT_TIMEOUT).
	MasterTimeout time.Duration
	// QuitOnMasterLoss ends the worker with ErrMasterLost when it finds no master
	// for CONNECT_RETRY_COUNT times CONNECT_TIMEOUT at the start (ErrNoMaster), or
	// hears nothing for MasterTimeout later, as a Python worker does. Default
	// false: it tries for ever.
	QuitOnMasterLoss bool
	// ReadyDelay is waited between client_stopped and client_ready, on top of the
	// stop timeout (LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP).
	ReadyDelay time.Duration
	// UserClasses restricts the worker to the classes of these names. Default:
	// all (Locust's class names as arguments).
	UserClasses []string
	// OtherClasses serves the classes that the master asks for and that are not among
	// those given to New, each under the name that the master uses (User.ClassName),
	// with users of its own. So the master needs no locustfile made for this worker. As
	// the tasks that the locustfile gives such a class are not those of this one,
	// tags and edits of the master select none of them. A run without a master has no
	// use for it. Default nil: users of such a class are an exception.
	OtherClasses Class
	// UserSettings change classes before the first run (Locust's --config-users).
	UserSettings []UserSettings
	// Tags and ExcludeTags select tasks, unless the master names its own
	// (Locust's --tags and --exclude-tags).
	Tags, ExcludeTags []string
	// EqualWeights makes a user pick each of its tasks as often as any other, those
	// of nested sets too: they stand beside the class's own, with the state of
	// their set but without its order, wait time, OnStart and OnStop. The weights of
	// classes are the master's business (Locust's --equal-weights).
	EqualWeights bool
	// ResetStats drops what was recorded when the master says that all users are
	// spawned (Locust's --reset-stats).
	ResetStats bool
	// HideLogs keeps the worker's log out of the web UI (Locust's
	// --skip-log-setup).
	HideLogs bool
	// Events are called at the turns of a test.
	Events Events
	// Messages are the custom messages that the worker takes from the master, by
	// type.
	Messages map[string]MessageHandler
	// OtherMessages takes the custom messages of all types that Messages does not
	// have. Default: they are logged and dropped.
	OtherMessages MessageHandler
	// LocustBuckets rounds all response times as Locust does, to 1 ms below
	// 100 ms. Default false: finer below 100 ms.
	LocustBuckets bool
	// LatencyFrom is what response times count from in classes with arrivals. Default
	// FromIntended (--latency-from).
	LatencyFrom LatencyFrom
	// MaxRPS is the most tasks that users of closed classes start in a second on this
	// worker, all together, evenly spaced. Users that have to wait for their turn get
	// it in the order in which they asked, and then run the task that they pick. It
	// limits tasks, whatever number of requests they make; OnStart, OnStop and classes
	// with arrivals are not limited. Default 0: no limit (--max-rps).
	MaxRPS float64
	// MaxRPSArgument is the name of a custom argument whose value is the same limit for
	// all workers together, so that it can be set on the master's command line and in
	// its web UI. A worker takes its part: one of Environment.WorkerCount, or if the
	// master does not tell that, as many of the users as it has. A change counts from
	// the next change of the number of users. Of this limit and MaxRPS the lower one
	// counts. Default "": none.
	MaxRPSArgument string
	// ExactErrors keeps the texts of all errors in the failures table as they are,
	// cut to 512 bytes. Default false: addresses, ports and ids in errors of the
	// network are replaced: see NetworkError.
	ExactErrors bool
	// MaxRows is how many rows of the statistics, each a Type and a Name of samples,
	// the worker keeps apart in a run. The first keep their place; all others share
	// the row "other", and a warning in the log names the first of them. Names that
	// hold ids would otherwise fill the memory of worker and master. Default 10,000.
	MaxRows int
	// MaxErrors is the same for the rows of the failures table, each a Type, a Name
	// and the text of an error. Those beyond share one row for each Type and Name.
	// Default 500, as many as the web UI shows.
	MaxErrors int
	// MaxUsers is how many users the worker runs at most. A spawn message that asks for
	// more is refused as a whole: the users stay as they are, and the error is in the
	// log and among the master's exceptions. Default 1,000,000. A run without a master
	// has no limit.
	MaxUsers int
	// Seed seeds the users' random numbers, together with the index that the master
	// has given the worker. 0 draws one.
	Seed uint64
	// MetricsAddr is the host:port on which ServeMetrics shows the worker's figures
	// while Run runs. Without a host it listens on all addresses; port 0 takes a
	// free one, which the log names. Default: none (--metrics-addr).
	MetricsAddr string
	// ServeMetrics serves the figures on MetricsAddr: promworker.Serve, or a function
	// of your own. Default nil: there must be no MetricsAddr.
	ServeMetrics MetricsServer
	// Telemetry starts the export that --otel asks for: otelworker.Start. Only Main
	// and MainConfig use it. Default nil: --otel is an error in the log.
	Telemetry TelemetryStart
	// Tracer follows requests on their way. Default nil: nothing does.
	Tracer RequestTracer
	// Version is what --version shows. Default: the version of the program's
	// module, as far as the build knows it.
	Version string
	// ChooseClasses returns the names of the classes of a run without a master for
	// which UserClasses names none; tags are those of Tags. Default: all classes. A
	// master chooses itself.
	ChooseClasses func(tags []string) []string
	// Shapes are load shapes that --shape chooses from, by name, for runs without a
	// master.
	Shapes map[string]LoadShape
	// Commands are the program's own commands, which Main runs.
	Commands []Command
	// Logger gets the worker's log. Default slog.Default().
	Logger *slog.Logger
}

// Validate returns every fault of the configuration, joined and wrapping
// ErrConfig, or nil.
func (c Config) Validate() error {
	var faults []error
	if c.MasterPort < 0 || c.MasterPort > 65535 {
		faults = append(faults, fmt.Errorf("master port %d is not between 1 and 65535", c.MasterPort))
	}
	if c.StopTimeout < 0 {
		faults = append(faults, fmt.Errorf("stop timeout %v is negative", c.StopTimeout))
	}
	if c.MaxRows < 0 || c.MaxErrors < 0 {
		faults = append(faults, fmt.Errorf("limit of %d rows and %d errors; neither may be negative", c.MaxRows, c.MaxErrors))
	}
	if c.MaxUsers < 0 {
		faults = append(faults, fmt.Errorf("limit of %d users is negative", c.MaxUsers))
	}
	if c.ReadyDelay < 0 {
		faults = append(faults, fmt.Errorf("delay before client_ready %v is negative", c.ReadyDelay))
	}
	for name := range c.Messages {
		if _, err := wire.Encode("check", wire.Custom{Type: name}); err != nil {
			faults = append(faults, fmt.Errorf("message type %q: %w", name, err))
		}
	}
	if err := c.LatencyFrom.validate(); err != nil {
		faults = append(faults, err)
	}
	if err := validateMaxRPS(c.MaxRPS); err != nil {
		faults = append(faults, err)
	}
	if err := c.validateMetrics(); err != nil {
		faults = append(faults, err)
	}
	if c.MasterTimeout < 0 {
		faults = append(faults, fmt.Errorf("master timeout %v is negative", c.MasterTimeout))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}

// handler returns what takes custom messages of a type.
func (c *Config) handler(messageType string) (h MessageHandler, ok bool) {
	h, ok = c.Messages[messageType]
	if !ok {
		h = c.OtherMessages
	}
	return h, h.Handle != nil
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	if c.MasterHost == "" {
		c.MasterHost = defaultMasterHost
	}
	if c.MasterPort == 0 {
		c.MasterPort = defaultMasterPort
	}
	switch {
	case c.DrainTimeout == 0:
		c.DrainTimeout = defaultDrainTimeout
	case c.DrainTimeout < 0:
		c.DrainTimeout = 0
	}
	if c.MasterTimeout == 0 {
		c.MasterTimeout = defaultMasterTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

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

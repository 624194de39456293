package session

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// A Config is what a session needs. All fields are required, except where noted.
type Config struct {
	Log *slog.Logger
	// Link says where the master is. The session sets the functions.
	Link   uplink.Config
	Fleet  Fleet
	Events Events
	Store  Store
	// LogBook is the worker's log for the web UI; nil: none is sent.
	LogBook LogBook
	// Usage measures what the process uses, if the system tells. It takes no time.
	Usage func() (cpuPercent float64, memoryBytes uint64, ok bool)
	// Refused reports that the worker does not do what its master asks for. what is the
	// kind, of which there are few. It does not block.
	Refused func(what, text string)
	// Figures are kept up to date while the session runs.
	Figures *Figures
	// NewUplink makes the link. Default: uplink.New.
	NewUplink func(uplink.Config) Uplink

	StopTimeout      time.Duration // until the master's first spawn says otherwise
	DrainTimeout     time.Duration // what killed users may take beyond it
	MasterTimeout    time.Duration // how long users go on without a master
	ReadyDelay       time.Duration // before client_ready, beside the stop timeout
	QuitOnMasterLoss bool
	MaxUsers         int  // of all classes; 0: DefaultMaxUsers
	ResetStats       bool // discard what was recorded when all users are spawned
}

// A Fleet is the users of a worker. Its methods are safe for concurrent use; only
// Spawn and StopAll block.
type Fleet interface {
	// BeginRun makes the classes ready for a new run, with the master's options.
	BeginRun(options map[string]any)
	// Configure takes what the master says of a run at each spawn, before Counts and
	// Spawn.
	Configure(m wire.Spawn)
	// Update edits a class.
	Update(m wire.UpdateUserClass)
	// Spawn brings each class that target names to its number of users and returns
	// when the surplus is gone or ctx ends. It starts no user after that.
	Spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration)
	// StopAll stops all users and returns when they are gone. Users that are
	// stopping already get no more time than the others.
	StopAll(stopTimeout time.Duration)
	// Counts returns the users alive of each class, and their sum.
	Counts() (byClass map[string]int, sum int)
}

// Events are what the author of a test has to say. The methods may block, and are
// never called in the session's goroutine; TestStart to TestStop of a run come one
// after the other.
type Events interface {
	TestStart(ctx context.Context)
	TestStopping()
	TestStop()
	Quitting()
	SpawningComplete(users int)
	Registered()
	HeartbeatReceived()
	Usage(cpuPercent float64, memoryBytes uint64)
	// AddsToReports says whether ReportToMaster does anything. It does not block.
	AddsToReports() bool
	// ReportToMaster returns what to add to a report, made by wire.EncodeExtra.
	ReportToMaster() map[string]any
	// Handler returns what to call for a custom message; ok is false when there is
	// nothing. A concurrent call does not wait for those before it. It does not
	// block.
	Handler(e wire.Envelope, m wire.Custom) (call func(), concurrent, ok bool)
	// Acked and Renamed tell how the master knows the worker. They do not block.
	Acked(index int)
	Renamed(identity string)
}

// A Store has the samples that were recorded and not reported.
type Store interface {
	Take() stats.Report
	Reset() int64
}

// A LogBook has the last lines of the log, and how many there ever were.
type LogBook interface {
	Lines() []string
	Total() int64
}

// An Uplink is the link to the master: see uplink.Uplink.
type Uplink interface {
	Start(ctx context.Context)
	Close()
	Wait()
	Check(now time.Time)

	Send(m wire.Outbound) error
	Beat()
	Report(r stats.Report, extra map[string]any)
	Quit() (written <-chan struct{})
	Discard() int64
	Rejoin()

	State() uplink.State
	Identity() string
	LastSign() time.Time
	Idle() bool
	Proven() bool
	Resumed() bool
	Confirmed() int64
	Open() (samples, failures int64)
}

// Figures are what a session shows of itself to other goroutines.
type Figures struct {
	Link      atomic.Int32 // an uplink.State
	Confirmed atomic.Int64 // samples proven to have arrived
	Discarded atomic.Int64 // samples of runs that were over before they could be delivered
}

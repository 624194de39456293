package wire

import "time"

// The message types of Locust's protocol. Types that are not listed here are
// custom messages.
const (
	TypeAck              = "ack"
	TypeClientReady      = "client_ready"
	TypeClientStopped    = "client_stopped"
	TypeException        = "exception"
	TypeHeartbeat        = "heartbeat"
	TypeLocustfile       = "locustfile"
	TypeLogs             = "logs"
	TypeQuit             = "quit"
	TypeReconnect        = "reconnect"
	TypeSpawn            = "spawn"
	TypeSpawning         = "spawning"
	TypeSpawningComplete = "spawning_complete"
	TypeStats            = "stats"
	TypeStop             = "stop"
	TypeUpdateUserClass  = "update_user_class"
)

// State is what a worker says about itself in its heartbeats. A master counts a
// worker in any other state as no worker at all (MasterRunner.check_stopped), so
// [Encode] refuses all but these three.
type State string

// The states that a worker may report.
const (
	StateReady    State = "ready"
	StateSpawning State = "spawning"
	StateRunning  State = "running"
)

// Outbound is a message from a worker to its master. The set is closed.
type Outbound interface {
	wireType() string
	encodeData(w *writer)
}

// ClientReady registers the worker; the master answers with [Ack].
type ClientReady struct {
	// Version is compared with the master's own; the first four characters
	// should agree with it or the master logs a warning. Empty sends the
	// integer -1, which every master since 2.0 accepts in silence.
	Version string
}

// Spawning answers every [Spawn], also one that will be discarded.
type Spawning struct{}

// SpawningComplete, from a worker, reports the users that it now has.
// From the master it says that the whole fleet is done: only UserCount is set.
type SpawningComplete struct {
	// UserClassesCount holds every class of the worker, zeros included.
	UserClassesCount map[string]int
	UserCount        int
}

// Heartbeat keeps the worker alive in the master's eyes; sent every second and
// answered with [HeartbeatReply] when the master knows the worker.
type Heartbeat struct {
	State State
	// CPUPercent is percent of one core; NaN and infinities are sent as 0.
	CPUPercent float64
	// MemoryBytes is the resident set size.
	MemoryBytes uint64
}

// Stats is a report of all samples since the report before.
type Stats struct {
	// Entries are the rows that had a request or a failure.
	Entries []Entry
	// Total is the sum of all samples. Its Name and Method are not looked at:
	// they go out as "Aggregated" and "".
	Total Entry
	// Errors is keyed by [ErrorKey].
	Errors           map[string]ErrorEntry
	UserClassesCount map[string]int
	UserCount        int
	// Extra are additions to the report (Locust's report_to_master event).
	// Values are as in [Custom]; a key that the report itself uses is refused.
	Extra map[string]any
}

// Entry is one row of a report: the samples of one name and method
// (StatsEntry in locust/stats.py).
type Entry struct {
	Name   string
	Method string
	// LastRequest is the wall clock at the last sample; zero if there was none.
	LastRequest time.Time
	// Start is the wall clock at which the entry was created or last reset.
	// It must be set: the master keeps the smallest it has seen.
	Start time.Time
	// Requests counts all samples, failed and untimed ones included.
	Requests int64
	// NoneRequests counts the samples without a response time.
	NoneRequests int64
	Failures     int64
	TotalTime    time.Duration
	Max          time.Duration
	// Min is valid when HasMin says that at least one sample was timed.
	Min           time.Duration
	HasMin        bool
	ContentLength int64
	// ResponseTimes counts samples by rounded response time in MICROSECONDS.
	// Whole milliseconds go out as the integer keys that Locust uses, others
	// as float milliseconds.
	ResponseTimes map[int64]int64
	// RequestsPerSec and FailuresPerSec are keyed by Unix second.
	RequestsPerSec map[int64]int64
	FailuresPerSec map[int64]int64
}

// ErrorEntry is one row of a report's errors (StatsError in locust/stats.py).
type ErrorEntry struct {
	Name   string
	Method string
	// Error is the text; the address in an "object at 0x…>" goes out as "0x....".
	Error       string
	Occurrences int64
	// FirstSeen and LastSeen are wall clock; zero if unknown.
	FirstSeen time.Time
	LastSeen  time.Time
}

// ClientStopped answers [Stop] when the last user is gone.
type ClientStopped struct{}

// Quit, in both directions, ends the worker.
type Quit struct{}

// Exception reports an uncaught error of a user. The master groups by
// Traceback alone, so it must not hold addresses or goroutine numbers.
type Exception struct {
	Message   string
	Traceback string
}

// Logs replaces the log lines that the master shows for the worker.
type Logs struct {
	WorkerID string
	Lines    []string
}

// Custom, in both directions, is a message of the user's own type.
//
// Data may be nil, a bool, a number, a string, a []byte, a [time.Time], or a
// slice, an array, a pointer to or a map of these; map keys are strings,
// bools or numbers. [Encode] refuses anything else, NaN and infinities, and a
// Type that the protocol itself uses.
//
// Decoded Data holds nil, bool, int64 (uint64 above its range), float64, string,
// []byte, time.Time, []any, map[string]any, and map[any]any for maps with
// a key that is no string.
type Custom struct {
	Type string
	Data any
}

func (ClientReady) wireType() string      { return TypeClientReady }
func (Spawning) wireType() string         { return TypeSpawning }
func (SpawningComplete) wireType() string { return TypeSpawningComplete }
func (Heartbeat) wireType() string        { return TypeHeartbeat }
func (Stats) wireType() string            { return TypeStats }
func (ClientStopped) wireType() string    { return TypeClientStopped }
func (Quit) wireType() string             { return TypeQuit }
func (Exception) wireType() string        { return TypeException }
func (Logs) wireType() string             { return TypeLogs }
func (c Custom) wireType() string         { return c.Type }

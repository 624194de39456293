package locustworker

import (
	"context"
	"slices"
	"time"
)

// Events are listeners: functions that a worker calls at the turns of a test, the
// counterparts of locust.events. Each may be nil; Add makes them several for an
// event. A panic or an error of one is logged and makes Run return ErrListener at
// the end, as a failing listener makes a Python worker exit with code 2; the other
// listeners of the event are called all the same, and the worker goes on.
//
// No event delays the conversation with the master; where a function's own
// goroutine matters, its comment says so.
type Events struct {
	// Init is called once, before the worker connects to the master.
	Init func(*Environment) error
	// Connected is called when a master has taken the worker in: at the start, and
	// again after a lost connection if the master has dropped the worker or is
	// another one.
	Connected func(*Environment) error
	// TestStart is called at the first spawn of a run, before any user starts.
	// Users start when it has returned, also with an error, which is an exception
	// on the master's page too; with ErrAbortRun the run is stopped instead. ctx ends
	// when the run is stopped first.
	TestStart func(ctx context.Context, env *Environment) error
	// Spawning is called before users are started or stopped, with the number of users
	// of each class that there shall be; during a ramp about once a second. They
	// start when it has returned.
	Spawning func(env *Environment, users map[string]int) error
	// TestStopping is called when a run is to be stopped, before its users are; when
	// the worker quits, while they are.
	TestStopping func(*Environment) error
	// TestStop is called when a run's last user is gone. What is recorded here
	// still belongs to the run.
	TestStop func(*Environment) error
	// SpawningComplete is called when the master says that the whole fleet runs
	// users users; without a master when all users of a stage run.
	SpawningComplete func(env *Environment, users int) error
	// ReportToMaster may add keys to the data of each report; the master hands
	// them to its worker_report listeners. Keys of Locust's own are refused. The
	// additions are encoded when it returns and belong to that report, also when it
	// has to be sent again. A report waits for it for a second, the last one for
	// 50 ms; what it adds later goes with the next report.
	ReportToMaster func(env *Environment, data map[string]any) error
	// HeartbeatReceived is called for every answer of the master to a heartbeat.
	HeartbeatReceived func(env *Environment, at time.Time) error
	// UsageMonitor is called with every reading of CPU (percent of the cores in
	// use) and resident memory (bytes).
	UsageMonitor func(env *Environment, cpuPercent float64, memoryBytes uint64) error
	// Request is called for every sample, in the goroutine that recorded it,
	// after it was counted.
	Request func(u *User, s Sample)
	// UserError is called for every uncaught error of a user's code, in the
	// user's goroutine; for a constructor that fails in the same way again, once a
	// run. trace is what goes to the master, for at most 200 errors a second.
	UserError func(u *User, err error, trace string)
	// Quitting is called when the worker begins to end, while its users stop and the
	// last report goes out. Run returns after it. Without a master it is called when
	// the users are gone and the figures are the last ones, before the run is judged.
	Quitting func(*Environment) error
	// Quit is called when the worker has ended.
	Quit func(env *Environment, counters Counters) error

	more []Events // what Add added
}

// Add adds the listeners of more to those of e. They are called after them, in the
// order of adding (add_listener of locust.events). Add before the events are given
// to a worker; it is not safe for concurrent use.
//
//	cfg.Events.Add(locustworker.Events{TestStart: logIn, TestStop: logOut})
func (e *Events) Add(more Events) {
	e.more = append(slices.Clip(e.more), more.all()...)
}

// all returns the sets of listeners, none of which has more.
func (e *Events) all() []Events {
	first := *e
	first.more = nil
	return append([]Events{first}, e.more...)
}

// A Message is a custom message.
type Message struct {
	// Type is what a handler is registered under.
	Type string
	// NodeID is the worker that the master addressed.
	NodeID string
	// Data is any payload: nil, bool, int64, uint64 above its range, float64,
	// string, []byte, time.Time, []any, map[string]any, or map[any]any for a map
	// with other keys.
	Data any
}

// A MessageHandler takes the custom messages of one type (register_message).
type MessageHandler struct {
	// Handle is called for each message. An error or a panic of it is logged. A
	// worker that ends waits 10 s for the handlers that run; then it logs the types
	// of their messages as an error and leaves them.
	Handle func(env *Environment, m Message) error
	// Concurrent calls Handle in a goroutine of its own for each message. By
	// default messages are handled one after the other, in the order of their
	// arrival, whatever their type, and users that the master asks for after a
	// message are not started before it was handled.
	Concurrent bool
}

// UserSettings change a class while the worker runs: what the master's
// update_user_class message carries and --config-users takes.
type UserSettings struct {
	// Class names the class.
	Class string
	// Host, if set, is the base URL of users that start from now on.
	Host *string
	// Weight and FixedCount, if set, change what the class declares.
	Weight, FixedCount *int
	// Tasks, if not nil, are the names of the tasks to keep, of those that the
	// class declares.
	Tasks []string
}

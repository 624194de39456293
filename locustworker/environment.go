package locustworker

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// An Environment is what events, message handlers and users see of their worker.
// Its methods are safe for concurrent use and do not block.
type Environment struct {
	log     *slog.Logger
	send    func(wire.Outbound)
	count   func() Counters
	index   atomic.Int64
	id      atomic.Pointer[string]
	options atomic.Pointer[Options]
}

// ClientID returns the name under which the master knows the worker. It changes
// only when the master refuses the old one after a broken connection.
func (e *Environment) ClientID() string { return *e.id.Load() }

// WorkerIndex returns the worker's number among the master's workers, counted
// from 0, or -1 before the master has given one: what to split data by.
func (e *Environment) WorkerIndex() int { return int(e.index.Load()) }

// Options returns the custom arguments of the run, as they were set on the
// master's command line and in its web UI. Never nil.
func (e *Environment) Options() *Options { return e.options.Load() }

// Logger returns the worker's log, which the web UI shows too.
func (e *Environment) Logger() *slog.Logger { return e.log }

// Counters returns what became of the samples so far.
func (e *Environment) Counters() Counters { return e.count() }

// SendMessage sends a custom message to the master (Runner.send_message). Data is
// nil, a bool, a number, a string, a []byte, a time.Time, or a slice, an array, a
// pointer to or a map of these. It goes out in order with everything else, and
// waits while there is no master; the error is about data that cannot be sent or
// a type of Locust's own.
func (e *Environment) SendMessage(messageType string, data any) error {
	m := wire.Custom{Type: messageType, Data: data}
	if _, err := wire.Encode(e.ClientID(), m); err != nil { // now, while there is somebody to tell
		return fmt.Errorf("locustworker: message %q: %w", messageType, err)
	}
	e.send(m)
	return nil
}

// Environment returns the worker's environment.
func (u *User) Environment() *Environment { return u.world.env }

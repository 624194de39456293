package locustworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/bandwing/bandwing/locustworker/internal/traceback"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// An Environment is what events, message handlers and users see of their worker.
// Its methods are safe for concurrent use and do not block.
type Environment struct {
	log       *slog.Logger
	send      func(wire.Outbound) error
	count     func() Counters
	quit      func(code int) // ends a run without a master; nil under one
	aborted   atomic.Bool    // ErrAbortRun was obeyed in this run
	users     func() int     // alive; nil under a master
	nobody    *User          // whose samples are those that no user made
	host      atomic.Pointer[string]
	index     atomic.Int64
	id        atomic.Pointer[string]
	arguments atomic.Pointer[Arguments]
}

// ClientID returns the name under which the master knows the worker. It changes
// only when the master refuses the old one after a broken connection.
func (e *Environment) ClientID() string { return *e.id.Load() }

// WorkerIndex returns the worker's number among the master's workers, counted
// from 0, or -1 before the master has given one: what to split data by, with
// WorkerCount. A worker keeps it when it comes back after a broken connection; one
// that is started in the place of another gets the next number.
func (e *Environment) WorkerIndex() int { return int(e.index.Load()) }

// WorkerCount returns how many workers the master expects, or 0 when it does not
// say so: a master tells its workers their number only by its --expect-workers
// (2 or more), with the first spawn of a run. Without that, take the number from a
// custom argument of your own. There may be more workers than that, whose index is
// then not below it.
//
//	workers := env.WorkerCount()
//	if workers == 0 {
//		return errors.New("start the master with --expect-workers, so that the accounts can be split")
//	}
//	for i := env.WorkerIndex() % workers; i < len(accounts); i += workers { … }
func (e *Environment) WorkerCount() int {
	n, err := Argument[int](e.Arguments(), "expect_workers")
	if err != nil || n < 2 { // 1 is the default, whatever the number is
		return 0
	}
	return n
}

// Arguments returns the custom arguments of the run, as they were set on the
// master's command line and in its web UI. Never nil.
func (e *Environment) Arguments() *Arguments { return e.arguments.Load() }

// setArguments takes the arguments of a run.
func (e *Environment) setArguments(values map[string]any) {
	e.arguments.Store(&Arguments{values: values, log: e.log})
}

// Headless reports whether the run has no master.
func (e *Environment) Headless() bool { return e.quit != nil }

// alive returns how many users are alive in a run without a master.
func (e *Environment) alive() int { return e.users() }

// Host returns the base URL of the system under test that was asked for: by the
// master, or with --host; "" when users have that of their class.
func (e *Environment) Host() string {
	if host := e.host.Load(); host != nil {
		return *host
	}
	return ""
}

// setHost sets the host; "" changes nothing.
func (e *Environment) setHost(host string) {
	if host != "" {
		e.host.Store(&host)
	}
}

// Record adds a request that no user made, such as one of an event at the start of
// a run, as User.Record does. Listeners get a user without a class, whose ID is 0.
func (e *Environment) Record(s Sample) { e.nobody.Record(s) }

// Logger returns the worker's log, which the web UI shows too.
func (e *Environment) Logger() *slog.Logger { return e.log }

// Counters returns what became of the samples so far.
func (e *Environment) Counters() Counters { return e.count() }

// SendMessage sends a custom message to the master (Runner.send_message). Data is
// nil, a bool, a number, a string, a []byte, a time.Time, or a slice, an array, a
// pointer to or a map of these. It is encoded now: what the caller does to it later
// changes nothing. It goes out in order with everything else, and waits while there
// is no master that reads.
//
// The error wraps ErrQueueFull when 64 MiB of messages wait already: try again
// later or do without. It wraps ErrMessageTooLong for a message of 64 MiB and more;
// other errors are about data that cannot be sent or a type of Locust's own.
func (e *Environment) SendMessage(messageType string, data any) error {
	err := e.send(wire.Custom{Type: messageType, Data: data})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, uplink.ErrFull):
		err = fmt.Errorf("%w: %w", ErrQueueFull, err)
	case errors.Is(err, uplink.ErrTooLong):
		err = fmt.Errorf("%w: %w", ErrMessageTooLong, err)
	}
	return fmt.Errorf("locustworker: message %q: %w", messageType, err)
}

// Environment returns the worker's environment.
func (u *User) Environment() *Environment { return u.world.env }

// Types of the messages that ask the master for what a stock one has no message
// for. The locustfile that the command stub prints listens for them; another one
// imports master/go_workers.py or has its like.
const (
	stopRunMessage = "go_stop_run" // {"reason": text}
	quitMessage    = "go_quit"     // {"code": number}
)

// ErrAbortRun stops the run of all workers when a TestStart listener, a
// constructor, OnStart or a task returns it or an error that wraps it: see
// Environment.StopRun. The error shows as an exception. After a TestStart that
// returned it, no user of this worker starts in the run.
//
//	return fmt.Errorf("%w: no test data at %s", locustworker.ErrAbortRun, path)
var ErrAbortRun = errors.New("locustworker: the run is aborted")

// StopRun asks for a stop of the run on all workers. It does not wait for it: users
// go on until the stop comes.
//
// A stock master has no message for that. It obeys if its locustfile listens for
// it, as the one does that the command stub prints: with a web UI it stops the run,
// without one it ends with exit code 1. Another master logs an unknown message. A
// run without a master ends with exit code 1. The error is that of SendMessage.
func (e *Environment) StopRun(reason string) error {
	if e.quit != nil {
		e.log.Error("the run is stopped", "reason", reason)
		e.quit(1)
		return nil
	}
	return e.SendMessage(stopRunMessage, map[string]any{"reason": cutText(reason)})
}

// Quit asks for an end of the test on the master and all workers, with this exit
// code of the master (runner.quit with Environment.process_exit_code). Of several
// calls the first one counts. It obeys under the condition of StopRun, and does not
// wait for the end either; a run without a master ends with this exit code. The
// error is that of SendMessage, or about a code that is not between 0 and 255.
func (e *Environment) Quit(code int) error {
	if code < 0 || code > 255 {
		return fmt.Errorf("locustworker: exit code %d is not between 0 and 255", code)
	}
	if e.quit != nil {
		e.quit(code)
		return nil
	}
	return e.SendMessage(quitMessage, map[string]any{"code": code})
}

// abort obeys ErrAbortRun, of which many users of a run may say the same.
func (e *Environment) abort(err error) {
	if !errors.Is(err, ErrAbortRun) || !e.aborted.CompareAndSwap(false, true) {
		return
	}
	if err := e.StopRun(err.Error()); err != nil {
		e.log.Error("the run goes on: the master could not be asked to stop it", "error", err)
	}
}

// startFailed reports an error of a TestStart listener to the master's page of
// exceptions, beside the log. Where it aborts the run, it waits for the stop, so that
// no user starts.
func (h *hooks) startFailed(ctx context.Context, err error) {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return // the run was stopped first
	}
	text, trace := "TestStart failed: "+err.Error(), "  in the event TestStart\n"
	var p *traceback.PanicError
	if errors.As(err, &p) {
		trace = p.Trace
	}
	if errors.Is(err, ErrAbortRun) {
		text += "; the run stops if the master's locustfile listens for it, as the one of the command stub does"
	}
	_ = h.env.send(wire.Exception{Message: cutText(text), Traceback: cutText(trace)})
	h.env.abort(err)
}

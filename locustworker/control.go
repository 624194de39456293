package locustworker

import (
	"context"
	"errors"
	"fmt"

	"github.com/bandwing/bandwing/locustworker/internal/traceback"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

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

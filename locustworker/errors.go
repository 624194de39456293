package locustworker

import (
	"errors"

	"github.com/bandwing/bandwing/locustworker/internal/python"
)

// Errors that a task, OnStart or a constructor returns to steer its user. They
// are compared with errors.Is, so they may be wrapped.
var (
	// ErrStopUser ends the user: OnStop runs, no exception is reported
	// (Locust's StopUser). The user is replaced by the master's next spawn.
	ErrStopUser = errors.New("locustworker: stop this user")

	// ErrReschedule ends the task; the user waits and picks the next one
	// (Locust's RescheduleTask).
	ErrReschedule = errors.New("locustworker: end the task, wait, pick another")

	// ErrRescheduleNow ends the task; the user picks the next one without
	// waiting (Locust's RescheduleTaskImmediately).
	ErrRescheduleNow = errors.New("locustworker: end the task, pick another at once")

	// ErrInterrupt leaves the task set; what the set stands in picks its next
	// task without waiting (Locust's interrupt()). From a class's own task it
	// ends the user, without OnStop, as in Locust.
	ErrInterrupt = errors.New("locustworker: leave the task set")

	// ErrInterruptAndWait leaves the task set; what the set stands in waits and
	// picks its next task (Locust's interrupt(reschedule=False)).
	ErrInterruptAndWait = errors.New("locustworker: leave the task set, then wait")
)

// Errors of a worker as a whole.
var (
	// ErrConfig is wrapped by every error that a wrong Config or Class causes.
	ErrConfig = errors.New("locustworker: invalid configuration")

	// ErrRunning is returned by a second Run of the same Worker.
	ErrRunning = errors.New("locustworker: this worker was already run; make a new one with New")
)

// Errors of Environment.SendMessage.
var (
	// ErrQueueFull says that the messages which wait for the master take as much
	// memory as they may. This one was not added to them.
	ErrQueueFull = errors.New("locustworker: the queue for the master is full")

	// ErrMessageTooLong says that a message is longer than any connection carries.
	ErrMessageTooLong = errors.New("locustworker: message too long")
)

// errKilled is the cause of a user's context when the user is stopped before
// its task has ended.
var errKilled = errors.New("locustworker: the user was stopped")

// Errors of Run beside those above.
var (
	// ErrNoMaster ends a worker with QuitOnMasterLoss that found no master.
	ErrNoMaster = errors.New("locustworker: failed to connect to the Locust master")

	// ErrMasterLost ends a worker with QuitOnMasterLoss that heard nothing from
	// its master for the master timeout.
	ErrMasterLost = errors.New("locustworker: no heartbeat from the master")

	// ErrUnknownClass is wrapped by New's error when UserClasses or UserSettings
	// name a class that there is not.
	ErrUnknownClass = errors.New("locustworker: unknown user class")

	// ErrMetrics says that Config.MetricsAddr cannot be listened on, most often
	// because another program does. Nothing was started.
	ErrMetrics = errors.New("locustworker: metrics cannot be served")

	// ErrListener says that an event's function failed. The run went on.
	ErrListener = errors.New("locustworker: an event listener failed; see the log")

	// ErrUndelivered says that failures were recorded that no report has
	// delivered: what a Python worker's --exit-code-on-error looks at.
	ErrUndelivered = errors.New("locustworker: errors were recorded that the master has not seen")
)

// PythonError returns an error whose text is the repr of a Python exception, which
// is what Locust shows for a failed request:
//
//	PythonError("HTTPError", "404 Client Error") // HTTPError('404 Client Error')
//	PythonError("OSError", 5, "it's")            // OSError(5, "it's")
//
// Failures of Go and Python workers with the same type, name and text are one row
// on the master. A string is written as Python's repr writes it, a float64 as
// Python does, an error as its text, so that an exception may hold another one, and
// anything else as fmt.Sprint writes it.
func PythonError(class string, args ...any) error {
	return &pythonError{class: class, text: python.Exception(class, args...)}
}

type pythonError struct{ class, text string }

func (e *pythonError) Error() string { return e.text }

// ErrorType returns the class: what OpenTelemetry calls error.type.
func (e *pythonError) ErrorType() string { return e.class }

package locustworker

import (
	"log/slog"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// exceptionRate is how many exceptions a worker sends and logs in one second: a
	// Python master that had to take more would be late with its heartbeats. A
	// task that fails at once and does not wait makes tens of thousands.
	exceptionRate = 200
	// maxExceptionText bounds the message and the traceback of one, in bytes.
	maxExceptionText = 8 << 10
)

// A rateLimit lets exceptionRate things a second pass and counts the others. It is
// safe for concurrent use.
type rateLimit struct {
	mu     sync.Mutex
	second int64
	passed int
	held   int64 // since the last one that passed
}

// pass reports whether one more may pass now, and how many were held back and
// not reported.
func (v *rateLimit) pass(now time.Time) (ok bool, held int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if second := now.Unix(); second != v.second {
		v.second, v.passed = second, 0
		held, v.held = v.held, 0
	}
	if v.passed == exceptionRate {
		v.held++
		return false, 0
	}
	v.passed++
	return true, held
}

// An exceptionReporter reports uncaught errors of user code. It is safe for
// concurrent use.
type exceptionReporter struct {
	hooks *hooks
	log   *slog.Logger
	send  func(wire.Outbound) error
	limit rateLimit
}

// report logs an error and sends it to the master (mirrors on_user_error, with a
// limit to the rate). While the queue for the master is full it only logs.
func (r *exceptionReporter) report(u *User, err error, trace string) {
	ok, held := r.limit.pass(time.Now())
	if held > 0 {
		r.log.Error("uncaught errors came faster than the master can take them; the rest was not reported", "not_reported", held)
	}
	if ok {
		r.log.Error("uncaught error in a user", "class", u.class.name, "error", err, "trace", trace)
		_ = r.send(wire.Exception{Message: cutText(err.Error()), Traceback: cutText(trace)}) // the log has it
	}
	r.hooks.userError(u, err, trace)
}

// problemTrace stands for the traceback of a problem: the master groups exceptions by
// theirs.
const problemTrace = "The worker compared the master's locustfile with its classes.\n"

// problem reports what is wrong with the test as a whole. Safe for concurrent use.
func (r *exceptionReporter) problem(text string) {
	r.log.Error(text)
	_ = r.send(wire.Exception{Message: cutText(text), Traceback: problemTrace}) // the log has it
}

// refused reports what the worker does not do for its master. The kinds are apart on
// the master's page. Safe for concurrent use.
func (r *exceptionReporter) refused(what, text string) {
	r.log.Error(text)
	_ = r.send(wire.Exception{Message: cutText(text), Traceback: "The worker refused " + what + ".\n"}) // the log has it
}

// cutText shortens a text to maxExceptionText; what is cut in the middle of a
// character is mended where the text is encoded.
func cutText(text string) string {
	if len(text) <= maxExceptionText {
		return text
	}
	return text[:maxExceptionText] + "…"
}

package session

import (
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// logInterval is Locust's WORKER_LOG_REPORT_INTERVAL.
	logInterval = 10 * time.Second
	// logLimit is how many new records in one interval end the sending, as in
	// WorkerRunner.logs_reporter.
	logLimit = 70
)

// A logReporter sends the worker's log to the master's web UI. It belongs to the
// session's goroutine.
type logReporter struct {
	book LogBook // nil: nothing is sent
	sent int64   // records in the book at the last look
}

// reportLogs sends the log if there is something new in it, or in any case at a
// registration: the master keeps what it got last (mirrors logs_reporter; unlike
// it, a full book does not end the sending).
func (s *Session) reportLogs(anyway bool) {
	r := &s.logs
	if r.book == nil || s.link.State() != uplink.Registered {
		return
	}
	total := r.book.Total()
	added := total - r.sent
	if added > logLimit && !anyway {
		s.log.Warn("The worker attempted to send more than 70 log lines in one interval. Further log sending was disabled for this worker.")
	}
	if added > 0 || anyway {
		s.send(wire.Logs{WorkerID: s.link.Identity(), Lines: r.book.Lines()})
		r.sent = r.book.Total()
	}
	if added > logLimit && !anyway {
		r.book = nil
	}
}

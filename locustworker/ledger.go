package locustworker

import (
	"sync/atomic"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// A ledger keeps every report that was handed to the link until its arrival is
// proven, so that none is lost with a connection and none is sent twice. It
// belongs to the session's goroutine.
//
// The proof: the master answers the heartbeats of a worker that it knows, one by
// one, in order, on the connection they came on (MasterRunner.handle_message).
// So an answer to a heartbeat that was written after a report proves that the
// master has read the report. Where the connection is lost before that answer,
// what the peer's TCP had not acknowledged is sent again; the rest is in doubt
// until the next connection shows whether the master has seen the end of the old
// one, and so all that came before it.
type ledger struct {
	pending   []*delivery
	doubtful  stats.Report // acknowledged by TCP on a lost connection
	confirmed int64        // samples proven to have arrived
}

// A delivery is one report on its way.
type delivery struct {
	report stats.Report
	// Set by the writer: how many heartbeats were written on the connection
	// before the report, then conn.Sent() after it; 0 until it is written.
	heartbeatsBefore int64
	end              atomic.Int64
}

// add puts a report on the books.
func (l *ledger) add(r stats.Report) *delivery {
	d := &delivery{report: r}
	l.pending = append(l.pending, d)
	return d
}

// answered settles what the n-th heartbeat answer of the connection proves.
func (l *ledger) answered(n int64) {
	l.settle(func(d *delivery) bool { return d.end.Load() != 0 && d.heartbeatsBefore < n })
}

// lost follows the end of a connection: it returns what must be sent again, merged
// into one report, and keeps the rest as doubtful. acked is what the peer's TCP had
// acknowledged; known is false when the system cannot say, and then all is sent
// again.
func (l *ledger) lost(acked int64, known bool) stats.Report {
	var again stats.Report
	for _, d := range l.pending {
		if end := d.end.Load(); known && end != 0 && end <= acked {
			l.doubtful.Merge(d.report)
		} else {
			again.Merge(d.report)
		}
	}
	l.pending = nil
	return again
}

// believe ends the doubt: the master has seen the old connection's end.
func (l *ledger) believe() {
	l.confirmed += l.doubtful.Total.Requests
	l.doubtful = stats.Report{}
}

// disbelieve ends the doubt the other way and returns what must be sent again.
func (l *ledger) disbelieve() stats.Report {
	again := l.doubtful
	l.doubtful = stats.Report{}
	return again
}

// open returns how many samples are not proven to have arrived.
func (l *ledger) open() int64 {
	n := l.doubtful.Total.Requests
	for _, d := range l.pending {
		n += d.report.Total.Requests
	}
	return n
}

// openFailures returns how many failures are not proven to have arrived.
func (l *ledger) openFailures() int64 {
	n := l.doubtful.Total.Failures
	for _, d := range l.pending {
		n += d.report.Total.Failures
	}
	return n
}

// clear forgets every open report and returns how many samples that were.
func (l *ledger) clear() int64 {
	n := l.open()
	l.pending, l.doubtful = nil, stats.Report{}
	return n
}

func (l *ledger) settle(arrived func(*delivery) bool) {
	rest := l.pending[:0]
	for _, d := range l.pending {
		if arrived(d) {
			l.confirmed += d.report.Total.Requests
		} else {
			rest = append(rest, d)
		}
	}
	clear(l.pending[len(rest):])
	l.pending = rest
}

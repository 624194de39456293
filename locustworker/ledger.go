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
// what the peer's TCP had acknowledged counts as arrived, and only the rest is
// sent again.
type ledger struct {
	pending   []*delivery
	confirmed int64 // samples proven to have arrived
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

// lost settles what a dead connection shows and returns what must be sent again,
// merged into one report; the books are empty afterwards. acked is what the
// peer's TCP had acknowledged; known is false when the system cannot say, and
// then nothing counts as arrived.
func (l *ledger) lost(acked int64, known bool) stats.Report {
	l.settle(func(d *delivery) bool {
		end := d.end.Load()
		return known && end != 0 && end <= acked
	})
	var again stats.Report
	for _, d := range l.pending {
		again.Merge(d.report)
	}
	l.pending = nil
	return again
}

// open returns how many samples are not proven to have arrived.
func (l *ledger) open() int64 {
	var n int64
	for _, d := range l.pending {
		n += d.report.Total.Requests
	}
	return n
}

// openFailures returns how many failures are not proven to have arrived.
func (l *ledger) openFailures() int64 {
	var n int64
	for _, d := range l.pending {
		n += d.report.Total.Failures
	}
	return n
}

// clear forgets every open report and returns how many samples that were.
func (l *ledger) clear() int64 {
	n := l.open()
	l.pending = nil
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

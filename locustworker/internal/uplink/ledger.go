package uplink

import (
	"sync/atomic"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// A ledger keeps every report that was handed to a connection until its arrival is
// proven, so that none is lost with a connection and none is sent twice. It
// belongs to the owner's goroutine.
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
	doubtful  []*delivery // acknowledged by TCP on a lost connection
	confirmed int64       // samples proven to have arrived
}

// A delivery is one report on its way.
type delivery struct {
	report stats.Report
	extra  map[string]any // what a listener has added to this report
	// Set by the writer: how many heartbeats were written on the connection
	// before the report, then Conn.Sent after it; 0 until it is written.
	heartbeatsBefore int64
	end              atomic.Int64
	// silent says that the connection was given up because the master had said
	// nothing on it for SilenceLimit.
	silent bool
}

// add enters a report.
func (l *ledger) add(r stats.Report, extra map[string]any) *delivery {
	d := &delivery{report: r, extra: extra}
	l.pending = append(l.pending, d)
	return d
}

// remove takes a report out that cannot be sent and returns how many samples it has.
func (l *ledger) remove(d *delivery) int64 {
	var lost int64
	l.pending = sift(l.pending, func(other *delivery) bool {
		if other == d {
			lost = d.report.Total.Requests
		}
		return other != d
	})
	return lost
}

// answered settles what the n-th heartbeat answer of the connection proves.
func (l *ledger) answered(n int64) {
	l.pending = sift(l.pending, func(d *delivery) bool {
		arrived := d.end.Load() != 0 && d.heartbeatsBefore < n
		if arrived {
			l.confirmed += d.report.Total.Requests
		}
		return !arrived
	})
}

// sift keeps the deliveries for which keep is true.
func sift(all []*delivery, keep func(*delivery) bool) []*delivery {
	rest := all[:0]
	for _, d := range all {
		if keep(d) {
			rest = append(rest, d)
		}
	}
	clear(all[len(rest):])
	return rest
}

// lost follows the end of a connection: it returns what must be sent again, in
// order, and keeps the rest as doubtful. acked is what the peer's TCP had
// acknowledged; isKnown is false when the system cannot say, and then all is sent
// again. silent is whether the connection was given up for SilenceLimit.
func (l *ledger) lost(acked int64, isKnown, silent bool) (again []*delivery) {
	for _, d := range l.pending {
		if end := d.end.Load(); isKnown && end != 0 && end <= acked {
			d.silent = silent
			l.doubtful = append(l.doubtful, d)
		} else {
			again = append(again, d)
		}
	}
	l.pending = nil
	return again
}

// confirmDoubtful ends the doubt: the master has seen the old connection's end.
func (l *ledger) confirmDoubtful() {
	l.confirmed += requests(l.doubtful)
	l.doubtful = nil
}

// settleIgnored ends the doubt where the master lives on and ignores the identity,
// because it has not seen the old connection's end. It will read what its TCP has
// acknowledged, at the latest when its program runs again. But a connection that
// was silent for SilenceLimit led to something that acknowledges and passes nothing
// on: what it took is returned, to be sent again.
func (l *ledger) settleIgnored() (again []*delivery) {
	for _, d := range l.doubtful {
		if d.silent {
			again = append(again, d)
		} else {
			l.confirmed += d.report.Total.Requests
		}
	}
	l.doubtful = nil
	return again
}

// open returns how many samples are not proven to have arrived.
func (l *ledger) open() int64 { return requests(l.doubtful) + requests(l.pending) }

// openFailures returns how many failures are not proven to have arrived.
func (l *ledger) openFailures() (n int64) {
	for _, all := range [][]*delivery{l.doubtful, l.pending} {
		for _, d := range all {
			n += d.report.Total.Failures
		}
	}
	return n
}

// discard drops every open report and returns how many samples that were.
func (l *ledger) discard() int64 {
	n := l.open()
	l.pending, l.doubtful = nil, nil
	return n
}

func requests(all []*delivery) (n int64) {
	for _, d := range all {
		n += d.report.Total.Requests
	}
	return n
}

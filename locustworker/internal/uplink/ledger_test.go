package uplink

import (
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

func reportOf(n int64) stats.Report {
	return stats.Report{Total: stats.Entry{Name: "Aggregated", Requests: n}}
}

// write stands in for the writer: the report went out behind so many heartbeats
// and ended at this byte.
func (d *delivery) write(heartbeats, end int64) {
	d.heartbeatsBefore = heartbeats
	d.end.Store(end)
}

func TestLedgerConfirmsOnlyByALaterHeartbeat(t *testing.T) {
	var l ledger
	first, second, unwritten := l.add(reportOf(3), nil), l.add(reportOf(4), nil), l.add(reportOf(5), nil)
	first.write(2, 100)
	second.write(3, 200)
	_ = unwritten

	l.answered(2) // was written before the first report: proves nothing
	if l.confirmed != 0 || l.open() != 12 {
		t.Fatalf("after answer 2: confirmed %d, open %d; want 0, 12", l.confirmed, l.open())
	}
	l.answered(3)
	if l.confirmed != 3 || l.open() != 9 {
		t.Fatalf("after answer 3: confirmed %d, open %d; want 3, 9", l.confirmed, l.open())
	}
	l.answered(99)
	if l.confirmed != 7 || l.open() != 5 {
		t.Fatalf("after answer 99: confirmed %d, open %d; want 7 and the unwritten 5", l.confirmed, l.open())
	}
}

func TestLedgerAfterALoss(t *testing.T) {
	tests := []struct {
		name   string
		acked  int64
		known  bool
		again  int64
		doubts int64
	}{
		{"all bytes of the first acknowledged", 100, true, 9, 3},
		{"one byte short", 99, true, 12, 0},
		{"both written ones acknowledged", 200, true, 5, 7},
		{"the system cannot say", 200, false, 12, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var l ledger
			first, second := l.add(reportOf(3), nil), l.add(reportOf(4), nil)
			l.add(reportOf(5), nil) // never written
			first.write(0, 100)
			second.write(0, 200)
			again := l.lost(tt.acked, tt.known, true)
			if l.open() != tt.doubts || requests(again) != tt.again {
				t.Errorf("in doubt %d, to send again %d; want %d, %d", l.open(), requests(again), tt.doubts, tt.again)
			}
			arrived, missing := l, l
			if arrived.confirmDoubtful(); arrived.confirmed != tt.doubts || arrived.open() != 0 {
				t.Errorf("arrived: confirmed %d, open %d", arrived.confirmed, arrived.open())
			}
			if d := missing.settleIgnored(); requests(d) != tt.doubts || missing.confirmed != 0 || missing.open() != 0 {
				t.Errorf("missing: again %d, confirmed %d, open %d", requests(d), missing.confirmed, missing.open())
			}
		})
	}
}

package locustworker

import (
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

func reportOf(n int64) stats.Report {
	return stats.Report{Total: stats.Entry{Name: "Aggregated", Requests: n}}
}

// write stands in for the pump: the report went out behind so many heartbeats
// and ended at this byte.
func (d *delivery) write(heartbeats, end int64) {
	d.heartbeatsBefore = heartbeats
	d.end.Store(end)
}

func TestLedgerConfirmsOnlyByALaterHeartbeat(t *testing.T) {
	var l ledger
	first, second, unwritten := l.add(reportOf(3)), l.add(reportOf(4)), l.add(reportOf(5))
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
			first, second := l.add(reportOf(3)), l.add(reportOf(4))
			l.add(reportOf(5)) // never written
			first.write(0, 100)
			second.write(0, 200)
			again := l.lost(tt.acked, tt.known)
			if l.open() != tt.doubts || again.Total.Requests != tt.again {
				t.Errorf("in doubt %d, to send again %d; want %d, %d", l.open(), again.Total.Requests, tt.doubts, tt.again)
			}
			believed, disbelieved := l, l
			if believed.believe(); believed.confirmed != tt.doubts || believed.open() != 0 {
				t.Errorf("after belief: confirmed %d, open %d", believed.confirmed, believed.open())
			}
			if r := disbelieved.disbelieve(); r.Total.Requests != tt.doubts || disbelieved.confirmed != 0 || disbelieved.open() != 0 {
				t.Errorf("after disbelief: again %d, confirmed %d, open %d", r.Total.Requests, disbelieved.confirmed, disbelieved.open())
			}
		})
	}
}

package session

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// A limit is a case that looks the same to a worker as another one, in which what it
// does is right.
type limit struct {
	name string
	walk func(*model)
	want outcome
}

// An outcome is what became of the samples.
type outcome struct {
	lost, twice  int // counts of samples
	otherMasters int // samples that arrived at a master other than the run's
}

func limits() []limit {
	return []limit{
		{
			// As a master that has forgotten the worker: it gives the same index.
			"a master restarted while the worker hears none for more than masterMemory",
			func(m *model) {
				m.master.Close()
				m.open, m.on = false, false
				m.record(3)
				m.sleep(58 * time.Second)
				m.open = true
				m.kills++
				m.master.Reopen()
			},
			outcome{otherMasters: 3},
		},
		{
			// As something that acknowledges and passes nothing on.
			"a master busy for more than SilenceLimit",
			func(m *model) {
				m.master.Pause()
				m.record(3)
				m.sleep(75 * time.Second)
				m.master.Resume()
			},
			outcome{twice: 3},
		},
		{
			// As a master that was busy, read what it had got, and saw the end.
			"something acknowledges, passes nothing on, and ends within SilenceLimit",
			func(m *model) {
				m.master.IgnoreWorker(m.id())
				m.record(3)
				m.sleep(10 * time.Second)
				m.master.HearWorker(m.id())
				m.master.Cut(m.id())
			},
			outcome{lost: 3},
		},
	}
}

// TestTheWireCannotDecide shows the cases that docs/internals/transport.md names as beyond any
// proof, with what becomes of the samples. A change of an outcome changes the document.
func TestTheWireCannotDecide(t *testing.T) {
	for _, tt := range limits() {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel(t, 1)
				m.register()
				m.spawn(2)
				m.sleep(time.Second)
				tt.walk(m)
				m.settle()
				if got := m.outcome(); got != tt.want {
					t.Errorf("%+v; want %+v\nthe log:\n%s", got, tt.want, m.log.b.String())
				}
			})
		})
	}
}

func (m *model) outcome() (o outcome) {
	times := make(map[string]int)
	for _, message := range m.master.OfType(wire.TypeStats) {
		for _, e := range message.Report().Entries {
			times[e.Name]++
			if message.Master != m.begun[0].master {
				o.otherMasters++
			}
		}
	}
	for _, name := range m.names {
		switch times[name] {
		case 0:
			o.lost++
		case 1:
		default:
			o.twice++
		}
	}
	return o
}

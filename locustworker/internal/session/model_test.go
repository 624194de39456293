package session

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A model is a real Session on a real Uplink, with a simulated master, network and
// fleet, in fake time. Its steps change the network, the master and the run; each
// sample has a name of its own that says the run in which it was recorded. The
// invariants, which check holds:
//
//   - no sample arrives twice;
//   - no sample arrives while the master has another run than the sample's;
//   - a sample that has not arrived is counted as discarded, and none is discarded
//     unless a master was killed.
type model struct {
	t       *testing.T
	rng     *rand.Rand
	master  *mastertest.Master
	session *Session
	fleet   *modelFleet
	events  *modelEvents
	store   *stats.Store
	figures Figures
	log     *logText
	end     context.CancelFunc
	ended   chan struct{}

	begun     []beginning
	names     []string // of the samples that were recorded
	on        bool     // the master's run goes on
	open      bool     // there is a master
	stalled   bool     // the network is gone
	paused    bool     // the master's program stands still
	kills     int
	hidesAcks bool          // the system does not tell what is acknowledged: one seed in five
	stranded  int64         // when the link became half-open, in Unix nanoseconds
	cutOff    time.Duration // since the network went
	trace     []string
}

// A beginning is the start of a run by one of the masters.
type beginning struct {
	at     time.Time
	master int // its number, from 1
}

// A modelFleet knows the run that its users belong to.
type modelFleet struct {
	fakeFleet
	run atomic.Int64
}

func (f *modelFleet) Configure(m wire.Spawn) {
	if run, ok := m.ParsedOptions["run"].(int64); ok {
		f.run.Store(run)
	}
}

// modelEvents keep the worker's identity, and when the master last answered it.
type modelEvents struct {
	authors
	id   atomic.Value
	beat atomic.Int64 // Unix nanoseconds
}

func (e *modelEvents) HeartbeatReceived() { e.beat.Store(time.Now().UnixNano()) }

func (e *modelEvents) Renamed(identity string) { e.id.Store(identity) }

// inModel runs a walk in a bubble of its own and fails the test when an invariant
// does not hold at its end.
func inModel(t *testing.T, seed uint64, walk func(*model)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newModel(t, seed)
		m.register()
		walk(m)
		m.settle()
		m.check()
		if t.Failed() {
			t.Logf("seed %d, the steps: %s\nthe log:\n%s\nthe master got:\n%s", seed, strings.Join(m.trace, ", "), m.log.b.String(), m.master)
		}
	})
}

func newModel(t *testing.T, seed uint64) *model {
	t.Helper()
	var opts []mastertest.Option
	hidesAcks := seed%5 == 0
	if hidesAcks {
		opts = append(opts, mastertest.HideAcks())
	}
	m := &model{
		t: t, rng: rand.New(rand.NewPCG(seed, 0)), master: mastertest.NewInMemory(t, opts...),
		fleet: &modelFleet{fakeFleet: fakeFleet{counts: map[string]int{"Shop": 0}}}, events: &modelEvents{},
		store: stats.New(stats.Config{}), log: &logText{}, ended: make(chan struct{}), open: true, hidesAcks: hidesAcks,
	}
	m.session = New(Config{
		Refused: func(_, text string) { t.Error(text) },
		Log:     slog.New(slog.NewTextHandler(m.log, nil)), Fleet: m.fleet, Events: m.events, Store: m.store, Figures: &m.figures,
		MasterTimeout: time.Minute, Usage: func() (float64, uint64, bool) { return 0, 0, false },
		Link: uplink.Config{Addr: m.master.Addr(), Dial: func(ctx context.Context, addr, identity string) (uplink.Conn, error) {
			c, err := m.master.Dial(ctx, addr, identity)
			if err != nil {
				return nil, err
			}
			return c, nil
		}},
	})
	ctx, cancel := context.WithCancel(t.Context())
	m.end = cancel
	go func() {
		defer close(m.ended)
		life, end := context.WithCancel(context.Background())
		_ = m.session.Run(ctx, life)
		end()
		m.session.Wait()
	}()
	return m
}

func (m *model) id() string {
	id, _ := m.events.id.Load().(string)
	return id
}

// silent returns for how long the master has answered no heartbeat.
func (m *model) silent() time.Duration { return time.Since(time.Unix(0, m.events.beat.Load())) }

// linked reports whether worker and master know of each other, as far as the last
// heartbeat tells.
func (m *model) linked() bool {
	if m.silent() > 1500*time.Millisecond || m.events.beat.Load() <= m.stranded {
		return false
	}
	return uplink.State(m.figures.Link.Load()) == uplink.Registered && m.open && !m.stalled && !m.paused &&
		m.master.Knows(m.id()) && m.heard()
}

// heard reports whether the master has a connection to the worker on which it
// hears.
func (m *model) heard() bool { return m.master.Connections(m.id()) == 1 }

// register waits until the worker serves the master.
func (m *model) register() {
	for range 200 {
		if m.sleep(time.Second); m.linked() {
			return
		}
	}
	m.t.Error("the worker does not come back")
}

// sleep lets time pass, and everything happen that is due.
func (m *model) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	if m.stalled {
		m.cutOff += d
	}
}

// users returns how many users run.
func (m *model) users() int {
	_, n := m.fleet.Counts()
	return n
}

// record has the users that run record samples.
func (m *model) record(n int) {
	if m.users() == 0 {
		return
	}
	for range n {
		name := fmt.Sprintf("%d/%d", m.fleet.run.Load(), len(m.names)+1)
		m.names = append(m.names, name)
		m.store.Record(0, stats.Sample{Method: "GET", Name: name})
	}
}

// spawn has the master ask for users: of a new run, unless one goes on.
func (m *model) spawn(users int) {
	m.sleep(time.Millisecond)
	if !m.on {
		m.begun = append(m.begun, beginning{time.Now(), m.kills + 1})
		m.on = true
	}
	m.master.Spawn(m.id(), map[string]int{"Shop": users}, mastertest.Arguments(map[string]any{"run": len(m.begun)}))
	m.sleep(time.Millisecond)
}

func (m *model) stop() {
	m.master.Stop(m.id())
	m.on = false
	m.sleep(time.Millisecond)
}

// runAt returns the number of the run that a master has at a time; 0 for none.
func (m *model) runAt(master int, at time.Time) (run int) {
	for i, b := range m.begun {
		if b.master == master && !at.Before(b.at) {
			run = i + 1
		}
	}
	return run
}

// heal ends every outage.
func (m *model) heal() {
	for _, s := range steps() {
		if s.heals && s.can(m) {
			s.do(m)
		}
	}
}

// settle ends every outage, the run and the worker.
func (m *model) settle() {
	m.heal()
	m.register()
	m.sleep(20 * time.Second)
	if m.on && m.linked() {
		m.stop()
	}
	m.sleep(20 * time.Second)
	m.end()
	<-m.ended
}

// check fails the test when an invariant does not hold.
func (m *model) check() {
	m.t.Helper()
	if open, _ := m.session.Open(); open != 0 {
		m.t.Errorf("%d samples are in doubt at the end", open)
	}
	arrived := len(m.arrivals())
	missing, discarded := len(m.names)-arrived, int(m.figures.Discarded.Load())
	switch {
	case m.kills == 0 && discarded > 0:
		m.t.Errorf("%d samples discarded, and no master was killed", discarded)
	case missing > discarded:
		m.t.Errorf("%d samples recorded, %d arrived, %d discarded: %d are lost", len(m.names), arrived, discarded, missing-discarded)
		m.t.Errorf("not arrived:%s", m.missing())
	}
}

// arrivals returns the samples that have arrived, and checks that each came once and
// in its run.
func (m *model) arrivals() map[string]bool {
	seen := make(map[string]bool)
	for _, message := range m.master.OfType(wire.TypeStats) {
		at := m.runAt(message.Master, message.At)
		for _, e := range message.Report().Entries {
			run, _, _ := strings.Cut(e.Name, "/")
			if n, err := strconv.Atoi(run); err != nil || n != at {
				m.t.Errorf("sample %s arrived in run %d of master %d", e.Name, at, message.Master)
			}
			if seen[e.Name] || e.Requests != 1 {
				m.t.Errorf("sample %s arrived twice", e.Name)
			}
			seen[e.Name] = true
		}
	}
	return seen
}

// missing returns the names of the samples that have not arrived.
func (m *model) missing() (all string) {
	seen := m.arrivals()
	for _, name := range m.names {
		if !seen[name] {
			all += " " + name
		}
	}
	return all
}

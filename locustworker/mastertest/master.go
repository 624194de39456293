package mastertest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Master is a scripted Locust master. Make one with New or NewInMemory.
type Master struct {
	*Log // of all workers

	tb      testing.TB
	options options
	addr    string
	memory  bool

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when anything below changes
	life      life
	lives     int
	paused    bool
	stalled   bool
	silent    bool
	beats     bool // heartbeats are answered
	ack       func(index int) any
	timestamp float64
	ignored   map[string]bool // by identity
	greeted   map[string]bool // identities that some life has acknowledged
	dials     []time.Time
	messages  []Message
	violation []string
	wg        sync.WaitGroup
}

// life is what a master knows until it ends.
type life struct {
	open     bool
	ctx      context.Context // ends with it
	end      context.CancelFunc
	listener net.Listener
	peers    map[*peer]struct{}
	owners   map[string]*peer // the connection that the ROUTER knows for an identity
	workers  map[string]bool  // those that it has acknowledged and not lost
	indices  map[string]int
	running  bool // between a first spawn and a stop
	totals   Totals
}

type options struct {
	lenient  bool
	hideAcks bool
	addr     string
}

// Option changes how a Master behaves from the start.
type Option func(*options)

// Lenient makes the master collect violations of the protocol, for Violations,
// instead of failing the test.
func Lenient() Option { return func(o *options) { o.lenient = true } }

// HideAcks makes connections of an in-memory master unable to tell what was
// acknowledged, as on systems other than Linux.
func HideAcks() Option { return func(o *options) { o.hideAcks = true } }

// ListenOn makes a master of New listen on this host:port. Default: a free port of
// 127.0.0.1.
func ListenOn(addr string) Option { return func(o *options) { o.addr = addr } }

// New starts a master on the loopback interface. It is closed when the test ends.
func New(tb testing.TB, opts ...Option) *Master {
	tb.Helper()
	return newMaster(tb, false, opts)
}

// NewInMemory starts a master that is reached through Dial alone. Within a
// testing/synctest bubble, give it the bubble's T.
func NewInMemory(tb testing.TB, opts ...Option) *Master {
	tb.Helper()
	return newMaster(tb, true, opts)
}

func newMaster(tb testing.TB, memory bool, opts []Option) *Master {
	tb.Helper()
	m := &Master{
		tb: tb, memory: memory, options: options{addr: "127.0.0.1:0"}, changed: make(chan struct{}), beats: true, ack: ackIndex,
		ignored: map[string]bool{}, greeted: map[string]bool{},
	}
	for _, opt := range opts {
		opt(&m.options)
	}
	m.addr = m.options.addr
	m.Log = m.From(Everyone)
	m.Reopen()
	tb.Cleanup(m.Close)
	return m
}

// Addr returns the "host:port" to dial.
func (m *Master) Addr() string { return m.addr }

// Close ends the master as if it had been killed: connections are reset, and
// messages that were not read are lost. It may be called again.
func (m *Master) Close() {
	m.update(func() {
		if !m.life.open {
			return
		}
		m.life.open = false
		m.life.end()
		if m.life.listener != nil {
			_ = m.life.listener.Close()
		}
		for p := range m.life.peers {
			_ = p.link.Abort()
		}
	})
	m.wg.Wait()
}

// Reopen starts a new master on the port of a closed one. It knows nobody; what
// was recorded stays, and the switches (Silence, Pause and so on) stay as they are.
func (m *Master) Reopen() {
	m.tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life.open {
		m.tb.Errorf("mastertest: Reopen without Close")
		return
	}
	ctx, end := context.WithCancel(context.Background())
	m.life = life{
		open: true, ctx: ctx, end: end, peers: map[*peer]struct{}{}, owners: map[string]*peer{},
		workers: map[string]bool{}, indices: map[string]int{}, totals: newTotals(),
	}
	m.lives++
	if m.memory {
		m.addr = "in-memory:5557"
		return
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", m.addr)
	if err != nil {
		m.life.open = false
		m.tb.Errorf("mastertest: %v", err)
		return
	}
	m.addr = l.Addr().String()
	m.life.listener = l
	m.wg.Go(func() { m.accept(ctx, l) })
}

// update changes the master and wakes everything that waits for a change.
func (m *Master) update(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.changed)
	m.changed = make(chan struct{})
}

// Silence makes the master do nothing by itself: it reads and records, but neither
// acknowledges nor answers, like one whose listener has died.
func (m *Master) Silence() { m.update(func() { m.silent = true }) }

// Speak ends Silence.
func (m *Master) Speak() { m.update(func() { m.silent = false }) }

// AnswerHeartbeats says whether heartbeats of workers that the master knows are
// answered; they are from the start.
func (m *Master) AnswerHeartbeats(on bool) { m.update(func() { m.beats = on }) }

// AckIndex gives all workers that index from now on, instead of counting from 0.
func (m *Master) AckIndex(n int) {
	m.update(func() { m.ack = func(int) any { return ackIndex(n) } })
}

// AckNil acknowledges without an index from now on, as masters before 2.10.2.
func (m *Master) AckNil() { m.update(func() { m.ack = func(int) any { return nil } }) }

func ackIndex(n int) any { return map[string]any{"index": n} }

// Pause stops reading: messages pile up in the connections, and a connection that
// ends is not noticed, so that its identity stays taken.
func (m *Master) Pause() { m.update(func() { m.paused = true }) }

// Resume ends Pause.
func (m *Master) Resume() { m.update(func() { m.paused = false }) }

// IgnoreWorker makes the master deaf to the worker's connections, as a ROUTER is
// to a second connection of an identity: those that are open, and those that
// open before HearWorker, for as long as they live.
func (m *Master) IgnoreWorker(id string) {
	m.update(func() {
		m.ignored[id] = true
		if p := m.life.owners[id]; p != nil {
			p.deaf = true
		}
	})
}

// HearWorker makes the next connection of the worker count again.
func (m *Master) HearWorker(id string) { m.update(func() { delete(m.ignored, id) }) }

// Drop makes the master not know the worker any more, as one that has missed it
// for a minute: its heartbeats are not answered.
func (m *Master) Drop(id string) { m.update(func() { delete(m.life.workers, id) }) }

// Violations returns what workers did against the protocol, in the order it
// happened.
func (m *Master) Violations() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.violation...)
}

// Knows tells whether the master counts that worker as one of its own.
func (m *Master) Knows(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.life.workers[id]
}

// Connections returns how many connections of the worker are open, ignored ones
// included; of all workers for Everyone.
func (m *Master) Connections(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peersOf(id))
}

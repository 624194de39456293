package mastertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
)

var errRefused = errors.New("mastertest: dial: connection refused")

// Dial connects a worker to a master made by NewInMemory; addr is not looked at. It
// fails while the master is closed, and blocks while it is stalled or until ctx
// ends. A connection that comes right after the end of another with the same
// identity is heard, so that tests are repeatable; a real ROUTER may need a moment
// (IgnoreWorker plays one that does).
func (m *Master) Dial(ctx context.Context, _, identity string) (*Conn, error) {
	if !m.memory {
		return nil, errors.New("mastertest: Dial is for a master made by NewInMemory")
	}
	if identity == "" || len(identity) > 255 || identity[0] == 0 {
		return nil, transport.ErrIdentity
	}
	m.update(func() { m.dials = append(m.dials, time.Now()) })
	for {
		m.mu.Lock()
		open, stalled, changed := m.life.open, m.stalled, m.changed
		m.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("mastertest: dial: %w", ctx.Err())
		case stalled:
		case !open:
			return nil, errRefused
		default:
			return m.connect(identity)
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (m *Master) connect(identity string) (*Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.life.open {
		return nil, errRefused
	}
	worker, master := newPipe(m.options.hideAcks)
	master.pipe.stalled = m.stalled
	p := newPeer(master, identity)
	m.admit(p)
	m.wg.Go(func() { m.serve(p) })
	return worker, nil
}

// Dials returns when Dial was called.
func (m *Master) Dials() []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]time.Time(nil), m.dials...)
}

// Stall takes the network away, without anybody noticing: what is sent from now
// on, by either side, neither arrives nor is acknowledged, and Dial blocks. It is
// for in-memory masters.
func (m *Master) Stall() { m.setStalled(true) }

// Unstall brings the network back, and what was sent in between arrives.
func (m *Master) Unstall() { m.setStalled(false) }

// Strand takes the network away from the connections of the worker that there are,
// for ever and without anybody noticing: they are half-open. New ones work, but a
// ROUTER is deaf to the identity until the old one ends. It is for in-memory
// masters.
func (m *Master) Strand(id string) {
	m.update(func() {
		for _, p := range m.peersOf(id) {
			if c, ok := p.link.(*Conn); ok {
				c.strand()
			}
		}
	})
}

func (m *Master) setStalled(on bool) {
	m.tb.Helper()
	if !m.memory {
		m.tb.Errorf("mastertest: a stall is for a master made by NewInMemory")
	}
	m.update(func() {
		m.stalled = on
		for p := range m.life.peers {
			if c, ok := p.link.(*Conn); ok {
				c.stall(on)
			}
		}
	})
}

package mastertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// handshakeTimeout bounds what a connection may take to introduce itself.
const handshakeTimeout = 10 * time.Second

// link is the master's end of a connection.
type link interface {
	Send(frame []byte) error
	Recv() ([]byte, error)
	Close() error
	Abort() error
}

// peer is a connection of a worker. deaf is guarded by the master's mu.
type peer struct {
	link     link
	identity string
	deaf     bool

	// turn holds a token while somebody writes, or answers a message: who has seen
	// the message and sends something then comes after the answer.
	turn chan struct{}
}

func newPeer(l link, identity string) *peer {
	return &peer{link: l, identity: identity, turn: make(chan struct{}, 1)}
}

// write writes frames without others in between.
func (p *peer) write(frames func() [][]byte) error {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	for _, frame := range frames() {
		if err := p.link.Send(frame); err != nil {
			return err
		}
	}
	return nil
}

// accept is the ROUTER's front door.
func (m *Master) accept(ctx context.Context, l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return // closed
		}
		m.wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
			c, err := transport.Accept(ctx, nc)
			cancel()
			if err != nil {
				return // a real ROUTER says nothing either
			}
			m.meet(newPeer(c, c.Peer()))
		})
	}
}

// meet serves a connection, unless the master has ended meanwhile.
func (m *Master) meet(p *peer) {
	m.mu.Lock()
	open := m.life.open
	if open {
		m.admit(p)
	}
	m.mu.Unlock()
	if !open {
		_ = p.link.Abort()
		return
	}
	m.serve(p)
}

// serve handles one connection, which was admitted, to its end.
func (m *Master) serve(p *peer) {
	defer func() {
		m.awaitResume()
		m.update(func() { m.dismiss(p) })
		_ = p.link.Close()
	}()
	for {
		frame, err := p.link.Recv()
		if err != nil || !m.awaitResume() {
			return
		}
		// A ROUTER reads on what a lost connection has brought; only its answers are lost.
		_ = p.write(func() [][]byte { return m.receive(p, frame) })
	}
}

// admit makes the connection one of the current life. The caller holds mu.
func (m *Master) admit(p *peer) {
	m.life.peers[p] = struct{}{}
	owner := m.life.owners[p.identity]
	if owner != nil && !m.paused && owner.gone() {
		owner = nil // its goroutine is about to find out
	}
	if p.deaf = owner != nil || m.ignored[p.identity]; !p.deaf {
		m.life.owners[p.identity] = p
	}
}

// gone tells whether a connection is known to have ended.
func (p *peer) gone() bool {
	c, ok := p.link.(*Conn)
	return ok && c.gone()
}

func (m *Master) dismiss(p *peer) {
	delete(m.life.peers, p)
	if m.life.owners[p.identity] == p {
		delete(m.life.owners, p.identity)
	}
}

// awaitResume returns when the master is not paused; false when it has ended.
func (m *Master) awaitResume() bool {
	for {
		m.mu.Lock()
		open, paused, changed := m.life.open, m.paused, m.changed
		m.mu.Unlock()
		if !open || !paused {
			return open
		}
		<-changed
	}
}

// peersOf returns the connections of a worker, or all. The caller holds mu.
func (m *Master) peersOf(id string) []*peer {
	var found []*peer
	for p := range m.life.peers {
		if id == Everyone || p.identity == id {
			found = append(found, p)
		}
	}
	return found
}

// receive records a frame and returns the frames to answer with.
func (m *Master) receive(p *peer, frame []byte) (replies [][]byte) {
	m.update(func() {
		if p.deaf || !m.life.open {
			return
		}
		raw, err := wire.DecodeAny(frame)
		if err != nil {
			m.violate(p.identity, "%v; a real master may stop listening for good: %x", err, frame[:min(len(frame), 64)])
			return
		}
		message := Message{
			Worker: p.identity, Type: raw.Type, Data: raw.Data, At: time.Now(), Frame: frame, Master: m.lives,
		}
		m.messages = append(m.messages, message)
		for _, fault := range m.check(message, raw.NodeID) {
			m.violate(p.identity, "%s: %s", raw.Type, fault)
		}
		for _, reply := range m.react(message) {
			replies = append(replies, reply.encode(m, p.identity))
		}
	})
	return replies
}

// violate notes what a worker did wrong. The caller holds mu.
func (m *Master) violate(worker, format string, args ...any) {
	text := fmt.Sprintf("worker %q: ", worker) + fmt.Sprintf(format, args...)
	m.violation = append(m.violation, text)
	if !m.options.lenient {
		m.tb.Errorf("mastertest: %s", text)
	}
}

// reply is a message to a worker.
type reply struct {
	typ  string
	data any
}

func (r reply) encode(m *Master, id string) []byte {
	frame, err := wire.EncodeAny(r.typ, r.data, id)
	if err != nil {
		m.tb.Errorf("mastertest: %v", err)
	}
	return frame
}

// react does what MasterRunner.handle_message does by itself. The caller holds mu.
func (m *Master) react(message Message) []reply {
	id := message.Worker
	if m.silent {
		return nil
	}
	known := m.life.workers[id]
	switch message.Type {
	case wire.TypeClientReady:
		if message.Data == nil || message.Data == "" {
			return nil // "an old worker"
		}
		m.life.workers[id], m.greeted[id] = true, true
		index, ok := m.life.indices[id]
		if !ok {
			index = len(m.life.indices)
			m.life.indices[id] = index
		}
		return []reply{{wire.TypeAck, m.ack(index)}}
	case wire.TypeHeartbeat:
		if known && m.beats {
			return []reply{{wire.TypeHeartbeat, nil}}
		}
	case wire.TypeSpawning, wire.TypeSpawningComplete:
		if !known {
			return []reply{{wire.TypeQuit, nil}}
		}
	case wire.TypeClientStopped, wire.TypeQuit:
		delete(m.life.workers, id)
	case wire.TypeStats:
		m.life.totals.add(message.Report())
	}
	return nil
}

// Cut breaks the connections of the worker, or all with Everyone; both ends see a
// reset. Over TCP, what the master had not read yet is lost, too.
func (m *Master) Cut(id string) {
	m.mu.Lock()
	peers := m.peersOf(id)
	m.mu.Unlock()
	for _, p := range peers {
		if c, ok := p.link.(*Conn); ok {
			c.cut()
		} else {
			_ = p.link.Abort()
		}
	}
}

var errNoWorker = errors.New("no such worker is connected")

// Package faultproxy is a TCP proxy for tests that breaks what passes through it: it cuts, resets, delays, throttles and
// swallows, and leaves connections half-open.
package faultproxy

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// A Proxy listens on a loopback port and connects every client to one server. A new Proxy passes everything on. Its
// methods are safe for concurrent use.
type Proxy struct {
	listener net.Listener

	mu     sync.Mutex
	target string
	faults faults
	closed bool
	pairs  map[*pair]struct{}
	wake   chan struct{} // closed and replaced when faults change
	wg     sync.WaitGroup
}

// faults are what is wrong with the link at the moment.
type faults struct {
	off     bool          // new connections are closed at once
	hole    bool          // nothing is read and nothing is written
	swallow bool          // what clients send is read, and so acknowledged, and not passed on
	delay   time.Duration // each piece arrives so much later, in both directions
	rate    int           // bytes a second of each connection and direction; 0: no limit
	budget  int           // bytes that clients may send until every connection is reset; 0: no limit
}

// New starts a proxy before the server at target, "host:port". The server need not be there yet: a client is
// disconnected when the server cannot be reached.
func New(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faultproxy: %w", err)
	}
	p := &Proxy{listener: l, target: target, pairs: make(map[*pair]struct{}), wake: make(chan struct{})}
	p.wg.Go(p.accept)
	return p, nil
}

// Addr returns the address for clients, "127.0.0.1:port".
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port returns the port for clients.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.Addr())
	return port
}

// Close ends all connections and blocks until nothing of the proxy runs any more.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.change(func(f *faults) { f.off = true }, func(pr *pair) { pr.close(false) })
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wg.Wait()
}

// Cut closes every connection and refuses new ones until Restore.
func (p *Proxy) Cut() {
	p.change(func(f *faults) { f.off = true }, func(pr *pair) { pr.close(false) })
}

// Reset resets every connection: bytes on their way are lost. New connections work.
func (p *Proxy) Reset() { p.change(nil, func(pr *pair) { pr.close(true) }) }

// ResetAfter resets every connection as soon as clients have sent n more bytes, of which the server gets all but the
// last piece's rest: a message is broken in its middle.
func (p *Proxy) ResetAfter(n int) { p.change(func(f *faults) { f.budget = max(n, 1) }, nil) }

// Blackhole stops all bytes, in both directions, until Restore; connections stay open and new ones are accepted. Nothing
// is lost: what was held up passes then.
func (p *Proxy) Blackhole() { p.change(func(f *faults) { f.hole = true }, nil) }

// Swallow reads what clients send, so that TCP acknowledges it, and drops it: the server never sees it. Reset or Cut
// then make a proxy that acknowledged and died.
func (p *Proxy) Swallow() { p.change(func(f *faults) { f.swallow = true }, nil) }

// Delay makes everything arrive d later, in both directions.
func (p *Proxy) Delay(d time.Duration) { p.change(func(f *faults) { f.delay = d }, nil) }

// Throttle lets so many bytes a second through each connection and direction.
func (p *Proxy) Throttle(bytesPerSecond int) {
	p.change(func(f *faults) { f.rate = bytesPerSecond }, nil)
}

// Restore ends all faults. Connections that were closed, stranded or had bytes swallowed stay broken.
func (p *Proxy) Restore() { p.change(func(f *faults) { *f = faults{} }, nil) }

// Strand lets nothing more through the connections that there are, and keeps them open towards the server whatever the
// client does: they are half-open. The client's bytes are not acknowledged any more; those that were are passed on.
// New connections work. It needs Linux.
func (p *Proxy) Strand() error {
	var failed error
	p.change(nil, func(pr *pair) {
		if err := deafen(pr.client); err != nil {
			failed = err
		}
		pr.strand()
	})
	return failed
}

// change changes the faults and then does something with each connection.
func (p *Proxy) change(set func(*faults), each func(*pair)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if set != nil {
		set(&p.faults)
	}
	close(p.wake)
	p.wake = make(chan struct{})
	if each == nil {
		return
	}
	for pr := range p.pairs {
		each(pr)
	}
}

// now returns the faults, and a channel that is closed when they change.
func (p *Proxy) now() (faults, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults, p.wake
}

// spend takes n bytes from the budget of ResetAfter, and returns how many of them may pass and whether it is spent.
func (p *Proxy) spend(n int) (pass int, spent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults.budget == 0 {
		return n, false
	}
	if n < p.faults.budget {
		p.faults.budget -= n
		return n, false
	}
	pass, p.faults.budget = p.faults.budget, 0
	return pass, true
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if f, _ := p.now(); f.off {
			_ = client.Close()
			continue
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	pr := &pair{proxy: p, client: client, server: server, stranded: make(chan struct{}), closed: make(chan struct{})}
	p.mu.Lock()
	off := p.faults.off
	if !off {
		p.pairs[pr] = struct{}{}
	}
	p.mu.Unlock()
	if off {
		pr.close(false)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pr.pass(server, client, true) })
	both.Go(func() { pr.pass(client, server, false) })
	both.Wait()
	p.mu.Lock()
	_, open := p.pairs[pr]
	if isClosed(pr.stranded) && open && !p.closed && !p.faults.off {
		p.mu.Unlock()
		return // half-open: Close ends it
	}
	delete(p.pairs, pr)
	p.mu.Unlock()
	pr.close(false)
}

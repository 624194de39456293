package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// A cutProxy stands between a worker and its master and can break what passes
// through it.
type cutProxy struct {
	t        *testing.T
	listener net.Listener
	target   string

	mu    sync.Mutex
	off   bool
	pairs map[*proxyPair]struct{}
	wg    sync.WaitGroup
}

// A proxyPair is one connection through the proxy.
type proxyPair struct {
	client, server net.Conn
	stalled        chan struct{} // closed when nothing of the master's may pass any more
}

func newCutProxy(t *testing.T, masterPort int) *cutProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &cutProxy{t: t, listener: l, target: fmt.Sprintf("127.0.0.1:%d", masterPort), pairs: make(map[*proxyPair]struct{})}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *cutProxy) port() string {
	_, port, _ := net.SplitHostPort(p.listener.Addr().String())
	return port
}

// cut breaks every connection and refuses new ones until restore.
func (p *cutProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = true
	for pair := range p.pairs {
		_ = pair.client.Close()
		_ = pair.server.Close()
	}
}

func (p *cutProxy) restore() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = false
}

// strand lets nothing more through the connections that there are, and keeps them
// open towards the master whatever the worker does: they are half-open. The worker's
// bytes are not acknowledged any more; those that were are passed on. New connections
// work.
func (p *cutProxy) strand() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pair := range p.pairs {
		deafen(p.t, pair.client)
		pair.stall()
	}
}

func (pair *proxyPair) stall() {
	select {
	case <-pair.stalled:
	default:
		close(pair.stalled)
	}
}

func (p *cutProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		off := p.off
		p.mu.Unlock()
		if off {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		pair := &proxyPair{client, server, make(chan struct{})}
		p.mu.Lock()
		p.pairs[pair] = struct{}{}
		p.mu.Unlock()
		p.wg.Go(func() { pair.copy(server, client, nil) })
		p.wg.Go(func() { pair.copy(client, server, pair.stalled) })
	}
}

// copy passes bytes on until an end closes, and drops them once stalled is closed.
func (pair *proxyPair) copy(to, from net.Conn, stalled <-chan struct{}) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-stalled:
			if err == nil {
				continue
			}
			return // and leave the other end open
		default:
		}
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if err != nil {
			_ = from.Close()
			if tcp, ok := to.(*net.TCPConn); ok && errors.Is(err, io.EOF) {
				_ = tcp.CloseWrite()
				return
			}
			_ = to.Close()
			return
		}
	}
}

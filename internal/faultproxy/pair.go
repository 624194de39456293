package faultproxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	pieceBytes = 16 << 10
	// queued is how many pieces may be under way in one direction.
	queued = 256
)

// A pair is one connection through the proxy.
type pair struct {
	proxy          *Proxy
	client, server net.Conn

	once     sync.Once
	closed   chan struct{}
	stranded chan struct{} // closed when nothing of the server's may pass any more
}

// A piece is what one read has given.
type piece struct {
	bytes []byte
	due   time.Time // when it may arrive
}

// close ends both connections, with a reset or in the usual way. Only the first call counts.
func (pr *pair) close(reset bool) {
	pr.once.Do(func() {
		for _, c := range []net.Conn{pr.client, pr.server} {
			if tcp, ok := c.(*net.TCPConn); ok && reset {
				_ = tcp.SetLinger(0)
			}
			_ = c.Close()
		}
		close(pr.closed)
	})
}

// strand is called with the proxy's lock.
func (pr *pair) strand() {
	if !isClosed(pr.stranded) {
		close(pr.stranded)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// pass copies one direction until an end closes.
func (pr *pair) pass(to, from net.Conn, clients bool) {
	pieces := make(chan piece, queued)
	var wg sync.WaitGroup
	wg.Go(func() { pr.write(to, pieces) })
	err := pr.read(from, pieces, clients)
	close(pieces)
	wg.Wait()
	switch {
	case isClosed(pr.stranded): // and leave the other end open
	case errors.Is(err, io.EOF):
		_ = from.(*net.TCPConn).CloseRead()
		if !isClosed(pr.closed) {
			_ = to.(*net.TCPConn).CloseWrite()
		}
	default:
		pr.close(true)
	}
}

// read takes pieces from a connection until it ends or is closed.
func (pr *pair) read(from net.Conn, pieces chan<- piece, clients bool) error {
	for {
		if !pr.throughHole() {
			return net.ErrClosed
		}
		buf := make([]byte, pieceBytes)
		n, err := from.Read(buf)
		f, _ := pr.proxy.now()
		stop := false
		if clients && n > 0 {
			if f.swallow {
				n = 0
			}
			n, stop = pr.proxy.spend(n)
		}
		if !clients && isClosed(pr.stranded) {
			n = 0
		}
		if n > 0 {
			select {
			case pieces <- piece{buf[:n], time.Now().Add(f.delay)}:
			case <-pr.closed:
				return net.ErrClosed
			}
		}
		if stop {
			return errSpent
		}
		if err != nil {
			return err
		}
	}
}

var errSpent = errors.New("faultproxy: the budget is spent")

// write passes pieces on when they are due, at the rate of the moment. It goes on taking them when it cannot.
func (pr *pair) write(to net.Conn, pieces <-chan piece) {
	for p := range pieces {
		for len(p.bytes) > 0 && pr.pause(time.Until(p.due)) && pr.throughHole() {
			n := len(p.bytes)
			f, _ := pr.proxy.now()
			if f.rate > 0 {
				n = min(n, max(f.rate/20, 1))
				p.due = time.Now().Add(time.Duration(n) * time.Second / time.Duration(f.rate))
			}
			if _, err := to.Write(p.bytes[:n]); err != nil {
				pr.close(true)
				break
			}
			p.bytes = p.bytes[n:]
		}
	}
}

// pause waits, and reports false when the pair is closed.
func (pr *pair) pause(d time.Duration) bool {
	if d <= 0 {
		return !isClosed(pr.closed)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-pr.closed:
		return false
	}
}

// throughHole waits while the proxy is a black hole, and reports false when the pair is closed.
func (pr *pair) throughHole() bool {
	for {
		f, changed := pr.proxy.now()
		if !f.hole {
			return !isClosed(pr.closed)
		}
		select {
		case <-changed:
		case <-pr.closed:
			return false
		}
	}
}

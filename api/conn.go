package api

import (
	"context"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// net/http writes a reply through a buffer of this size: what is larger leaves in two system calls, first the full
// buffer and then the rest. conn makes one of them, which saves about a tenth of the CPU of a 13 KB reply.
const httpBuffer = 4096

// checkAfter is how long a handler may work before the server looks whether its client is still there. net/http reads
// from the connection for that as soon as a handler begins and gives it up at the end: a system call and a wait in the
// network poller for nearly every request, a twentieth of the CPU of one that waits for Redis.
const checkAfter = 100 * time.Millisecond

// connListener makes its connections conns, and has no more of them open than there are slots: others wait in the
// kernel's queue until one closes.
type connListener struct {
	net.Listener
	slots  chan struct{} // holds an element for each open connection
	full   func()        // called when there is no slot
	closed chan struct{}
	once   sync.Once
}

func newConnListener(listener net.Listener, limit int, full func()) *connListener {
	return &connListener{Listener: listener, slots: make(chan struct{}, limit), full: full, closed: make(chan struct{})}
}

func (l *connListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	default:
		l.full()
		select {
		case l.slots <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	accepted, err := l.Listener.Accept()
	if tcp, ok := accepted.(*net.TCPConn); ok {
		return newConn(tcp, l.release), err
	}
	l.release() // an error, or another kind of connection, which is not counted
	return accepted, err
}

func (l *connListener) release() { <-l.slots }

func (l *connListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// conn is a TCP connection that spares net/http system calls. What goes over the wire is the same.
type conn struct {
	*net.TCPConn
	release func() // gives the listener's slot back
	ended   sync.Once

	// Only the goroutine that writes the reply uses these.
	hold bool   // the next write waits for the one after
	held []byte // what was held back, until the next write; empty for nothing

	// A reader of one byte waits here, first.
	accepted time.Time
	wake     chan bool   // true for a reader that is to give up, false for one that is to read
	timer    *time.Timer // armed once in checkAfter, not for each reader
	mu       sync.Mutex
	overdue  bool  // the read deadline has passed
	waiting  bool  // a reader waits
	readers  int64 // how many have waited
	armedFor int64 // the reader that the timer was armed for; 0 while it is not armed
}

func newConn(tcp *net.TCPConn, release func()) *conn {
	c := &conn{TCPConn: tcp, release: release, accepted: time.Now(), wake: make(chan bool, 1)}
	c.timer = time.AfterFunc(checkAfter, c.tick)
	c.timer.Stop()
	return c
}

// Read reads; one byte, which is how net/http looks whether the client is still there, only after checkAfter.
func (c *conn) Read(b []byte) (int, error) {
	if len(b) == 1 && c.wait() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.TCPConn.Read(b)
}

// wait returns true when the read deadline passes, and false after checkAfter, or twice that.
func (c *conn) wait() (overdue bool) {
	c.mu.Lock()
	if c.overdue {
		c.mu.Unlock()
		return true
	}
	c.waiting = true
	c.readers++
	c.arm()
	c.mu.Unlock()
	return <-c.wake
}

// arm sets the timer, unless it is set. The caller holds mu.
func (c *conn) arm() {
	if c.armedFor == 0 {
		c.armedFor = c.readers
		c.timer.Reset(checkAfter)
	}
}

// tick lets the reader read that the timer was armed for, and has a later one wait on.
func (c *conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	same := c.armedFor == c.readers
	c.armedFor = 0
	switch {
	case c.waiting && same:
		c.wakeUp(false)
	case c.waiting:
		c.arm()
	}
}

// wakeUp ends the wait. The caller holds mu, and there is a reader that waits.
func (c *conn) wakeUp(overdue bool) {
	c.waiting = false
	c.wake <- overdue
}

// SetReadDeadline sets the deadline. One that has passed makes a reader give up, which the kernel need not know of
// while the reader waits here.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	c.overdue = !t.IsZero() && t.Before(c.accepted)
	if c.overdue && c.waiting {
		c.wakeUp(true)
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	return c.TCPConn.SetReadDeadline(t)
}

// Close closes the connection. A reader that waits finds it closed.
func (c *conn) Close() error {
	c.mu.Lock()
	c.timer.Stop()
	if c.waiting {
		c.wakeUp(false)
	}
	c.mu.Unlock()
	defer c.ended.Do(c.release)
	return c.TCPConn.Close()
}

// gather holds the next write back until the one after. The caller knows that there will be one.
func (c *conn) gather() { c.hold = true }

// Write writes b, after what was held back.
func (c *conn) Write(b []byte) (int, error) {
	if c.hold {
		c.hold = false
		c.held = append(c.held[:0], b...)
		return len(b), nil
	}
	if len(c.held) == 0 {
		return c.TCPConn.Write(b)
	}
	first := len(c.held)
	parts := net.Buffers{c.held, b}
	c.held = c.held[:0]
	n, err := parts.WriteTo(c.TCPConn)
	return max(int(n)-first, 0), err
}

type connKey struct{}

// withConn lets gatherReply find the connection.
func withConn(ctx context.Context, accepted net.Conn) context.Context {
	if c, ok := accepted.(*conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// gatherReply makes one write of a reply whose body has size bytes. It is called before the reply begins.
func gatherReply(r *http.Request, size int) {
	if size < httpBuffer || r.Method == http.MethodHead {
		return
	}
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.gather()
	}
}

package transport

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitLimit is how long a test waits for what should happen at once.
const waitLimit = 10 * time.Second

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	t.Cleanup(cancel)
	return ctx
}

// until polls for a condition that holds sooner or later.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLimit); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("still not after %v: %s", waitLimit, what)
		}
		time.Sleep(time.Millisecond)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// pair returns the two ends of a connection.
func pair(t *testing.T) (dealer, router *Conn) {
	t.Helper()
	l := listen(t)
	return pairAt(t, l, l.Addr().String())
}

// pairAt dials addr, which leads to the listener.
func pairAt(t *testing.T, l net.Listener, addr string) (dealer, router *Conn) {
	t.Helper()
	type result struct {
		c   *Conn
		err error
	}
	accepted := make(chan result, 1)
	ctx := soon(t)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			accepted <- result{err: err}
			return
		}
		c, err := Accept(ctx, nc)
		accepted <- result{c, err}
	}()
	dealer, err := Dial(ctx, addr, "worker_1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dealer.Abort() })
	r := <-accepted
	if r.err != nil {
		t.Fatal(r.err)
	}
	t.Cleanup(func() { _ = r.c.Abort() })
	return dealer, r.c
}

// payload is size bytes of a pattern that router.py knows too.
func payload(size int) []byte {
	pattern := make([]byte, 251)
	for i := range pattern {
		pattern[i] = byte(i)
	}
	return bytes.Repeat(pattern, size/len(pattern)+1)[:size]
}

func mustSend(t *testing.T, c *Conn, frame []byte) {
	t.Helper()
	if err := c.Send(frame); err != nil {
		t.Fatal(err)
	}
}

func mustRecv(t *testing.T, c *Conn) []byte {
	t.Helper()
	frame, err := c.Recv()
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

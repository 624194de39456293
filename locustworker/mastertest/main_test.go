package mastertest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// conn is what a session needs of a connection, over TCP or in memory.
type conn interface {
	Send(frame []byte) error
	Sent() int64
	Acked() (n int64, ok bool)
	Recv() ([]byte, error)
	Close() error
	Abort() error
}

var (
	_ conn = (*Conn)(nil)
	_ conn = (*transport.Conn)(nil)
)

// client is a worker played by a test.
type client struct {
	conn
	t  *testing.T
	id string
}

func dial(t *testing.T, m *Master, id string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	var c conn
	var err error
	if m.memory {
		c, err = m.Dial(ctx, m.Addr(), id)
	} else {
		c, err = transport.Dial(ctx, m.Addr(), id)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Abort() })
	return &client{conn: c, t: t, id: id}
}

func (c *client) send(messages ...wire.Outbound) {
	c.t.Helper()
	for _, m := range messages {
		frame, err := wire.Encode(c.id, m)
		if err != nil {
			c.t.Fatal(err)
		}
		if err := c.Send(frame); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *client) recv() wire.Inbound {
	c.t.Helper()
	frame, err := c.Recv()
	if err != nil {
		c.t.Fatal(err)
	}
	e, err := wire.Decode(frame)
	if err != nil {
		c.t.Fatal(err)
	}
	if e.NodeID != c.id {
		c.t.Errorf("node id %q", e.NodeID)
	}
	return e.Body
}

// want checks what the worker receives next.
func (c *client) want(bodies ...wire.Inbound) {
	c.t.Helper()
	for _, want := range bodies {
		if got := c.recv(); fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			c.t.Fatalf("got %#v, want %#v", got, want)
		}
	}
}

// join registers the worker.
func (c *client) join(index int) {
	c.t.Helper()
	c.send(wire.ClientReady{})
	c.want(wire.Ack{Index: index, HasIndex: true})
}

// joined returns the worker "w", registered.
func joined(t *testing.T, m *Master) *client {
	t.Helper()
	c := dial(t, m, "w")
	c.join(0)
	return c
}

// alive sends a heartbeat and waits for the answer: everything before it was
// handled.
func (c *client) alive() {
	c.t.Helper()
	c.send(wire.Heartbeat{State: wire.StateReady})
	c.want(wire.HeartbeatReply{})
}

// both runs a test over TCP and in memory.
func both(t *testing.T, test func(t *testing.T, m *Master), opts ...Option) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) { test(t, New(t, opts...)) })
	t.Run("memory", func(t *testing.T) { test(t, NewInMemory(t, opts...)) })
}

// fakeTB is a test that may fail.
type fakeTB struct {
	testing.TB
	mu     sync.Mutex
	failed []string
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// run runs what may call Fatalf and returns all that was failed for.
func (f *fakeTB) run(test func()) string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		test()
	}()
	<-done
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.failed, "\n")
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(waitLimit); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

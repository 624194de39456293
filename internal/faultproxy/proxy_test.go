package faultproxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

// connect sets up a proxy with one connection through it and returns its two ends.
func connect(t *testing.T) (p *Proxy, client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if p, err = New(l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	client = dial(t, p)
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	exchange(t, client, server)
	return p, client, server
}

func dial(t *testing.T, p *Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// exchange requires that bytes pass in both directions.
func exchange(t *testing.T, a, b net.Conn) {
	t.Helper()
	for _, ends := range [][2]net.Conn{{a, b}, {b, a}} {
		if _, err := ends[0].Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		read(t, ends[1], "hello")
	}
}

func read(t *testing.T, c net.Conn, want string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// silent requires that nothing arrives for a moment.
func silent(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v; want silence", n, err)
	}
}

func TestCutAndRestore(t *testing.T) {
	p, client, server := connect(t)
	p.Cut()
	for _, c := range []net.Conn{client, server} {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after a cut: %v", err)
		}
	}
	refused := dial(t, p)
	_ = refused.SetReadDeadline(time.Now().Add(patience))
	if _, err := refused.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection while cut: %v", err)
	}
	p.Restore()
	if _, err := dial(t, p).Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

func TestReset(t *testing.T) {
	p, client, server := connect(t)
	p.Reset()
	for _, c := range []net.Conn{client, server} {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("after a reset: %v", err)
		}
	}
}

func TestResetAfterBreaksAMessage(t *testing.T) {
	p, client, server := connect(t)
	p.ResetAfter(3)
	if _, err := client.Write([]byte("abcdef")); err != nil {
		t.Fatal(err)
	}
	_ = server.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(server)
	if len(got) > 3 || !bytes.Equal(got, []byte("abc")[:len(got)]) || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the server has read %q, %v", got, err)
	}
}

func TestBlackholeHoldsEverything(t *testing.T) {
	p, client, server := connect(t)
	p.Blackhole()
	_, _ = client.Write([]byte("up"))
	_, _ = server.Write([]byte("down"))
	silent(t, server)
	silent(t, client)
	p.Restore()
	read(t, server, "up")
	read(t, client, "down")
}

func TestSwallow(t *testing.T) {
	p, client, server := connect(t)
	p.Swallow()
	_, _ = client.Write([]byte("lost"))
	silent(t, server)
	_, _ = server.Write([]byte("down"))
	read(t, client, "down")
}

func TestDelayAndThrottle(t *testing.T) {
	p, client, server := connect(t)
	p.Delay(100 * time.Millisecond)
	began := time.Now()
	exchange(t, client, server)
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("there and back took %v", took)
	}
	p.Restore()
	p.Throttle(1000)
	began = time.Now()
	_, _ = client.Write(make([]byte, 300))
	read(t, server, string(make([]byte, 300)))
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("300 bytes at 1000 a second took %v", took)
	}
}

func TestStrandKeepsTheServersEnd(t *testing.T) {
	p, client, server := connect(t)
	if err := p.Strand(); err != nil {
		t.Fatal(err)
	}
	_, _ = client.Write([]byte("x"))
	_ = client.Close()
	silent(t, server)
	_, _ = server.Write([]byte("y"))
	silent(t, server)
	if _, err := dial(t, p).Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

func TestNoServer(t *testing.T) {
	p, err := New("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := dial(t, p)
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("without a server: %v", err)
	}
}

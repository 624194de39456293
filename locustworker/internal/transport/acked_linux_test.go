package transport

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAckedFollowsSent(t *testing.T) {
	dealer, router := pair(t)
	for size := range 300 {
		before := dealer.Sent()
		mustSend(t, dealer, payload(size))
		header := int64(2)
		if size > 255 {
			header = 9
		}
		if got := dealer.Sent() - before; got != header+int64(size) {
			t.Fatalf("frame of %d bytes: Sent grew by %d", size, got)
		}
		if n, ok := dealer.Acked(); !ok || n > dealer.Sent() {
			t.Fatalf("acked %d of %d, %v", n, dealer.Sent(), ok)
		}
		_ = mustRecv(t, router)
	}
	until(t, "all is acknowledged", func() bool { n, _ := dealer.Acked(); return n == dealer.Sent() })
}

func TestAckedNeverFalls(t *testing.T) {
	const frames = 500
	dealer, router := pair(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range frames {
			if err := dealer.Send(payload(20_000)); err != nil {
				t.Error(err)
			}
		}
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for last := int64(0); ; {
			n, ok := dealer.Acked()
			if !ok || n < last {
				t.Errorf("acked %d after %d, %v", n, last, ok)
				return
			}
			last = n
			select {
			case <-done:
				return
			default:
			}
		}
	}()
	for range frames {
		_ = mustRecv(t, router)
	}
	<-done
	<-watched
}

// stall returns a connection whose peer has stopped to read and whose buffers
// are full, and the peer's side.
func stall(t *testing.T) (dealer *Conn, peer net.Conn) {
	t.Helper()
	dealer, peer = rawPeer(t)
	dealer.writeTimeout = 200 * time.Millisecond
	frame := payload(1 << 20)
	for {
		if err := dealer.Send(frame); err != nil {
			if !errors.Is(err, ErrDown) || !errors.Is(err, errStalled) {
				t.Fatal(err)
			}
			return dealer, peer
		}
	}
}

// drained counts what the peer's program gets to read.
func drained(t *testing.T, peer net.Conn) (int64, error) {
	t.Helper()
	_ = peer.SetReadDeadline(time.Now().Add(waitLimit))
	return io.Copy(io.Discard, peer)
}

func TestAbortDeliversNothingMore(t *testing.T) {
	dealer, peer := stall(t)
	acked, ok := dealer.Acked()
	if !ok || acked >= dealer.Sent() {
		t.Fatalf("acked %d of %d, %v: want a part", acked, dealer.Sent(), ok)
	}
	_ = dealer.Abort()
	if last, ok := dealer.Acked(); ok || last != acked {
		t.Errorf("after Abort: %d, %v; before %d", last, ok, acked)
	}
	n, err := drained(t, peer)
	if !isReset(err) {
		t.Errorf("the peer sees %v", err)
	}
	if n += int64(greetingSize + len(readyCommand("DEALER", "w"))); n != acked {
		t.Errorf("the peer could read %d bytes, acknowledged were %d", n, acked)
	}
}

func TestCloseOfAStalledLinkResets(t *testing.T) {
	dealer, peer := stall(t)
	acked, _ := dealer.Acked()
	_ = dealer.Close()
	n, err := drained(t, peer)
	if !isReset(err) {
		t.Errorf("the peer sees %v", err)
	}
	if n += int64(greetingSize + len(readyCommand("DEALER", "w"))); n != acked {
		t.Errorf("the peer could read %d bytes, acknowledged were %d", n, acked)
	}
}

// A Close that went well says that everything has arrived.
func TestAckedAfterClose(t *testing.T) {
	dealer, peer := rawPeer(t)
	mustSend(t, dealer, payload(1000))
	read := make(chan error, 1)
	go func() {
		_, err := drained(t, peer)
		_ = peer.Close()
		read <- err
	}()
	_ = dealer.Close()
	if n, ok := dealer.Acked(); ok || n != dealer.Sent() {
		t.Errorf("acked %d of %d, %v", n, dealer.Sent(), ok)
	}
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// The kernel throws the unacknowledged bytes away when the peer resets the
// connection, and still knows how many they were.
func TestAckedAfterAReset(t *testing.T) {
	dealer, peer := stall(t)
	before, _ := dealer.Acked()
	_ = peer.(*net.TCPConn).SetLinger(0)
	_ = peer.Close()
	wantDown(t, dealer)
	after, ok := dealer.Acked()
	if !ok || after != before || after >= dealer.Sent() {
		t.Errorf("acked %d of %d, %v; %d before the reset", after, dealer.Sent(), ok, before)
	}
}

// deafen makes the kernel drop whatever arrives for a connection, as if the
// machine behind it were gone: a socket filter that keeps no byte.
func deafen(t *testing.T, nc net.Conn) {
	t.Helper()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
}

// A program that stands still and a machine that is gone look alike to Send and
// Recv. TCP tells them apart.
func TestInFlightTellsABusyPeerFromADeadOne(t *testing.T) {
	t.Run("busy", func(t *testing.T) {
		dealer, _ := stall(t)
		until(t, "nothing is in flight", func() bool { n, ok := dealer.InFlight(); return ok && n == 0 })
		if acked, _ := dealer.Acked(); acked == dealer.Sent() {
			t.Error("all is acknowledged: the receive window is not full")
		}
		_ = dealer.Abort()
		if n, ok := dealer.InFlight(); ok || n != 0 {
			t.Errorf("after Abort: %d, %v", n, ok)
		}
	})
	t.Run("dead", func(t *testing.T) {
		dealer, peer := rawPeer(t)
		mustSend(t, dealer, payload(10))
		until(t, "nothing is in flight", func() bool { n, ok := dealer.InFlight(); return ok && n == 0 })
		deafen(t, peer)
		before := dealer.Sent()
		mustSend(t, dealer, payload(100))
		for range 20 {
			if n, ok := dealer.InFlight(); !ok || n != dealer.Sent()-before {
				t.Fatalf("in flight %d, %v; want %d", n, ok, dealer.Sent()-before)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

// The system itself ends a connection that nobody acknowledges.
func TestDialedConnectionsHaveAUserTimeout(t *testing.T) {
	dealer, _ := pair(t)
	raw, err := dealer.nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		if ms, err := unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil || ms != 60_000 {
			t.Errorf("TCP_USER_TIMEOUT is %d ms, %v", ms, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFramesArriveWholeAndInOrder(t *testing.T) {
	dealer, router := pair(t)
	if got := router.Peer(); got != "worker_1" {
		t.Errorf("identity %q", got)
	}
	for _, ends := range [][2]*Conn{{dealer, router}, {router, dealer}} {
		for _, size := range []int{0, 1, 255, 256, 70_000, 5 << 20} {
			sent := make(chan error, 1)
			go func() { sent <- ends[0].Send(payload(size)) }()
			if got := mustRecv(t, ends[1]); !bytes.Equal(got, payload(size)) {
				t.Errorf("size %d: got %d bytes, or other ones", size, len(got))
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		}
	}
}

// Conformance: T6
func TestConcurrentSendsDoNotMix(t *testing.T) {
	const senders, each = 8, 200
	dealer, router := pair(t)
	var wg sync.WaitGroup
	for sender := range senders {
		wg.Go(func() {
			for i := range each {
				frame := binary.BigEndian.AppendUint32([]byte{byte(sender)}, uint32(i))
				if err := dealer.Send(append(frame, payload(i*3)...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var next [senders]uint32
	for range senders * each {
		frame := mustRecv(t, router)
		sender, i := frame[0], binary.BigEndian.Uint32(frame[1:])
		if i != next[sender] || !bytes.Equal(frame[5:], payload(int(i)*3)) {
			t.Fatalf("sender %d: frame %d of %d bytes, want frame %d", sender, i, len(frame), next[sender])
		}
		next[sender]++
	}
	wg.Wait()
}

func TestIdentityIsChecked(t *testing.T) {
	for _, identity := range []string{"", "\x00a", strings.Repeat("x", 256)} {
		if _, err := Dial(t.Context(), "127.0.0.1:1", identity); !errors.Is(err, ErrIdentity) {
			t.Errorf("%q: %v", identity, err)
		}
	}
}

// Conformance: T10
func TestDialFails(t *testing.T) {
	l := listen(t)
	closed := listen(t)
	_ = closed.Close()
	tests := []struct {
		name, addr string
		answer     string // what the peer says
		want       string
	}{
		{"refused", closed.Addr().String(), "", "refused"},
		{"no port", "127.0.0.1", "", "missing port"},
		{"web server", l.Addr().String(), "HTTP/1.1 400 Bad Request\r\n\r\n", "it began with 0x48"},
		{"old ZeroMQ", l.Addr().String(), zmtpGreeting(2, "NULL"), "ZMTP 2"},
		{"encrypted", l.Addr().String(), zmtpGreeting(3, "CURVE"), `"CURVE"`},
		{"closed", l.Addr().String(), "\xff\x00", "unexpected EOF"},
		{"wrong socket", l.Addr().String(), zmtpGreeting(3, "NULL") + string(readyCommand("PUB", "")), `"PUB" socket`},
		{"message first", l.Addr().String(), zmtpGreeting(3, "NULL") + "\x00\x00", "before READY"},
		{"error", l.Addr().String(), zmtpGreeting(3, "NULL") + string(appendCommand(nil, "ERROR", []byte("\x03bad"))), `refused the connection: "bad"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.answer != "" {
				answered := make(chan struct{})
				defer func() { <-answered }()
				go answer(t, l, test.answer, answered)
			}
			_, err := Dial(soon(t), test.addr, "w")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func zmtpGreeting(version byte, mechanism string) string {
	g := greeting()
	g[10] = version
	clear(g[12:32])
	copy(g[12:], mechanism)
	return string(g)
}

func answer(t *testing.T, l net.Listener, text string, done chan<- struct{}) {
	defer close(done)
	nc, err := l.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = nc.Read(make([]byte, 1024)) // unread bytes would turn the close into a reset
	_, _ = nc.Write([]byte(text))
	_ = nc.Close()
}

// A listener that never accepts completes the TCP handshake all the same.
func TestDialEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Dial(ctx, listen(t).Addr().String(), "w")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Conformance: T10
func TestDialReachesIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	dealer, router := pairAt(t, l, l.Addr().String())
	mustSend(t, dealer, []byte("six"))
	if got := mustRecv(t, router); string(got) != "six" {
		t.Errorf("got %q", got)
	}
}

func TestTooLongFrameLeavesTheLinkAlone(t *testing.T) {
	dealer, router := pair(t)
	if err := dealer.Send(make([]byte, maxFrame+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
	mustSend(t, dealer, []byte("next"))
	if got := mustRecv(t, router); string(got) != "next" {
		t.Errorf("got %q", got)
	}
}

// rawPeer plays a ROUTER by hand and returns the TCP connection.
func rawPeer(t *testing.T) (dealer *Conn, peer net.Conn) {
	t.Helper()
	l := listen(t)
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			t.Error(err)
			close(accepted)
			return
		}
		_, err = nc.Write(append(greeting(), readyCommand("ROUTER", "")...))
		if err != nil {
			t.Error(err)
		}
		accepted <- nc
	}()
	dealer, err := Dial(soon(t), l.Addr().String(), "w")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dealer.Abort() })
	peer = <-accepted
	t.Cleanup(func() { _ = peer.Close() })
	if _, err := readFull(peer, greetingSize+len(readyCommand("DEALER", "w"))); err != nil {
		t.Fatal(err)
	}
	return dealer, peer
}

func readFull(nc net.Conn, n int) ([]byte, error) {
	_ = nc.SetReadDeadline(time.Now().Add(waitLimit))
	return readBody(nc, n)
}

func TestPingIsAnswered(t *testing.T) {
	dealer, peer := rawPeer(t)
	ping := appendCommand(nil, "PING", []byte("\x00\x0acontext"))
	message := appendFrame(nil, 0, []byte("after"))
	if _, err := peer.Write(append(ping, message...)); err != nil {
		t.Fatal(err)
	}
	if got := mustRecv(t, dealer); string(got) != "after" {
		t.Errorf("got %q", got)
	}
	want := appendCommand(nil, "PONG", []byte("context"))
	if got, err := readFull(peer, len(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// Conformance: T12
func TestMalformedPeerIsDown(t *testing.T) {
	tests := []struct{ name, sent, want string }{
		{"unknown flags", "\x08\x00", "flags 0x08"},
		{"command with more", "\x05\x01\x00", "flags 0x05"},
		{"huge frame", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff", "frame of 9223372036854775807 bytes"},
		{"huge command", "\x06\x00\x00\x00\x00\x00\x01\x00\x00", "frame of 65536 bytes"},
		{"nameless command", "\x04\x00", "without its name"},
		{"long PING", string(appendCommand(nil, "PING", make([]byte, 19))), "PING with 19 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dealer, peer := rawPeer(t)
			// what follows looks like a good message and must not be taken for one
			if _, err := peer.Write(append([]byte(test.sent), "\x00\x01a\x00\x01b"...)); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				_, err := dealer.Recv()
				if !errors.Is(err, ErrDown) || !errors.Is(err, errProtocol) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q in it", err, test.want)
				}
			}
			if err := dealer.Send(nil); !errors.Is(err, ErrDown) {
				t.Errorf("Send: %v", err)
			}
		})
	}
}

// Conformance: T1
func TestFirstFrameOfAMessageCounts(t *testing.T) {
	dealer, peer := rawPeer(t)
	var b []byte
	b = appendFrame(b, flagMore, []byte("first"))
	b = appendCommand(b, "WHAT", []byte("is this"))
	b = appendFrame(b, flagMore, payload(1000))
	b = appendFrame(b, 0, nil)
	b = appendFrame(b, 0, []byte("second"))
	if _, err := peer.Write(b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} {
		if got := mustRecv(t, dealer); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

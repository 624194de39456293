package transport

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

// wantDown checks that Recv and Send fail, again and again.
func wantDown(t *testing.T, c *Conn) {
	t.Helper()
	for range 3 {
		if _, err := c.Recv(); !errors.Is(err, ErrDown) {
			t.Errorf("Recv: %v", err)
		}
		if err := c.Send([]byte("x")); !errors.Is(err, ErrDown) {
			t.Errorf("Send: %v", err)
		}
	}
}

func TestPeerCloses(t *testing.T) {
	for name, end := range map[string]func(*Conn) error{"close": (*Conn).Close, "abort": (*Conn).Abort} {
		t.Run(name, func(t *testing.T) {
			dealer, router := pair(t)
			mustSend(t, router, []byte("last"))
			until(t, "the frame has arrived", func() bool { n, _ := router.Acked(); return n == router.Sent() })
			ended := make(chan error, 1)
			go func() { ended <- end(router) }()
			if got := mustRecv(t, dealer); string(got) != "last" {
				t.Errorf("got %q", got)
			}
			wantDown(t, dealer)
			if n, ok := dealer.Acked(); !ok || n != dealer.Sent() {
				t.Errorf("after the loss: acked %d of %d, %v", n, dealer.Sent(), ok)
			}
			_ = dealer.Close()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// A master may say "quit" and be gone before the worker's next heartbeat finds
// the link broken.
func TestLastWordsAreHeardAfterAFailedSend(t *testing.T) {
	dealer, router := pair(t)
	mustSend(t, router, []byte("quit"))
	until(t, "the frame has arrived", func() bool { n, _ := router.Acked(); return n == router.Sent() })
	_ = router.Abort()
	until(t, "Send fails", func() bool { return dealer.Send([]byte("heartbeat")) != nil })
	if got := mustRecv(t, dealer); string(got) != "quit" {
		t.Errorf("got %q", got)
	}
	wantDown(t, dealer)
}

func TestCloseWakesRecv(t *testing.T) {
	for name, end := range map[string]func(*Conn) error{"close": (*Conn).Close, "abort": (*Conn).Abort} {
		t.Run(name, func(t *testing.T) {
			dealer, router := pair(t)
			got := make(chan error, 1)
			go func() {
				_, err := dealer.Recv()
				got <- err
			}()
			go func() {
				_, _ = router.Recv()
				_ = router.Close()
			}()
			_ = end(dealer)
			if err := <-got; !errors.Is(err, ErrDown) || !errors.Is(err, ErrClosed) {
				t.Errorf("got %v", err)
			}
			wantDown(t, dealer)
			_ = dealer.Close()
			_ = dealer.Abort()
			if n, ok := dealer.Acked(); ok {
				t.Errorf("acked %d, true after the end", n)
			}
			until(t, "the peer is down too", func() bool { return router.Send(nil) != nil })
		})
	}
}

// Frames that had been read ahead are gone with Close, not handed out later.
func TestRecvGivesNothingAfterClose(t *testing.T) {
	dealer, router := pair(t)
	for range 3 {
		mustSend(t, router, []byte("x"))
	}
	until(t, "all frames have arrived", func() bool { n, _ := router.Acked(); return n == router.Sent() })
	_ = mustRecv(t, dealer)
	_ = dealer.Abort()
	wantDown(t, dealer)
}

func TestCloseDeliversWhatWasSent(t *testing.T) {
	const frames = 40
	dealer, router := pair(t)
	sent := make(chan error, 1)
	go func() {
		defer close(sent)
		for range frames {
			if err := dealer.Send(payload(100_000)); err != nil {
				sent <- err
			}
		}
		sent <- dealer.Close()
	}()
	for range frames {
		if got := mustRecv(t, router); len(got) != 100_000 {
			t.Fatalf("got %d bytes", len(got))
		}
	}
	if _, err := router.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v", err)
	}
	_ = router.Close()
	for err := range sent {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestCloseIsBounded(t *testing.T) {
	dealer, router := pair(t) // the router neither reads nor closes
	dealer.linger = 20 * time.Millisecond
	mustSend(t, dealer, []byte("x"))
	_ = dealer.Close()
	if got := mustRecv(t, router); string(got) != "x" {
		t.Errorf("got %q", got)
	}
	if _, err := router.Recv(); !errors.Is(err, ErrDown) {
		t.Errorf("got %v", err)
	}
}

func TestAbortEndsAWaitingClose(t *testing.T) {
	dealer, _ := pair(t)
	dealer.linger = time.Hour
	closed := make(chan error, 1)
	go func() { closed <- dealer.Close() }()
	until(t, "Close has begun", func() bool { return dealer.Send(nil) != nil })
	_ = dealer.Abort()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestConcurrentEnds(t *testing.T) {
	dealer, router := pair(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _ = dealer.Close() })
		wg.Go(func() { _ = dealer.Abort() })
		wg.Go(func() { _, _ = dealer.Recv() })
		wg.Go(func() { _ = dealer.Send([]byte("x")) })
		wg.Go(func() { _, _ = dealer.Acked() })
		wg.Go(func() { _ = router.Close() })
	}
	wg.Wait()
	wantDown(t, dealer)
}

// cutProxy forwards one TCP connection until it is told to cut it.
type cutProxy struct {
	l    net.Listener
	mu   sync.Mutex
	legs []net.Conn
	wg   sync.WaitGroup
}

func newCutProxy(t *testing.T, target string) *cutProxy {
	t.Helper()
	p := &cutProxy{l: listen(t)}
	p.wg.Go(func() {
		front, err := p.l.Accept()
		if err != nil {
			return
		}
		back, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			_ = front.Close()
			return
		}
		p.mu.Lock()
		p.legs = []net.Conn{front, back}
		p.mu.Unlock()
		p.wg.Go(func() { _, _ = io.Copy(back, front) })
		p.wg.Go(func() { _, _ = io.Copy(front, back) })
	})
	t.Cleanup(func() {
		_ = p.l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *cutProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, leg := range p.legs {
		_ = leg.Close()
	}
}

func TestCutByAProxy(t *testing.T) {
	l := listen(t)
	proxy := newCutProxy(t, l.Addr().String())
	dealer, router := pairAt(t, l, proxy.l.Addr().String())
	mustSend(t, dealer, []byte("before"))
	if got := mustRecv(t, router); string(got) != "before" {
		t.Errorf("got %q", got)
	}
	proxy.cut()
	wantDown(t, dealer)
	wantDown(t, router)
	if n, ok := dealer.Acked(); !ok || n != dealer.Sent() {
		t.Errorf("acked %d of %d, %v", n, dealer.Sent(), ok)
	}
}

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

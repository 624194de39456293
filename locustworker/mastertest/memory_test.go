package mastertest

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// bubble runs a test with fake time; Wait lets everything settle.
func bubble(t *testing.T, test func(t *testing.T, m *Master)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, NewInMemory(t)) })
}

func TestMinutesTakeNoTime(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		start := time.Now()
		for range 60 {
			c.alive()
			time.Sleep(time.Second)
		}
		if n := len(m.OfType("heartbeat")); n != 60 || time.Since(start) != time.Minute {
			t.Errorf("%d heartbeats in %v", n, time.Since(start))
		}
	})
}

func TestAckedFollowsSent(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		check := func(wantAll, wantOK bool) {
			t.Helper()
			if n, ok := c.Acked(); (n == c.Sent()) != wantAll || ok != wantOK {
				t.Errorf("acked %d of %d, %v", n, c.Sent(), ok)
			}
		}
		check(true, true)
		m.Stall()
		c.send(wire.ClientReady{})
		check(false, true)
		m.Unstall()
		check(true, true)
		m.Stall()
		c.send(wire.ClientReady{})
		m.Cut("w")
		check(false, true)
		_ = c.Close()
		check(false, false)
	})
}

func TestHideAcks(t *testing.T) {
	m := NewInMemory(t, HideAcks())
	c := joined(t, m)
	if n, ok := c.Acked(); n != 0 || ok {
		t.Errorf("acked %d, %v", n, ok)
	}
}

func TestStallDelays(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Stall()
		c.send(wire.Heartbeat{State: wire.StateReady})
		m.SendCustom("w", "late", nil)
		time.Sleep(time.Hour)
		if n := len(m.OfType("heartbeat")); n != 0 {
			t.Errorf("%d heartbeats", n)
		}
		m.Unstall()
		c.want(wire.Custom{Type: "late"}, wire.HeartbeatReply{})
	})
}

func TestDialWhileStalled(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		m.Stall()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := m.Dial(ctx, "", "w"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		time.AfterFunc(time.Second, m.Unstall)
		dial(t, m, "w").join(0)
		if got := m.Dials(); len(got) != 2 || got[1].Sub(got[0]) != 2*time.Second {
			t.Errorf("dials %v", got)
		}
	})
}

// An abort that the network swallows leaves the master with a dead connection: it
// is deaf to the next one until it has found out, by saying something.
func TestHalfOpenConnection(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Stall()
		_ = c.Abort()
		m.Unstall()
		deaf := dial(t, m, "w")
		deaf.send(wire.Quit{})
		synctest.Wait()
		if len(m.OfType("quit")) != 0 || m.Connections("w") != 2 {
			t.Errorf("%d connections, and heard:\n%s", m.Connections("w"), m)
		}
		m.SendCustom("w", "anybody there", nil)
		synctest.Wait()
		dial(t, m, "w").alive()
	})
}

func TestSendBlocksWhenNothingIsRead(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Pause()
		big, err := wire.EncodeAny("mine", make([]byte, 1<<20), "w")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		time.AfterFunc(10*time.Second, m.Resume)
		for range 8 {
			if err := c.Send(big); err != nil {
				t.Fatal(err)
			}
		}
		if waited := time.Since(start); waited != 10*time.Second {
			t.Errorf("waited %v", waited)
		}
		c.alive()
		m.Pause()
		for start = time.Now(); err == nil; {
			err = c.Send(big)
		}
		if waited := time.Since(start); !errors.Is(err, transport.ErrDown) || waited != writeTimeout {
			t.Errorf("%v after %v", err, waited)
		}
	})
}

func TestCloseDelivers(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Pause()
		c.send(wire.Heartbeat{State: wire.StateReady}, wire.Quit{})
		time.AfterFunc(time.Second, m.Resume)
		start := time.Now()
		_ = c.Close()
		if took := time.Since(start); took != time.Second {
			t.Errorf("Close took %v, the master read on after 1 s", took)
		}
		m.Expect("client_ready", "quit")
		if _, err := c.Recv(); !errors.Is(err, transport.ErrDown) {
			t.Errorf("Recv: %v", err)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Stall()
		c.send(wire.Quit{})
		start := time.Now()
		_ = c.Close()
		_ = c.Close()
		_ = c.Abort()
		if took := time.Since(start); took != closeTimeout {
			t.Errorf("Close took %v", took)
		}
		m.Unstall()
		synctest.Wait()
		if n := len(m.OfType("quit")); n != 0 {
			t.Error("what was aborted has arrived")
		}
	})
}

func TestAbortWakesRecv(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		time.AfterFunc(time.Second, func() { _ = c.Abort() })
		if _, err := c.Recv(); !errors.Is(err, transport.ErrDown) || !errors.Is(err, transport.ErrClosed) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if m.Connections("w") != 0 {
			t.Error("the master keeps the connection")
		}
	})
}

// What had arrived before a cut can still be received.
func TestCutKeepsWhatHasArrived(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Pause()
		c.send(wire.Quit{})
		m.Stop("w")
		m.Cut("w")
		m.Resume()
		c.want(wire.Stop{})
		if _, err := c.Recv(); !errors.Is(err, transport.ErrDown) || errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
		m.WaitFor("quit", time.Second)
	})
}

func TestDialChecksTheIdentity(t *testing.T) {
	for _, id := range []string{"", "\x00"} {
		if _, err := NewInMemory(t).Dial(t.Context(), "", id); !errors.Is(err, transport.ErrIdentity) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := New(t).Dial(t.Context(), "", "w"); err == nil {
		t.Error("a master on a socket was dialled in memory")
	}
}

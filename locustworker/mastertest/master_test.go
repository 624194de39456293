package mastertest

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

func TestRegistersAndAnswers(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		for i, id := range []string{"a_1", "b_2"} {
			c := dial(t, m, id)
			c.join(i)
			c.alive()
			c.join(i) // an index is kept
			if !m.Knows(id) || m.Connections(id) != 1 {
				t.Errorf("%s: knows %v, connections %d", id, m.Knows(id), m.Connections(id))
			}
		}
		if m.Knows("c") || m.Connections(Everyone) != 2 {
			t.Errorf("knows c: %v, connections %d", m.Knows("c"), m.Connections(Everyone))
		}
	})
}

func TestIndexCanBeChosen(t *testing.T) {
	m := NewInMemory(t)
	c := dial(t, m, "w")
	m.AckNil()
	c.send(wire.ClientReady{})
	c.want(wire.Ack{})
	m.AckIndex(5)
	c.join(5)
}

func TestHeartbeatsOfKnownWorkersAreAnswered(t *testing.T) {
	m := NewInMemory(t)
	c := joined(t, m)
	heartbeat := wire.Heartbeat{State: wire.StateReady}
	unanswered := func(off, on func()) {
		t.Helper()
		off()
		c.send(heartbeat)
		m.WaitFor("heartbeat", time.Second)
		on()
		c.alive() // one answer, not two
		m.WaitFor("heartbeat", time.Second)
	}
	unanswered(func() { m.AnswerHeartbeats(false) }, func() { m.AnswerHeartbeats(true) })
	unanswered(m.Silence, m.Speak)
	unanswered(func() { m.Drop("w") }, func() { c.join(0) })
	unanswered(func() { c.send(wire.ClientStopped{}) }, func() { c.join(0) })
	unanswered(func() { c.send(wire.Quit{}) }, func() { c.join(0) })
	if got := m.Violations(); len(got) != 0 {
		t.Errorf("violations %q", got)
	}
}

func TestSilenceAcknowledgesNobody(t *testing.T) {
	m := NewInMemory(t)
	m.Silence()
	c := dial(t, m, "w")
	c.send(wire.ClientReady{})
	m.WaitFor("client_ready", time.Second)
	if m.Knows("w") {
		t.Error("known")
	}
	m.Speak()
	c.join(0)
}

func TestScript(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		before := float64(time.Now().UnixNano()) / 1e9
		m.Spawn("w", map[string]int{"A": 2, "B": 0})
		first, ok := c.recv().(wire.Spawn)
		if !ok || first.Timestamp < before || !reflect.DeepEqual(first.UserClassesCount, map[string]int{"A": 2, "B": 0}) ||
			first.Host != "" || first.StopTimeout != 0 || len(first.ParsedOptions) != 0 {
			t.Errorf("got %#v", first)
		}
		m.Spawn(Everyone, map[string]int{"A": 1}, Host("http://h"), StopTimeout(1500*time.Millisecond), Arguments(map[string]any{"x": 1}))
		second, ok := c.recv().(wire.Spawn)
		if !ok || second.Timestamp <= first.Timestamp || second.Host != "http://h" || second.StopTimeout != 1500*time.Millisecond ||
			second.ParsedOptions["x"] != int64(1) {
			t.Errorf("got %#v", second)
		}
		m.Spawn("w", nil, Timestamp(7), Without("host"), Field("user_classes_count", map[string]any{"C": 3.0}))
		if third, ok := c.recv().(wire.Spawn); !ok || third.Timestamp != 7 || third.UserClassesCount["C"] != 3 {
			t.Errorf("got %#v", third)
		}
		m.Stop("w")
		m.Reconnect("w")
		m.SpawningComplete("w", 9)
		m.SendCustom("w", "mine", []any{nil, []byte{1}})
		m.Quit("w")
		c.want(
			wire.Stop{}, wire.Reconnect{}, wire.SpawningComplete{UserCount: 9},
			wire.Custom{Type: "mine", Data: []any{nil, []byte{1}}}, wire.Quit{},
		)
		m.SendRaw("w", []byte("garbage"))
		if frame, err := c.Recv(); err != nil || string(frame) != "garbage" {
			t.Errorf("got %q, %v", frame, err)
		}
	})
}

func TestScriptingNobodyFails(t *testing.T) {
	tb := &fakeTB{TB: t}
	m := New(tb)
	if got := tb.run(func() { m.Quit("w") }); got != `mastertest: send to worker "w": no such worker is connected` {
		t.Errorf("got %q", got)
	}
}

func TestCut(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Cut("other")
		c.alive()
		m.Cut("w")
		for range 2 {
			if _, err := c.Recv(); !errors.Is(err, transport.ErrDown) {
				t.Errorf("Recv: %v", err)
			}
		}
		until(t, "Send fails", func() bool { return errors.Is(c.Send(nil), transport.ErrDown) })
		until(t, "the connection is gone", func() bool { return m.Connections("w") == 0 })
		again := dial(t, m, "w")
		again.alive() // the same master
	})
}

func TestReopenKnowsNobody(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		addr := m.Addr()
		c := joined(t, m)
		m.AckIndex(4)
		m.Close()
		m.Close()
		if _, err := c.Recv(); !errors.Is(err, transport.ErrDown) {
			t.Errorf("Recv: %v", err)
		}
		if m.memory {
			if _, err := m.Dial(t.Context(), "", "w"); err == nil {
				t.Error("a closed master was reached")
			}
		}
		m.Reopen()
		if m.Addr() != addr || m.Knows("w") {
			t.Errorf("address %s, was %s; knows %v", m.Addr(), addr, m.Knows("w"))
		}
		c = dial(t, m, "w")
		c.send(wire.Heartbeat{State: wire.StateRunning})
		c.join(4)
		lives := [2]int{}
		for _, message := range m.All() {
			lives[message.Master-1]++
		}
		if lives != [2]int{1, 2} {
			t.Errorf("messages by life: %v", lives)
		}
	})
}

func TestOneConnectionAnIdentity(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		first := joined(t, m)
		second := dial(t, m, "w")
		until(t, "both are there", func() bool { return m.Connections("w") == 2 })
		second.send(wire.ClientReady{})
		first.alive()
		_ = first.Close()
		until(t, "the first is gone", func() bool { return m.Connections("w") == 1 })
		second.send(wire.ClientReady{}) // still ignored
		third := dial(t, m, "w")
		third.alive()
		if n := len(m.OfType("client_ready")); n != 1 {
			t.Errorf("%d times client_ready", n)
		}
	})
}

func TestIgnoredWorker(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		old := joined(t, m)
		m.IgnoreWorker("w")
		old.send(wire.Quit{})
		_ = old.Close()
		until(t, "the first is gone", func() bool { return m.Connections("w") == 0 })
		deaf := dial(t, m, "w")
		until(t, "the second is there", func() bool { return m.Connections("w") == 1 })
		m.HearWorker("w")
		deaf.send(wire.Quit{})
		_ = deaf.Close()
		until(t, "the second is gone", func() bool { return m.Connections("w") == 0 })
		dial(t, m, "w").alive()
		if n := len(m.OfType("quit")); n != 0 {
			t.Errorf("heard %d times quit", n)
		}
	})
}

func TestPause(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Pause()
		c.send(wire.Heartbeat{State: wire.StateReady}, wire.Heartbeat{State: wire.StateRunning})
		if n := len(m.OfType("heartbeat")); n != 0 {
			t.Errorf("%d heartbeats", n)
		}
		until(t, "the bytes have arrived all the same", func() bool { n, ok := c.Acked(); return !ok || n == c.Sent() })
		m.Resume()
		c.want(wire.HeartbeatReply{}, wire.HeartbeatReply{})
		if got := m.WaitFor("heartbeat", waitLimit).State() + m.WaitFor("heartbeat", waitLimit).State(); got != "readyrunning" {
			t.Errorf("got %q", got)
		}
	})
}

func TestCloseWhilePaused(t *testing.T) {
	both(t, func(t *testing.T, m *Master) {
		c := joined(t, m)
		m.Pause()
		c.send(wire.Quit{})
		m.Close()
		m.Resume()
		if n := len(m.OfType("quit")); n != 0 {
			t.Errorf("a dead master has read %d messages", n)
		}
	})
}

package mastertest

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

func TestLogsFollowTheirWorker(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		a, b := dial(t, m, "a"), dial(t, m, "b")
		a.join(0)
		b.join(1)
		a.send(wire.ClientStopped{})
		synctest.Wait()
		b.send(wire.Quit{})
		synctest.Wait()
		if got := m.From("b").WaitFor("quit", time.Second); got.Worker != "b" || got.Type != "quit" || got.Data != nil || got.Master != 1 {
			t.Errorf("got %+v", got)
		}
		var all []string
		for _, message := range m.All() {
			all = append(all, message.Worker+" "+message.Type)
		}
		if want := []string{"a client_ready", "b client_ready", "a client_stopped", "b quit"}; !slices.Equal(all, want) {
			t.Errorf("got %q", all)
		}
		if got := m.From("a").OfType("client_stopped"); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}

func TestWaitForGoesForward(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := dial(t, m, "w")
		c.join(0)
		c.send(wire.Heartbeat{State: wire.StateReady})
		c.send(wire.Heartbeat{State: wire.StateRunning})
		time.AfterFunc(time.Minute, func() { c.send(wire.Heartbeat{State: wire.StateSpawning}) })
		log, start := m.From("w"), time.Now()
		var states []string
		for range 3 {
			states = append(states, log.WaitFor("heartbeat", 2*time.Minute).State())
		}
		if want := []string{"ready", "running", "spawning"}; !slices.Equal(states, want) || time.Since(start) != time.Minute {
			t.Errorf("got %q after %v", states, time.Since(start))
		}
		// the master's own log is where it was
		running := func(message Message) bool { return message.State() == "running" }
		if got := m.WaitUntil("a heartbeat of a running worker", time.Second, running); got.State() != "running" {
			t.Errorf("got %v", got)
		}
		m.Skip()
		c.send(wire.Quit{})
		m.Expect("quit")
	})
}

func TestExpectSkipsWhatComesByTheClock(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := dial(t, m, "w")
		c.join(0)
		c.send(
			wire.Heartbeat{State: wire.StateReady}, wire.Stats{Total: wire.Entry{Start: time.Now()}}, wire.Logs{WorkerID: "w"},
			wire.Spawning{}, wire.Heartbeat{State: wire.StateSpawning}, wire.SpawningComplete{},
		)
		got := m.Expect("client_ready", "stats", "spawning", "spawning_complete")
		if len(got) != 4 || got[1].Type != "stats" || got[3].UserCount() != 0 {
			t.Errorf("got %v", got)
		}
	})
}

func TestFailuresShowWhatWasSent(t *testing.T) {
	tests := []struct {
		name string
		test func(m *Master)
		want []string
	}{
		{
			"nothing", func(m *Master) { m.From("x").WaitFor("quit", time.Minute) },
			[]string{`mastertest: no "quit" from worker "x" within 1m0s; the messages so far:`, "  (none)"},
		},
		{
			"another", func(m *Master) { m.WaitFor("quit", time.Minute) },
			[]string{`no "quit" within 1m0s`, "  +0.000s client_ready from w: -1", "  +2.500s mine from w: map[a:1]"},
		},
		{
			"wrong order", func(m *Master) { m.Expect("client_ready", "spawning") },
			[]string{`mastertest: mine from w: map[a:1] instead of "spawning"`, "client_ready from w"},
		},
		{
			"condition", func(m *Master) {
				m.WaitUntil("sign of life", time.Second, func(Message) bool { return false })
			},
			[]string{"mastertest: no sign of life within 1s"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tb := &fakeTB{TB: t}
				m := NewInMemory(tb)
				c := dial(t, m, "w")
				c.join(0)
				time.Sleep(2500 * time.Millisecond)
				c.send(wire.Custom{Type: "mine", Data: map[string]any{"a": 1}})
				got := tb.run(func() { test.test(m) })
				for _, want := range test.want {
					if !strings.Contains(got, want) {
						t.Errorf("got\n%s\nwant %q in it", got, want)
					}
				}
			})
		})
	}
}

func TestLongLogsAreCut(t *testing.T) {
	bubble(t, func(t *testing.T, m *Master) {
		c := dial(t, m, "w")
		c.join(0)
		for range 100 {
			c.send(wire.Custom{Type: "mine", Data: strings.Repeat("é", 500)})
		}
		synctest.Wait()
		lines := strings.Split(m.String(), "\n")
		if len(lines) != shownMessages+1 || lines[0] != "  (61 before)" || len(lines[1]) > 250 || !strings.HasSuffix(lines[1], "é…") {
			t.Errorf("%d lines, the first %q, %q", len(lines), lines[0], lines[1])
		}
	})
}

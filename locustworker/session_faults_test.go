package locustworker

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A message is what it was when it was sent, however long it waits.
func TestAMessageIsEncodedWhenItIsSent(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		s.spawned(one(1))
		s.master.Stall()
		s.master.Cut(id)
		data := map[string]any{"n": 0}
		for n := range 3 {
			data["n"] = n
			if err := s.worker.hooks.env.SendMessage("tick", data); err != nil {
				t.Fatal(err)
			}
		}
		data["n"] = "later"
		s.master.Unstall()
		time.Sleep(10 * time.Second)
		got := s.master.OfType("tick")
		for i, m := range got {
			if n := m.Field("n"); n != int64(i) {
				t.Errorf("message %d says n = %v; it was sent with %d", i, n, i)
			}
		}
		if len(got) != 3 {
			t.Errorf("%d messages arrived", len(got))
		}
	})
}

// What a listener adds to a report is the report's own: the listener may go on with
// its map, and the report is sent again with it.
func TestAReportKeepsWhatAListenerHasAdded(t *testing.T) {
	var given, pending int64
	hits := map[string]int64{}
	events := Events{ReportToMaster: func(_ *Environment, data map[string]any) error {
		pending += 10 // bytes since the last call, say
		given += pending
		hits["bytes"] = pending
		data["hits"] = hits
		pending = 0
		return nil
	}}
	onStage(t, Config{Events: events}, scripted{}, func(s *stage) {
		id := s.running()
		for range 10 {
			s.master.Stall() // the report on its way never arrives
			time.Sleep(4 * time.Second)
			s.master.Cut(id)
			s.master.Unstall()
			time.Sleep(5 * time.Second)
		}
		s.stopAndCompare(id)
		synctest.Wait()
		var got int64
		for _, m := range s.master.OfType("stats") {
			if added, ok := m.Field("hits").(map[string]any); ok {
				got += added["bytes"].(int64)
			}
		}
		if got != given {
			t.Errorf("the listener gave %d bytes to its reports; the master got %d", given, got)
		}
	}, mastertest.Lenient())
}

// A report waits for its listener a second at most. What comes too late goes with
// the next one.
func TestASlowReportListenerHoldsNothingUp(t *testing.T) {
	var given atomic.Int64
	events := Events{ReportToMaster: func(_ *Environment, data map[string]any) error {
		time.Sleep(8 * time.Second)
		given.Add(1)
		data["one"] = 1
		return nil
	}}
	onStage(t, Config{Events: events}, scripted{}, func(s *stage) {
		id := s.id()
		s.spawned(one(10))
		time.Sleep(30*time.Second + 500*time.Millisecond)
		from := time.Now()
		s.master.Stop(id)
		if m := s.master.WaitFor("client_stopped", time.Minute); m.At.Sub(from) > 1100*time.Millisecond {
			t.Errorf("client_stopped came after %v", m.At.Sub(from))
		}
		s.checkTotals(s.recorded())
		time.Sleep(20 * time.Second)
		got := int64(0)
		for _, m := range s.master.OfType("stats") {
			if n, ok := m.Field("one").(int64); ok {
				got += n
			}
		}
		if got < 4 || got < given.Load()-1 {
			t.Errorf("%d of %d additions arrived", got, given.Load())
		}
	})
}

// A worker that leaves a lost master, or is stopped with a shorter timeout, shortens
// users that are stopping already.
func TestAShorterStopEndsUsersSooner(t *testing.T) {
	for name, rampDown := range map[string]bool{"no ramp down": false, "ramp down before": true} {
		t.Run(name, func(t *testing.T) {
			onStage(t, Config{}, scripted{task: sleep(time.Hour)}, func(s *stage) {
				id := s.id()
				s.spawned(one(5), mastertest.StopTimeout(300*time.Second))
				time.Sleep(time.Second)
				if rampDown {
					s.master.Spawn(id, one(1), mastertest.StopTimeout(300*time.Second))
					s.master.Expect("spawning")
					time.Sleep(time.Second)
				}
				s.master.Close()
				time.Sleep(2 * time.Second)
				s.master.Reopen()
				s.master.Skip()
				back := time.Now()
				s.master.WaitFor("client_ready", 10*time.Minute)
				if took := time.Since(back); took > 10*time.Second {
					t.Errorf("the worker registered %v after the new master came up", took.Round(time.Second))
				}
			})
		})
	}
	t.Run("stop", func(t *testing.T) {
		onStage(t, Config{}, scripted{task: sleep(time.Hour)}, func(s *stage) {
			id := s.id()
			s.spawned(one(5), mastertest.StopTimeout(300*time.Second))
			time.Sleep(time.Second)
			s.master.Spawn(id, one(1), mastertest.StopTimeout(300*time.Second))
			s.master.Expect("spawning")
			time.Sleep(time.Second)
			s.master.Spawn(id, one(2), mastertest.StopTimeout(0))
			s.master.Expect("spawning", "spawning_complete")
			from := time.Now()
			s.master.Stop(id)
			s.master.WaitFor("client_stopped", 10*time.Minute)
			if took := time.Since(from); took > 10*time.Second {
				t.Errorf("client_stopped came %v after a stop with --stop-timeout 0", took.Round(time.Second))
			}
		})
	})
}

func TestNoUserStartsAfterAStop(t *testing.T) {
	for _, lasts := range []time.Duration{0, 3 * time.Second} {
		events := Events{
			TestStart: func(ctx context.Context, _ *Environment) error {
				select {
				case <-ctx.Done():
				case <-time.After(30 * time.Second):
				}
				return nil
			},
			TestStopping: func(*Environment) error { time.Sleep(lasts); return nil },
		}
		onStage(t, Config{Events: events}, scripted{}, func(s *stage) {
			id := s.id()
			s.master.Spawn(id, one(10))
			time.Sleep(5 * time.Second)
			s.master.Stop(id)
			s.master.WaitFor("client_stopped", time.Minute)
			if n := s.recorded(); n != 0 {
				t.Errorf("TestStopping of %v: users recorded %d samples after the stop", lasts, n)
			}
		})
	}
}

// A stock master is gone 500 ms after its quit, whatever the author's functions do.
func TestAuthorsFunctionsDoNotDelayTheLastReport(t *testing.T) {
	slow := func(d time.Duration) func(*Environment) error {
		return func(*Environment) error { time.Sleep(d); return nil }
	}
	for name, events := range map[string]Events{
		"none":         {},
		"quitting":     {Quitting: slow(time.Second)},
		"testStopping": {TestStopping: slow(time.Second)},
		"testStop":     {TestStop: slow(time.Second)},
		"report": {ReportToMaster: func(*Environment, map[string]any) error {
			time.Sleep(time.Second)
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, Config{Events: events}, scripted{}, func(s *stage) {
				s.lossy = true
				id := s.id()
				s.spawned(one(10))
				time.Sleep(4*time.Second + 500*time.Millisecond)
				s.master.Quit(id)
				time.Sleep(500 * time.Millisecond)
				synctest.Wait()
				got := s.master.Totals().All.Requests
				s.master.Close()
				<-s.ended
				if n := s.recorded(); got != n || n == 0 {
					t.Errorf("the master has %d of %d samples", got, n)
				}
			})
		})
	}
}

func TestAUsageMonitorDoesNotDelayAStop(t *testing.T) {
	events := Events{UsageMonitor: func(*Environment, float64, uint64) error { time.Sleep(8 * time.Second); return nil }}
	onStage(t, Config{Events: events}, scripted{}, func(s *stage) {
		id := s.id()
		s.spawned(one(1))
		time.Sleep(10*time.Second + 100*time.Millisecond - time.Duration(time.Now().UnixNano()%int64(time.Second)))
		synctest.Wait()
		from := time.Now()
		s.master.Stop(id)
		s.master.WaitFor("client_stopped", time.Minute)
		if took := time.Since(from); took > time.Second {
			t.Errorf("client_stopped came %v after the stop", took)
		}
	})
}

// A worker that gets a signal waits for the proof of its last report for as long as
// the master is there: it may be busy with those of a hundred others.
func TestASignalWaitsForTheProof(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		s.running()
		s.master.Pause()
		s.end()
		time.Sleep(5 * time.Second)
		s.master.Resume()
		<-s.ended
		if c := s.worker.Counters(); c.Open != 0 || c.Confirmed != c.Recorded {
			t.Errorf("%+v; want all confirmed", c)
		}
	})
}

// A message is refused, loudly for its sender alone, when it is too long or too many
// wait.
func TestSendMessageRefuses(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		s.spawned(one(1))
		env := s.worker.hooks.env
		if err := env.SendMessage("big", strings.Repeat("x", 70_000_000)); !errors.Is(err, ErrMessageTooLong) {
			t.Errorf("70 MB: %v", err)
		}
		s.master.Stall()
		s.master.Cut(id)
		n, refused := 0, error(nil)
		for text := strings.Repeat("x", 1<<20); refused == nil && n < 100; n++ {
			refused = env.SendMessage("some", text)
		}
		if !errors.Is(refused, ErrQueueFull) || n < 60 || n > 65 {
			t.Errorf("message %d of 1 MiB: %v", n, refused)
		}
		s.master.Unstall()
		time.Sleep(10 * time.Second)
		if got := len(s.master.OfType("some")); got != n-1 {
			t.Errorf("%d of %d messages arrived", got, n-1)
		}
		if err := env.SendMessage("after", nil); err != nil {
			t.Error(err)
		}
		s.master.WaitFor("after", time.Minute)
		s.stopAndCompare(id)
	})
}

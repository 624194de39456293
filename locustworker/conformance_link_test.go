package locustworker

import (
	"errors"
	"math"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items T, H and B of the conformance list: the connection, the handshake and
// heartbeats.

// Conformance: T7
func TestConformanceIdentity(t *testing.T) {
	one, other := uplink.NewIdentity(), uplink.NewIdentity()
	form := regexp.MustCompile("^" + regexp.QuoteMeta(uplink.Hostname()) + "_[0-9a-f]{32}$")
	if !form.MatchString(one) || one == other {
		t.Errorf("identities %q and %q; want the host's name and 32 hex digits of their own", one, other)
	}
}

// Conformance: T5, N1, K14
func TestConformanceTextsAreUTF8(t *testing.T) {
	const bad = "no\xffgood"
	const good = "no\uFFFDgood"
	class := func(s *stage) []Class {
		return []Class{doing("Odd", func(d *doer) error {
			d.Record(Sample{Type: "X\xff", Name: bad, Err: errors.New(bad)})
			d.Environment().Logger().Info(bad)
			if err := d.Environment().SendMessage("custom", map[string]any{bad: bad}); err != nil {
				t.Error(err)
			}
			return errors.New(bad)
		})}
	}
	perform(t, play{classes: class}, func(s *stage) {
		s.id()
		s.master.Spawn(mastertest.Everyone, map[string]int{"Odd": 1})
		if m := s.master.WaitFor("exception", time.Minute); m.Field("msg") != good {
			t.Errorf("exception %q", m.Field("msg"))
		}
		time.Sleep(15 * time.Second) // the master fails the test for a text that is no UTF-8
		synctest.Wait()
		if texts := s.master.Totals().Errors[mastertest.Row{Method: "X\uFFFD", Name: good}]; len(texts) != 1 || texts[good] == 0 {
			t.Errorf("the master's errors are %v", s.master.Totals().Errors)
		}
		if m := s.master.OfType("custom")[0]; m.Field(good) != good {
			t.Errorf("custom message %v", m.Data)
		}
	})
}

// Conformance: T10
func TestConformanceNoMasterAtTheStart(t *testing.T) {
	closed := func(m *mastertest.Master) { m.Close() }
	perform(t, play{before: closed}, func(s *stage) {
		time.Sleep(10 * time.Minute)
		if n := len(s.master.Dials()); n < 600 {
			t.Errorf("%d attempts in ten minutes", n)
		}
		s.master.Reopen()
		s.master.WaitFor("client_ready", time.Second)
	})
}

// Conformance: H1, H4, F1, N4
func TestConformanceHandshake(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		time.Sleep(500 * time.Millisecond)
		got := s.master.All()
		if len(got) != 4 || got[0].Type != "client_ready" || got[0].Data != int64(-1) {
			t.Fatalf("got %v; want client_ready of version -1 and three messages after the ack", got)
		}
		after := make(map[string]mastertest.Message)
		for _, m := range got[1:] {
			after[m.Type] = m
			if !m.At.Equal(got[0].At) {
				t.Errorf("%s came %v after client_ready", m.Type, m.At.Sub(got[0].At))
			}
		}
		if after["heartbeat"].State() != "ready" || after["logs"].Data == nil {
			t.Errorf("after the ack: %v", after)
		}
		r := after["stats"].Report()
		if r.Total.Name != "Aggregated" || r.Total.Requests != 0 || len(r.Entries)+len(r.Errors) > 0 {
			t.Errorf("the first report is %+v; want nothing in it", r)
		}
		if classes := after["stats"].UserClasses(); len(classes) != 1 || classes["Scripted"] != 0 {
			t.Errorf("the first report counts %v; want 0 Scripted", classes)
		}
	})
}

// Conformance: H2
func TestConformanceWorkerIndex(t *testing.T) {
	perform(t, play{before: (*mastertest.Master).AckNil}, func(s *stage) {
		id := s.id()
		index := func(want int) {
			t.Helper()
			synctest.Wait()
			if got := s.worker.hooks.env.WorkerIndex(); got != want {
				t.Errorf("index %d; want %d", got, want)
			}
		}
		index(-1)
		for _, n := range []int{5, 3} {
			s.master.AckIndex(n)
			s.master.Stop(id)
			s.master.Expect("client_stopped", "client_ready")
			index(n)
		}
	})
}

// Conformance: H3, Q9
func TestConformanceGivesUpAsAPythonWorker(t *testing.T) {
	silent := play{cfg: Config{QuitOnMasterLoss: true}, before: (*mastertest.Master).Silence, lossy: true}
	perform(t, silent, func(s *stage) {
		start := time.Now()
		<-s.ended
		if took := time.Since(start); took < 305*time.Second || took > 306*time.Second {
			t.Errorf("gave up after %v; want 305s", took)
		}
		if !errors.Is(s.err, ErrNoMaster) {
			t.Errorf("Run = %v; want ErrNoMaster", s.err)
		}
		asked := s.master.All()
		if len(asked) != 61 {
			t.Errorf("%d messages; want 61 client_ready", len(asked))
		}
		for i, m := range asked {
			if m.Type != "client_ready" || m.At.Sub(start) != time.Duration(i)*5*time.Second {
				t.Errorf("message %d is %s after %v; want client_ready every 5s", i, m.Type, m.At.Sub(start))
			}
		}
	})
}

// Conformance: H3
func TestConformanceAsksForEverByDefault(t *testing.T) {
	perform(t, play{before: (*mastertest.Master).Silence}, func(s *stage) {
		time.Sleep(20 * time.Minute)
		s.master.Speak()
		s.master.Skip()
		s.master.WaitFor("heartbeat", 6*time.Second)
	})
}

// Conformance: H5
func TestConformanceManyAcks(t *testing.T) {
	perform(t, play{before: (*mastertest.Master).Pause}, func(s *stage) {
		time.Sleep(12 * time.Second)
		s.master.Resume()
		synctest.Wait()
		if n := len(s.master.OfType("client_ready")); n != 3 {
			t.Errorf("%d client_ready; want 3", n)
		}
		time.Sleep(30 * time.Second)
		if n := len(s.master.OfType("heartbeat")); n < 29 || n > 33 {
			t.Errorf("%d heartbeats in 30s after three acks; want about 30", n)
		}
		if m := s.spawned(one(2)); m.UserCount() != 2 {
			t.Errorf("%d users", m.UserCount())
		}
	})
}

// Conformance: B1
func TestConformanceHeartbeatsWhileStopping(t *testing.T) {
	long := scripted{task: sleep(10 * time.Second), onStop: sleep(10 * time.Second)}
	timeout := mastertest.StopTimeout(5 * time.Second)
	onStage(t, Config{}, long, func(s *stage) {
		id := s.id()
		s.spawned(one(20), timeout)
		time.Sleep(time.Second)
		from := time.Now()
		s.master.Stop(id)
		stopped := s.master.WaitFor("client_stopped", time.Minute)
		if took := stopped.At.Sub(from); took != 15*time.Second {
			t.Fatalf("stopped after %v; want 5s of tasks and 10s of on_stop", took)
		}
		last := from
		for _, m := range s.master.OfType("heartbeat") {
			if m.At.Before(from) || m.At.After(stopped.At) {
				continue
			}
			if gap := m.At.Sub(last); gap > 1200*time.Millisecond {
				t.Errorf("no heartbeat for %v", gap)
			}
			if m.State() != "running" {
				t.Errorf("a heartbeat says %q", m.State())
			}
			last = m.At
		}
		if stopped.At.Sub(last) > 1200*time.Millisecond {
			t.Errorf("no heartbeat in the last %v", stopped.At.Sub(last))
		}
	})
}

// Conformance: B2, B3
func TestConformanceStates(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(6 * time.Second)}, func(s *stage) {
		timeout := mastertest.StopTimeout(10 * time.Second)
		now := func(want string) {
			t.Helper()
			time.Sleep(1500 * time.Millisecond)
			s.master.Skip()
			if got := s.master.WaitFor("heartbeat", 2*time.Second).State(); got != want {
				t.Errorf("the state is %q; want %q", got, want)
			}
		}
		id := s.id()
		now("ready")
		s.spawned(one(2), timeout)
		now("running")
		s.master.Spawn(id, one(1), timeout) // complete when the task has ended
		now("spawning")
		s.master.Skip()
		s.master.WaitFor("spawning_complete", 10*time.Second)
		now("running")
		s.master.Stop(id)
		now("running")
		s.master.WaitFor("client_stopped", 20*time.Second)
		now("running")
		s.master.WaitFor("client_ready", 20*time.Second)
		now("ready")
	})
}

// Conformance: B4
func TestConformanceUsageIsMeasuredEveryTenSeconds(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		joined := s.master.WaitFor("client_ready", time.Second).At
		time.Sleep(12 * time.Second)
		early, late := 0, 0
		for _, m := range s.master.OfType("heartbeat") {
			cpu, memory := m.Field("current_cpu_usage"), m.Field("current_memory_usage")
			if m.At.Sub(joined) < 10*time.Second {
				early++
				if cpu != 0.0 || memory != int64(0) {
					t.Errorf("%v after the ack a heartbeat says %v %%, %v bytes", m.At.Sub(joined), cpu, memory)
				}
			} else if m.At.Sub(joined) > 10*time.Second {
				late++
				if n, _ := memory.(int64); n < 1<<20 || math.IsNaN(cpu.(float64)) {
					t.Errorf("after the first measurement: %v %%, %v bytes", cpu, memory)
				}
			}
		}
		if early < 9 || late < 1 {
			t.Errorf("%d heartbeats before the first measurement, %d after it", early, late)
		}
	})
}

// Conformance: B5
func TestConformanceQuitsWhenTheMasterIsLost(t *testing.T) {
	lost := play{cfg: Config{QuitOnMasterLoss: true}, lossy: true}
	perform(t, lost, func(s *stage) {
		s.id()
		s.spawned(one(3))
		time.Sleep(20 * time.Second)
		s.master.Silence() // it takes connections and says nothing
		from := time.Now()
		<-s.ended
		if took := time.Since(from); took < 59*time.Second || took > 62*time.Second {
			t.Errorf("ended after %v; want 60s", took)
		}
		if !errors.Is(s.err, ErrMasterLost) {
			t.Errorf("Run = %v; want ErrMasterLost", s.err)
		}
	})
}

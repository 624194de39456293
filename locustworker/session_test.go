package locustworker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Conformance: X9, G1
func TestARunFromJoiningToQuitting(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(3))
		s.master.Expect("spawning", "spawning_complete")
		time.Sleep(10*time.Second + 500*time.Millisecond)
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		if n := s.recorded(); n != 3*11 {
			t.Errorf("%d samples recorded; want 33", n)
		}
		s.checkTotals(33)
		s.master.Quit(id)
		s.master.Expect("quit")
		<-s.ended
		if s.err != nil {
			t.Errorf("Run = %v", s.err)
		}
		c := s.worker.Counters()
		if c.Confirmed != 33 || c.Open != 0 || c.Discarded != 0 {
			t.Errorf("counters %+v; want all 33 confirmed", c)
		}
	})
}

// Conformance: SP14
func TestTheSecondRunBeginsEmpty(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.id()
		for range 2 {
			s.master.Spawn(id, one(2))
			time.Sleep(4*time.Second + 500*time.Millisecond)
			s.master.Stop(id)
			s.master.Expect("spawning", "spawning_complete", "client_stopped", "client_ready")
			s.checkTotals(2 * 5)
		}
	})
}

// Conformance: B1
func TestHeartbeatsComeOnceASecond(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(100 * time.Millisecond)}, func(s *stage) {
		s.master.Spawn(s.id(), one(50))
		time.Sleep(time.Minute)
		synctest.Wait()
		beats := s.master.OfType("heartbeat")
		if n := len(beats); n < 58 || n > 64 {
			t.Errorf("%d heartbeats in a minute; want about 60", n)
		}
		for i := 2; i < len(beats); i++ { // the first two are those of the registration and the first report
			if gap := beats[i].At.Sub(beats[i-1].At); gap > 1200*time.Millisecond {
				t.Errorf("%v between heartbeats %d and %d", gap, i-1, i)
			}
		}
		if n := len(s.master.OfType("stats")); n < 19 || n > 22 {
			t.Errorf("%d reports in a minute; want about 20", n)
		}
	})
}

// Conformance: SP3
func TestAStaleSpawnIsDropped(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(2), mastertest.Timestamp(100))
		s.master.Expect("spawning", "spawning_complete")
		for _, stamp := range []float64{100, 99} {
			s.master.Spawn(id, one(7), mastertest.Timestamp(stamp))
			s.master.Expect("spawning")
			synctest.Wait()
			s.worker.checkUsers(t, s.master, 2)
		}
		s.master.Spawn(id, one(4), mastertest.Timestamp(100.5))
		if m := s.master.Expect("spawning", "spawning_complete")[1]; m.UserCount() != 4 {
			t.Errorf("the newer spawn gives %d users; want 4", m.UserCount())
		}
	})
}

// checkUsers waits for a report and compares its count of users.
func (w *Worker) checkUsers(t *testing.T, m *mastertest.Master, want int) {
	t.Helper()
	m.Skip()
	if got := m.WaitFor("stats", 10*time.Second).UserCount(); got != want {
		t.Errorf("the report says %d users; want %d", got, want)
	}
}

// Conformance: SP8, SP10
func TestANewerSpawnWins(t *testing.T) {
	slow := Config{StopTimeout: time.Minute}
	onStage(t, slow, scripted{task: sleep(20 * time.Second)}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(6), mastertest.StopTimeout(time.Minute))
		s.master.Expect("spawning", "spawning_complete")
		time.Sleep(time.Second)                                         // all are in their tasks
		s.master.Spawn(id, one(1), mastertest.StopTimeout(time.Minute)) // would take until the tasks end
		s.master.Expect("spawning")
		time.Sleep(time.Second)
		s.master.Spawn(id, one(8), mastertest.StopTimeout(time.Minute))
		if m := s.master.Expect("spawning", "spawning_complete")[1]; m.UserCount() != 8+5 {
			t.Errorf("%d users; want 8 and the 5 that are still in their tasks", m.UserCount())
		}
		time.Sleep(30 * time.Second)
		s.worker.checkUsers(t, s.master, 8)
	})
}

// Conformance: Q1
func TestASpawnDuringTheStopIsPutOff(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(4 * time.Second)}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(2), mastertest.StopTimeout(6*time.Second))
		s.master.Expect("spawning", "spawning_complete")
		s.master.Stop(id)
		s.master.Spawn(id, one(5), mastertest.StopTimeout(6*time.Second))
		got := s.master.Expect("client_stopped", "client_ready", "spawning", "spawning_complete")
		if wait := got[1].At.Sub(got[0].At); wait != 6*time.Second {
			t.Errorf("client_ready came %v after client_stopped; want the stop timeout of 6s", wait)
		}
		if n := got[3].UserCount(); n != 5 {
			t.Errorf("%d users; want 5", n)
		}
	})
}

// Conformance: Q6
func TestQuitDeliversTheLastReportInTime(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(time.Hour), onStop: sleep(3 * time.Second)}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(4))
		s.master.Expect("spawning", "spawning_complete")
		s.worker.recorder.countCut()
		s.worker.recorder.record(&User{id: 1}, Sample{Type: "GET", Name: "/"})
		at := time.Now()
		s.master.Quit(id)
		s.master.Quit(id)
		quit := s.master.Expect("quit")[0]
		if late := quit.At.Sub(at); late > 200*time.Millisecond {
			t.Errorf("quit came after %v; the master listens for 500ms", late)
		}
		s.checkTotals(1)
		<-s.ended
		synctest.Wait()
		if n := len(s.master.OfType("quit")); n != 1 {
			t.Errorf("%d quit messages; want 1", n)
		}
	})
}

// Conformance: T12
func TestGarbageFromTheMasterIsIgnored(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.id()
		for _, frame := range []string{"", "\xc1", "\x93\xa5spawn\xc0\xa1x", "\x93\xa5spawn\x81", "\x92\xa4stop\xc0", "\x93\x01\x02\x03"} {
			s.master.SendRaw(id, []byte(frame))
		}
		s.master.SendCustom(id, "nobody_knows_this", map[string]any{"a": 1})
		s.master.Spawn(id, one(2))
		s.master.Expect("spawning", "spawning_complete")
	})
}

// Conformance: SP11
func TestAClassThatTheWorkerLacks(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		s.master.Spawn(s.id(), map[string]int{"Scripted": 2, "Elsewhere": 3})
		m := s.master.Expect("spawning", "exception", "spawning_complete")[2]
		counts := m.UserClasses()
		if n, named := counts["Elsewhere"]; !named || n != 0 || counts["Scripted"] != 2 || m.UserCount() != 2 {
			t.Errorf("spawning_complete says %v, %d users; want 2 Scripted and 0 Elsewhere", counts, m.UserCount())
		}
	})
}

package locustworker

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// What the conformance list's items T9, H6, Q1 and Q3 come to when the link is lost
// at a bad moment.

// Conformance: T9, H6, X8, Q2
func TestConformanceACutBetweenStoppedAndReady(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		s.spawned(one(3), mastertest.StopTimeout(time.Minute))
		time.Sleep(2500 * time.Millisecond)
		s.master.Stop(id)
		s.master.Expect("client_stopped")
		time.Sleep(10 * time.Second)
		s.master.Cut(id) // the master does not know the worker now
		if got := s.master.WaitFor("client_ready", 10*time.Second).Worker; got != id {
			t.Errorf("the worker came back as %s", got)
		}
		s.checkTotals(9)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := len(s.master.OfType("client_ready")); n != 2 {
			t.Errorf("%d client_ready; want one at the start and one after the stop", n)
		}
		s.spawned(one(2))
	})
}

// Conformance: T9, Q3
func TestConformanceAStopThatFindsNoLink(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(5 * time.Second)}, func(s *stage) {
		id := s.id()
		s.spawned(one(3), mastertest.StopTimeout(10*time.Second))
		time.Sleep(time.Second)
		s.master.Stop(id)
		time.Sleep(time.Second)
		s.master.Stall() // the users end meanwhile
		time.Sleep(8 * time.Second)
		s.master.Unstall()
		s.master.Expect("client_stopped", "client_ready")
		s.checkTotals(3)
		s.spawned(one(2))
	})
}

// Conformance: B8
func TestConformanceReconnectWhileStopping(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(5 * time.Second)}, func(s *stage) {
		id := s.id()
		s.spawned(one(3), mastertest.StopTimeout(6*time.Second))
		time.Sleep(time.Second)
		s.master.Stop(id)
		s.master.Reconnect(id)
		s.master.Expect("client_stopped", "client_ready")
		s.checkTotals(3)
	})
}

// Conformance: T9
func TestConformanceExceptionsSurviveACut(t *testing.T) {
	failing := func(*stage) []Class {
		return []Class{doing("Failing", func(*doer) error { return errNobody })}
	}
	perform(t, play{classes: failing}, func(s *stage) {
		s.master.Spawn(s.id(), map[string]int{"Failing": 1})
		time.Sleep(1500 * time.Millisecond)
		s.master.Stall()
		time.Sleep(9 * time.Second)
		s.master.Unstall()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := len(s.master.OfType("exception")); n != 16 {
			t.Errorf("%d exceptions in 15.5s; want one a second", n)
		}
	})
}

// Conformance: H7
func TestConformanceALostMasterIsObeyedNoMore(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(15 * time.Second)}, func(s *stage) {
		id := s.id()
		s.spawned(one(3), mastertest.StopTimeout(20*time.Second))
		time.Sleep(time.Second)
		s.master.Stop(id)
		s.master.Spawn(id, one(5)) // for when it has stopped
		time.Sleep(time.Second)
		s.master.Close()
		s.master.Reopen()
		s.master.Skip()
		s.master.WaitFor("client_ready", time.Minute)
		s.users(one(0))
		s.nothingMore("spawning", "spawning_complete")
		s.spawned(one(2))
	})
}

// Conformance: H7
func TestConformanceLongTasksDoNotDelayTheNextMaster(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(time.Hour)}, func(s *stage) {
		s.id()
		s.spawned(one(3), mastertest.StopTimeout(time.Hour))
		time.Sleep(10 * time.Second)
		s.master.Close()
		time.Sleep(10 * time.Second)
		s.master.Reopen()
		s.master.Skip()
		s.master.WaitFor("client_ready", 5*time.Second)
		s.users(one(0))
		s.spawned(one(2))
	})
}

// Conformance: B7
func TestConformanceASilentMasterIsMentionedOnce(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(time.Hour)}, func(s *stage) {
		s.id()
		s.spawned(one(3), mastertest.StopTimeout(10*time.Minute))
		s.lossy = true
		s.master.Close()
		time.Sleep(50 * time.Second)
		s.end()
		<-s.ended // after the stop timeout
		if n := s.logged("no master was seen for too long"); n > 1 {
			t.Errorf("the log says %d times that there is no master", n)
		}
	})
}

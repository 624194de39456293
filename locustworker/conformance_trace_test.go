package locustworker

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Sections 12 and 14 of the conformance list: whole conversations.

// said returns the messages' types with their times since the beginning, without
// heartbeats and logs, whose goroutine and lines are their own.
func (s *stage) said() []string {
	synctest.Wait()
	var types []string
	for _, m := range s.master.All() {
		if m.Type != "heartbeat" && m.Type != "logs" {
			types = append(types, m.At.Sub(s.diary.start).String()+" "+m.Type)
		}
	}
	return types
}

// Conformance: T4, X8, Q1, Q2, G1
func TestConformanceGoldenTrace(t *testing.T) {
	timeout := mastertest.StopTimeout(1500 * time.Millisecond)
	onStage(t, Config{}, scripted{task: sleep(1600 * time.Millisecond)}, func(s *stage) {
		at := func(d time.Duration) {
			time.Sleep(time.Until(s.diary.start.Add(d)))
			synctest.Wait()
		}
		id := s.id()
		at(time.Second)
		s.master.Spawn(id, one(2), timeout)
		at(2 * time.Second)
		s.master.Spawn(id, one(9), timeout, mastertest.Timestamp(1)) // stale
		at(7 * time.Second)                                          // the third task has begun at 6.2
		s.master.Stop(id)
		at(8 * time.Second)
		s.master.Spawn(id, one(1), timeout) // during the sleep
		at(10 * time.Second)
		s.checkTotals(0) // a new run
		at(13 * time.Second)
		s.master.Quit(id)
		<-s.ended
		s.lossy = true // nothing proves the arrival of what follows the quit
		want := []string{
			"0s client_ready", "0s stats", "1s spawning", "1s spawning_complete", "2s spawning", "3s stats", "6s stats",
			"7.8s stats", "7.8s client_stopped", "9s stats", "9.3s client_ready", "9.3s spawning", "9.3s spawning_complete",
			"12s stats", "13.15s stats", "13.15s quit", "13.5s stats",
		}
		if got := s.said(); !slices.Equal(got, want) {
			t.Errorf("the conversation is\n%q\nwant\n%q", got, want)
		}
		if s.err != nil {
			t.Errorf("Run = %v", s.err)
		}
	})
}

// Conformance: SP9, D6
func TestConformanceRampDown(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		for _, n := range []int{4, 3, 2} {
			time.Sleep(time.Second)
			if m := s.spawned(one(n)); m.UserCount() != n {
				t.Errorf("%d users; want %d", m.UserCount(), n)
			}
		}
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		s.nothingMore("spawning", "spawning_complete")
	})
}

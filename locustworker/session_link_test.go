package locustworker

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// running brings the worker to ten running users and returns its identity.
func (s *stage) running() string {
	s.t.Helper()
	id := s.id()
	s.master.Spawn(id, one(10))
	s.master.Expect("spawning", "spawning_complete")
	time.Sleep(5*time.Second + 300*time.Millisecond)
	return id
}

// stopAndCompare ends the run and fails unless the table holds all samples.
func (s *stage) stopAndCompare(id string) {
	s.t.Helper()
	s.master.Stop(id)
	s.master.Expect("client_stopped", "client_ready")
	s.checkTotals(s.recorded())
}

// Conformance: T9, H6
func TestACutLosesNothing(t *testing.T) {
	for _, opts := range [][]mastertest.Option{nil, {mastertest.HideAcks()}} {
		onStage(t, Config{}, scripted{}, func(s *stage) {
			id := s.running()
			for range 20 { // at every phase between two reports
				time.Sleep(1370 * time.Millisecond)
				s.master.Cut(id)
			}
			time.Sleep(5 * time.Second)
			s.stopAndCompare(id)
			if n := len(s.master.OfType("client_ready")); n != 2 {
				t.Errorf("%d client_ready; want the first and the one after the stop", n)
			}
		}, opts...)
	}
}

// Conformance: T9, B6
func TestABrokenNetworkLosesNothing(t *testing.T) {
	for _, lasts := range []time.Duration{2 * time.Second, 10 * time.Second, 40 * time.Second} {
		onStage(t, Config{}, scripted{}, func(s *stage) {
			id := s.running()
			s.master.Stall()
			time.Sleep(lasts)
			s.master.Unstall()
			back := time.Now()
			s.master.Skip()
			s.master.WaitFor("stats", time.Minute)
			if took := time.Since(back); took > 5*time.Second {
				t.Errorf("after %v without a network the worker was back in %v; want 5s at most", lasts, took)
			}
			time.Sleep(5 * time.Second)
			s.worker.checkUsers(t, s.master, 10)
			s.stopAndCompare(id)
		})
	}
}

// Conformance: T9
func TestAPausedMasterKeepsItsConnection(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.running()
		dials := len(s.master.Dials())
		s.master.Stall() // a paused process takes no connections either
		time.Sleep(30 * time.Second)
		s.master.Unstall()
		time.Sleep(5 * time.Second)
		if n := s.master.Connections(id); n != 1 {
			t.Errorf("%d connections", n)
		}
		if s.master.Knows(id) && len(s.master.OfType("client_ready")) != 1 {
			t.Error("the worker registered anew")
		}
		if len(s.master.Dials()) == dials {
			t.Error("the worker never looked whether the master takes connections")
		}
		s.stopAndCompare(id)
	})
}

// Conformance: H6, H7
func TestANewMasterGetsNothingOfTheOldRun(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.running()
		s.master.Close()
		time.Sleep(10 * time.Second)
		s.master.Reopen()
		s.master.Skip()
		back := time.Now()
		if got := s.master.WaitFor("client_ready", time.Minute).Worker; got != id {
			t.Errorf("the worker registered as %s; it was %s", got, id)
		}
		if took := time.Since(back); took > 5*time.Second {
			t.Errorf("the worker was back in %v; want 5s at most", took)
		}
		s.worker.checkUsers(t, s.master, 0)
		s.checkTotals(0)

		old := s.recorded()
		s.master.Spawn(id, one(3))
		s.master.Expect("spawning", "spawning_complete")
		time.Sleep(5*time.Second + 300*time.Millisecond)
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		s.checkTotals(s.recorded() - old)
		if c := s.worker.Counters(); c.Recorded == 0 || old == 0 {
			t.Errorf("nothing was recorded: %+v", c)
		}
	})
}

// Conformance: B6, D3
func TestTheSameMasterAfterItDroppedTheWorker(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.running()
		s.master.Stall()
		time.Sleep(90 * time.Second) // the users stop after 60
		s.master.Drop(id)            // as the real one does after 64
		s.master.Unstall()
		s.master.Skip()
		s.master.WaitFor("client_ready", time.Minute)
		s.master.Spawn(id, one(4)) // its run goes on
		s.master.Expect("spawning", "spawning_complete")
		time.Sleep(5*time.Second + 300*time.Millisecond)
		s.stopAndCompare(id)
	})
}

// A half-open connection is found out by what TCP does not acknowledge, and one on
// which a proxy acknowledges everything by the master's silence: a minute of it may
// as well be a busy master.
//
// Conformance: T8
func TestAHalfOpenConnectionIsLeftBehind(t *testing.T) {
	for name, tt := range map[string]struct {
		breaks func(*mastertest.Master, string)
		within time.Duration
	}{
		"nothing is acknowledged": {(*mastertest.Master).Strand, 20 * time.Second},
		"a proxy acknowledges":    {(*mastertest.Master).IgnoreWorker, 75 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, Config{}, scripted{}, func(s *stage) {
				id := s.running()
				tt.breaks(s.master, id)
				fresh := s.master.WaitUntil("a new identity", tt.within, func(m mastertest.Message) bool {
					return m.Type == "client_ready" && m.Worker != id
				}).Worker
				time.Sleep(5 * time.Second)
				s.checkTotals(s.recorded())
				s.master.Spawn(fresh, one(2))
				s.master.From(fresh).WaitFor("spawning_complete", time.Minute)
			})
		})
	}
}

// A master whose program stands still for up to 58 s, while its machine takes
// connections and bytes, keeps its worker and all samples.
func TestABusyMasterKeepsItsWorker(t *testing.T) {
	for _, busy := range []int{1, 5, 6, 8, 9, 10, 12, 15, 20, 30, 45, 58} {
		for phase, during := range map[string]func(s *stage, id string){
			"running": func(*stage, string) {},
			"spawning": func(s *stage, id string) {
				s.master.Spawn(id, one(15))
			},
			"stopping": func(s *stage, id string) {
				s.master.Stop(id)
			},
		} {
			t.Run(fmt.Sprintf("%s for %ds", phase, busy), func(t *testing.T) {
				onStage(t, Config{}, scripted{}, func(s *stage) {
					id := s.running()
					during(s, id)
					s.master.Pause()
					time.Sleep(time.Duration(busy) * time.Second)
					s.master.Resume()
					time.Sleep(10 * time.Second)
					if phase != "stopping" {
						s.master.Skip()
						s.stopAndCompare(id)
					}
					s.checkTotals(s.recorded())
					want := 2 // at the start, and after the stop
					if c := s.worker.Counters(); c.Discarded > 0 || len(s.master.OfType("client_ready")) != want || !s.master.Knows(id) {
						t.Errorf("%+v, %d client_ready; want nothing discarded and %d", c, len(s.master.OfType("client_ready")), want)
					}
				})
			})
		}
	}
}

// Conformance: B5, B7
func TestUsersStopWhenNoMasterIsSeen(t *testing.T) {
	onStage(t, Config{MasterTimeout: 20 * time.Second}, scripted{}, func(s *stage) {
		s.running()
		s.lossy = true
		s.master.Close()
		time.Sleep(19 * time.Second)
		s.worker.population(t, s, 10)
		time.Sleep(3 * time.Second)
		s.worker.population(t, s, 0)
		select {
		case <-s.ended:
			t.Error("the worker has ended")
		default:
		}
	})
}

// population compares the number of users that do something by their samples.
func (w *Worker) population(t *testing.T, s *stage, want int64) {
	t.Helper()
	synctest.Wait()
	before := s.recorded()
	time.Sleep(time.Second)
	synctest.Wait()
	if got := s.recorded() - before; got != want {
		t.Errorf("%d samples in a second; want %d", got, want)
	}
}

// Conformance: T8, H6, B8
func TestReconnectKeepsUsersAndIdentity(t *testing.T) {
	onStage(t, Config{}, scripted{}, func(s *stage) {
		id := s.running()
		s.master.Skip()
		s.master.Reconnect(id)
		if got := s.master.WaitFor("heartbeat", 10*time.Second).Worker; got != id {
			t.Errorf("a heartbeat of %s; want %s", got, id)
		}
		s.worker.checkUsers(t, s.master, 10)
		s.stopAndCompare(id)
	})
}

package locustworker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items Q and L12 of the conformance list: the ends of a run and of a worker.

// Conformance: Q3, Q4
func TestConformanceStopIsAlwaysAnswered(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		id := s.id()
		for range 3 { // idle, and stopped
			s.master.Stop(id)
			s.master.Expect("client_stopped", "client_ready")
		}
		s.spawned(one(3))
		s.master.Stop(id)
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready", "client_stopped", "client_ready")
		s.spawned(one(2))
	})
}

// Conformance: Q1, C14
func TestConformanceReadyDelay(t *testing.T) {
	perform(t, play{cfg: Config{ReadyDelay: 3 * time.Second}}, func(s *stage) {
		id := s.id()
		s.spawned(one(3), mastertest.StopTimeout(2*time.Second))
		s.master.Stop(id)
		m := s.master.Expect("client_stopped", "client_ready")
		if wait := m[1].At.Sub(m[0].At); wait != 5*time.Second {
			t.Errorf("client_ready came %v after client_stopped; want the stop timeout of 2s and 3s", wait)
		}
	})
}

// last returns the types of the messages since the last Skip, without heartbeats
// and logs.
func (s *stage) last(n int) []string {
	synctest.Wait()
	var types []string
	for _, m := range s.master.All() {
		if m.Type != "heartbeat" && m.Type != "logs" {
			types = append(types, m.Type)
		}
	}
	return types[max(0, len(types)-n):]
}

// Conformance: Q5, Q8, D4
func TestConformanceTheLastWordIsQuit(t *testing.T) {
	for name, end := range map[string]func(*stage, string){
		"quit":   func(s *stage, id string) { s.master.Quit(id) },
		"signal": func(s *stage, _ string) { s.end() },
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, Config{}, scripted{}, func(s *stage) {
				id := s.id()
				s.spawned(one(4))
				time.Sleep(2*time.Second + 500*time.Millisecond)
				end(s, id)
				<-s.ended
				// a report at once, and another when the users are gone
				if got, want := s.last(4), []string{"spawning_complete", "stats", "stats", "quit"}; !slices.Equal(got, want) {
					t.Errorf("the last messages are %v; want %v", got, want)
				}
				s.checkTotals(12)
				if s.err != nil {
					t.Errorf("Run = %v", s.err)
				}
			})
		})
	}
}

// Conformance: Q8
func TestConformanceASignalHonoursTheStopTimeout(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(4 * time.Second)}, func(s *stage) {
		s.id()
		s.spawned(one(4), mastertest.StopTimeout(10*time.Second))
		time.Sleep(time.Second)
		from := time.Now()
		s.end()
		<-s.ended
		if took := time.Since(from); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("ended after %v; want 3s, when the tasks have ended", took)
		}
		s.checkTotals(4) // a stock worker loses them
	})
}

// Conformance: Q6, Q7
func TestConformanceQuitOfAThousandUsers(t *testing.T) {
	onStage(t, Config{}, scripted{task: sleep(time.Hour), onStop: sleep(5 * time.Second)}, func(s *stage) {
		id := s.id()
		s.spawned(one(1000))
		s.worker.recorder.record(&User{id: 1}, Sample{Type: "GET", Name: "/"})
		from := time.Now()
		for range 4 {
			s.master.Quit(id)
		}
		m := s.master.Expect("quit")[0]
		if took := m.At.Sub(from); took > 200*time.Millisecond {
			t.Errorf("quit came after %v; the master listens for 500ms", took)
		}
		s.checkTotals(1)
		<-s.ended
		synctest.Wait()
		if n := len(s.master.OfType("quit")); n != 1 {
			t.Errorf("%d quit", n)
		}
	})
}

// Conformance: Q9
func TestConformanceErrorsThatNobodyHasSeen(t *testing.T) {
	failing := func(*stage) []Class {
		return []Class{doing("Failing", func(d *doer) error {
			d.Record(Sample{Type: "GET", Name: "/", Err: errors.New("bad")})
			return nil
		})}
	}
	for _, test := range []struct {
		name string
		end  func(*stage)
		want error
	}{
		{"delivered", func(s *stage) { s.end() }, nil},
		{"lost", func(s *stage) { s.master.Close(); s.end() }, ErrUndelivered},
	} {
		t.Run(test.name, func(t *testing.T) {
			perform(t, play{classes: failing, lossy: true}, func(s *stage) {
				s.id()
				s.spawned(map[string]int{"Failing": 1})
				time.Sleep(2500 * time.Millisecond)
				test.end(s)
				<-s.ended
				if !errors.Is(s.err, test.want) {
					t.Errorf("Run = %v; want %v", s.err, test.want)
				}
			})
		})
	}
}

// Conformance: L12
func TestConformanceSamplesOfOnStopCount(t *testing.T) {
	class := func(*stage) []Class {
		return []Class{NewClass("Closing", func(u *User) (*closing, error) { return &closing{u}, nil }).
			Task("wait", 1, (*closing).wait)}
	}
	perform(t, play{classes: class}, func(s *stage) {
		id := s.id()
		s.spawned(map[string]int{"Closing": 3})
		time.Sleep(time.Second)
		from := time.Now()
		s.master.Stop(id)
		m := s.master.Expect("client_stopped")[0]
		if took := m.At.Sub(from); took != 2500*time.Millisecond {
			t.Errorf("stopped after %v; want the 2.5s of on_stop, all users at once", took)
		}
		rows := s.master.Totals().Rows
		if want := (mastertest.Count{Requests: 3}); rows[mastertest.Row{Method: "BYE", Name: "bye"}] != want || len(rows) != 1 {
			t.Errorf("the table is %v; want 3 samples of on_stop and none of the tasks that were cut", rows)
		}
	})
}

// closing is a user with an endless task that logs out at its end.
type closing struct{ *User }

func (c *closing) wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (c *closing) OnStop(ctx context.Context) error {
	err := sleep(2500 * time.Millisecond)(ctx)
	c.Record(Sample{Type: "BYE", Name: "bye"})
	return err
}

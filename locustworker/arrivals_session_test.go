package locustworker

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// onOpenStage runs a test with a worker of the class "Caller", which has arrivals,
// and checks the equations at its end.
func onOpenStage(t *testing.T, cfg Config, how ArrivalConfig, tally *callTally, test func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, master: mastertest.NewInMemory(t), diary: newDiary(), log: &logText{}, ended: make(chan struct{})}
		cfg.Seed = 1
		cfg.Logger = slog.New(slog.NewTextHandler(s.log, nil))
		s.start(cfg, tally.class(how))
		test(s)
		s.finish()
		totals, c := s.worker.Snapshot().Arrivals[0], s.worker.Counters()
		if totals.Due != totals.Started+totals.Dropped || totals.Started != tally.tasks.Load() || totals.Visitors != 0 {
			t.Errorf("%+v, %d tasks", totals, tally.tasks.Load())
		}
		if tally.served.Load() != c.Confirmed-totals.Dropped+c.Cut {
			t.Errorf("%d served; dropped %d, %+v", tally.served.Load(), totals.Dropped, c)
		}
		if starts, stops := tally.starts.Load(), tally.stops.Load(); starts != stops {
			t.Errorf("OnStart ran %d times and OnStop %d times", starts, stops)
		}
	})
}

func callers(n int) map[string]int { return map[string]int{"Caller": n} }

// due checks how many arrivals were due in a time at a rate, since the last call.
func (t *callTally) due(s *stage, d time.Duration, rate float64) {
	s.t.Helper()
	before := s.worker.Snapshot().Arrivals[0].Due
	time.Sleep(d)
	synctest.Wait()
	n := float64(s.worker.Snapshot().Arrivals[0].Due - before)
	if want := d.Seconds() * rate; n < want-1.001 || n > want+1.001 {
		s.t.Errorf("%v arrivals in %v; want %v", n, d, want)
	}
}

// TestTheMasterSetsTheRate by the number of users and by a custom argument, in a
// ramp up and down, over two runs.
func TestTheMasterSetsTheRate(t *testing.T) {
	tally := &callTally{takes: constantly(30 * time.Millisecond)}
	how := ArrivalConfig{Rate: 5, RateArgument: "caller_rate"}
	onOpenStage(t, Config{}, how, tally, func(s *stage) {
		id := s.id()
		for range 2 {
			before := tally.tasks.Load() - tally.cut.Load()
			for _, users := range []int{1, 2, 3, 40, 2} {
				s.master.Spawn(id, callers(users))
				synctest.Wait()
				if got := s.worker.Snapshot().Users["Caller"]; got != users {
					t.Errorf("%d users; want %d", got, users)
				}
				tally.due(s, 3*time.Second, 5*float64(users))
			}
			s.master.Spawn(id, callers(2), mastertest.Arguments(map[string]any{"caller_rate": "12.5"}))
			synctest.Wait()
			tally.due(s, 2*time.Second, 25)
			s.master.Spawn(id, callers(0), mastertest.StopTimeout(time.Second))
			synctest.Wait()
			tally.due(s, 2*time.Second, 0)
			if n := s.worker.Snapshot().Arrivals[0].Visitors; n != 0 {
				t.Errorf("%d visitors without a user", n)
			}
			s.master.Spawn(id, callers(4))
			synctest.Wait()
			tally.due(s, time.Second, 20)
			s.master.Stop(id)
			s.master.WaitFor("client_stopped", time.Minute)
			tally.due(s, 2*time.Second, 0)
			s.checkTotals(tally.tasks.Load() - tally.cut.Load() - before)
		}
	})
}

// TestAStopWithinIterations cuts what the timeouts do not cover, and what they do is
// reported.
func TestAStopWithinIterations(t *testing.T) {
	for _, stopTimeout := range []time.Duration{0, 2 * time.Second, time.Minute} {
		tally := &callTally{takes: func(n int64) time.Duration { return time.Duration(n%50) * 100 * time.Millisecond }}
		how := ArrivalConfig{Rate: 10, MaxInFlight: 20}
		onOpenStage(t, Config{DrainTimeout: time.Second}, how, tally, func(s *stage) {
			id := s.id()
			s.master.Spawn(id, callers(3), mastertest.StopTimeout(stopTimeout))
			time.Sleep(7300 * time.Millisecond)
			s.master.Stop(id)
			s.master.WaitFor("client_stopped", time.Minute)
			if cut := s.worker.Counters().Cut; (cut > 0) != (stopTimeout < 5*time.Second) {
				t.Errorf("%d cut with a stop timeout of %v", cut, stopTimeout)
			}
			if s.worker.Snapshot().Arrivals[0].Dropped == 0 {
				t.Error("nothing was dropped")
			}
			s.checkTotals(s.recorded())
		})
	}
}

package locustworker

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestVisitorsThatNobodyNeedsEnd: a hang makes 200 visitors, who are few again two
// minutes later, each with its OnStop.
func TestVisitorsThatNobodyNeedsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{}
		tally.takes = func(int64) time.Duration {
			if at := time.Since(tally.start); at > 5*time.Second && at < 7*time.Second {
				return 7*time.Second - at
			}
			return 15 * time.Millisecond
		}
		var mu sync.Mutex
		visitors := map[time.Duration]int{}
		cfg := Config{StopTimeout: time.Second, HideLogs: true, Logger: slog.New(slog.DiscardHandler)}
		w, err := New(cfg, tally.class(ArrivalConfig{Rate: 100}))
		if err != nil {
			t.Fatal(err)
		}
		w.nap = nil // fake time
		for _, at := range []time.Duration{8 * time.Second, 60 * time.Second, 150 * time.Second} {
			time.AfterFunc(at, func() {
				n := w.Snapshot().Arrivals[0].Visitors
				mu.Lock()
				defer mu.Unlock()
				visitors[at] = n
			})
		}
		if _, err = w.RunHeadless(t.Context(), Headless{RunTime: 200 * time.Second}); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if visitors[8*time.Second] < 190 || visitors[60*time.Second] < 190 || visitors[150*time.Second] > 3 {
			t.Errorf("visitors after so long: %v", visitors)
		}
		totals := w.Snapshot().Arrivals[0]
		if totals.Due != totals.Started || totals.Due < 19_999 || tally.stops.Load() != tally.starts.Load() {
			t.Errorf("%+v; %d visitors began, %d ended", totals, tally.starts.Load(), tally.stops.Load())
		}
	})
}

// TestAListenerOfDroppedArrivalsHoldsUpNobody: it blocks, arrivals go on, and each
// dropped one is recorded once before the run has ended.
func TestAListenerOfDroppedArrivalsHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := &callTally{takes: constantly(150 * time.Millisecond)}
		heard := int64(0) // by one goroutine
		cfg := Config{StopTimeout: time.Minute, Events: Events{Request: func(_ *User, s Sample) {
			if s.Type != DroppedType {
				return
			}
			if heard++; heard == 1 {
				time.Sleep(5 * time.Second)
			}
		}}}
		w, totals := runOpen(t, cfg, Headless{RunTime: 10 * time.Second}, tally, ArrivalConfig{Rate: 10, MaxInFlight: 1})
		if totals.Due < 99 || totals.Due > 101 || totals.Lateness.below(1) > time.Millisecond {
			t.Errorf("%+v", totals)
		}
		if totals.Dropped == 0 || heard != totals.Dropped {
			t.Errorf("%d dropped, the listener has heard of %d", totals.Dropped, heard)
		}
		for _, row := range w.Snapshot().Rows {
			if row.Type == DroppedType && row.Requests != totals.Dropped {
				t.Errorf("%d dropped; the row has %d", totals.Dropped, row.Requests)
			}
		}
	})
}

// TestTheCauseOfDroppedArrivals: the target is not blamed for what may be the fault of
// a machine that is late with what it does by itself.
func TestTheCauseOfDroppedArrivals(t *testing.T) {
	const target, machine = "the system under test answers too slowly", "this machine is too busy to run them in time"
	for _, test := range []struct {
		name  string
		late  time.Duration // of every tenth arrival
		first bool          // visitors begin with OnStart
		want  string
	}{
		{"in time", time.Millisecond, false, target},
		{"the machine is late", 20 * time.Millisecond, false, machine},
		{"OnStart takes long", 20 * time.Millisecond, true, target},
	} {
		var text logText
		o := &openClass{class: newLiveClass(&classSpec{name: "Caller"})}
		for i := range 100 {
			late := time.Duration(0)
			if i%10 == 0 {
				late = test.late
			}
			if test.first {
				o.watch.pacer(0)
				o.watch.start(late, true)
				continue
			}
			o.watch.pacer(late)
		}
		o.watch.full = 7
		o.watch.warn(slog.New(slog.NewTextHandler(&text, nil)), o, neverLogged)
		for _, cause := range []string{target, machine} {
			if strings.Contains(text.String(), cause) != (cause == test.want) {
				t.Errorf("%s: %s", test.name, text.String())
			}
		}
	}
}

package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

func TestARun(t *testing.T) {
	run(t, Config{}, authors{}, func(r *rig) {
		r.spawn(3, 2*time.Second)
		r.want("spawning, spawning_complete")
		r.record()
		time.Sleep(reportInterval)
		r.want("report")
		r.record()
		time.Sleep(reportInterval)
		r.want("") // the last report is on its way
		r.prove()
		time.Sleep(reportInterval)
		r.want("report")
		r.prove()
		r.hear(wire.Stop{})
		r.want("report, beat, client_stopped")
		r.spawn(1, 0)
		r.want("") // put off
		time.Sleep(2 * time.Second)
		r.want("client_ready, spawning, spawning_complete")
		if r.fleet.begun != 2 || r.figures.Confirmed.Load() != 2 {
			t.Errorf("%d runs begun, %d confirmed; want 2, 2", r.fleet.begun, r.figures.Confirmed.Load())
		}
	})
}

func TestANewRunDiscardsOldSamples(t *testing.T) {
	for _, resumed := range []bool{false, true} {
		run(t, Config{}, authors{}, func(r *rig) {
			r.record()
			r.link.change(func() { r.link.resumed = resumed })
			r.spawn(1, 0)
			want := int64(1)
			if resumed {
				want = 0
			}
			if n := r.figures.Discarded.Load(); n != want {
				t.Errorf("resumed %v: %d samples discarded; want %d", resumed, n, want)
			}
		})
	}
}

func TestAnotherMaster(t *testing.T) {
	run(t, Config{}, authors{}, func(r *rig) {
		r.spawn(3, time.Minute)
		r.take()
		r.record()
		r.owner(r.link.cfg.Unknown)
		r.want("rejoin")
		if _, n := r.fleet.Counts(); n != 0 || r.fleet.stops[0] != 0 {
			t.Errorf("%d users after stops with timeouts %v", n, r.fleet.stops)
		}
		r.owner(func() { r.link.cfg.Registered(uplink.Registration{Joined: true, Another: true, Discarded: 7}) })
		if n := r.figures.Discarded.Load(); n != 8 {
			t.Errorf("%d samples discarded; want 7 reported and 1 not", n)
		}
		r.take()
		r.hear(wire.Spawn{Timestamp: 1, UserClassesCount: map[string]int{"Shop": 2}}) // its clock is behind
		r.want("spawning, spawning_complete")
	})
}

func TestQuitByTheMaster(t *testing.T) {
	tests := []struct {
		name  string
		stops time.Duration // what the users take to stop
		a     authors
		want  string
	}{
		{"at once", 0, authors{}, "report, beat, report, beat, quit"},
		{"slow users", 320 * time.Millisecond, authors{}, "report, beat, report, beat, quit, report, beat"},
		{"slow quitting", 0, authors{quitting: func() { time.Sleep(20 * time.Second) }}, "report, beat, report, beat, quit"},
		{
			"slow test_stopping", 0,
			authors{testStopping: func() { time.Sleep(300 * time.Millisecond) }},
			"report, beat, report, beat, quit, report, beat",
		},
		{
			"additions", 0,
			authors{report: func() map[string]any { return map[string]any{"a": wire.EncodedValue{1}} }},
			"report, beat, report with additions, beat, quit",
		},
		{
			"slow additions", 0,
			authors{report: func() map[string]any { time.Sleep(8 * time.Second); return nil }},
			"report, beat, report, beat, quit",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			run(t, Config{}, tt.a, func(r *rig) {
				r.spawn(3, 0)
				if tt.a.report != nil {
					time.Sleep(30 * time.Second) // for the additions of the registration
				}
				r.stopsTake(tt.stops)
				r.take()
				r.record()
				r.hear(wire.Quit{})
				r.prove()
				time.Sleep(400 * time.Millisecond)
				r.prove()
				r.want(tt.want)
				<-r.ended
				if r.err != nil || r.store.Take().Total.Requests != 0 {
					t.Errorf("Run = %v", r.err)
				}
			})
		})
	}
}

// What users record while they end, after the master's quit, is reported every
// restInterval.
func TestWhatUsersRecordWhileTheyEnd(t *testing.T) {
	run(t, Config{}, authors{}, func(r *rig) {
		r.spawn(3, 0)
		r.stopsTake(420 * time.Millisecond)
		r.hear(wire.Quit{})
		for range 5 {
			r.record()
			before := see(r.link, &r.link.open)
			time.Sleep(restInterval)
			synctest.Wait()
			if see(r.link, &r.link.open) == before {
				t.Fatal("a sample waits for longer than restInterval")
			}
		}
	})
}

func TestASignalWaitsForTheProofWhileTheMasterIsThere(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state uplink.State
		proof time.Duration
		ends  time.Duration
	}{
		{"proven", uplink.Registered, 3 * time.Second, 3 * time.Second},
		{"never proven", uplink.Registered, time.Hour, proofLimit + proofInterval},
		{"no master", uplink.Down, time.Hour, proofInterval},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run(t, Config{}, authors{}, func(r *rig) {
				r.record()
				r.link.change(func() { r.link.state = tt.state })
				from := time.Now()
				r.end()
				if tt.proof < time.Hour {
					time.Sleep(tt.proof)
					r.prove()
				}
				<-r.ended
				if took := time.Since(from); took < tt.ends || took > tt.ends+2*proofInterval {
					t.Errorf("ended after %v; want %v", took, tt.ends)
				}
			})
		})
	}
}

func TestUsersThatDoNotEnd(t *testing.T) {
	run(t, Config{StopTimeout: time.Second, DrainTimeout: time.Second}, authors{}, func(r *rig) {
		r.spawn(1, time.Second)
		r.stopsTake(time.Hour)
		r.end()
		<-r.ended
		defer time.Sleep(time.Hour) // for the stop
		if r.log.count("users do not end; leaving them") != 1 {
			t.Error("the log does not say that a user was left")
		}
	})
}

func TestNoUserStartsAfterAStop(t *testing.T) {
	a := authors{
		testStart: func(ctx context.Context) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
		},
		testStopping: func() { time.Sleep(3 * time.Second) },
	}
	run(t, Config{}, a, func(r *rig) {
		r.spawn(5, 0)
		r.take()
		r.hear(wire.Stop{})
		time.Sleep(time.Second)
		if _, n := r.fleet.Counts(); n != 0 {
			t.Errorf("%d users were started after the stop", n)
		}
		time.Sleep(3 * time.Second)
		r.want("report, report, beat, client_stopped, client_ready") // the first is that of the clock
	})
}

// Conformance: B4, L17
func TestBusyProcessorWarnsOnceARun(t *testing.T) {
	seen := 0
	run(t, Config{}, authors{usage: func() { seen++ }}, func(r *rig) {
		for _, cpu := range []float64{90, 91, 95, 12, 99} {
			r.usages <- cpu
		}
		time.Sleep(50*time.Second + time.Millisecond)
		synctest.Wait()
		warned := func() int { return r.log.count("CPU usage above 90%!") }
		if n := warned(); n != 1 || seen != 5 || r.session.heartbeat().CPUPercent != 99 {
			t.Errorf("%d warnings, %d events, heartbeat %+v", n, seen, r.session.heartbeat())
		}
		r.spawn(1, 0)
		r.usages <- 91
		time.Sleep(10 * time.Second)
		if n := warned(); n != 2 {
			t.Errorf("%d warnings in the second run", n-1)
		}
	})
}

func TestNoMaster(t *testing.T) {
	for _, quits := range []bool{false, true} {
		run(t, Config{QuitOnMasterLoss: quits}, authors{}, func(r *rig) {
			r.spawn(2, 0)
			time.Sleep(59 * time.Second)
			if _, n := r.fleet.Counts(); n != 2 {
				t.Errorf("%d users after 59s", n)
			}
			time.Sleep(5 * time.Second)
			if _, n := r.fleet.Counts(); n != 0 {
				t.Errorf("%d users after 64s", n)
			}
			if quits {
				<-r.ended
				if !errors.Is(r.err, ErrMasterLost) {
					t.Errorf("Run = %v", r.err)
				}
			}
		})
	}
}

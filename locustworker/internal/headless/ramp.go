package headless

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// A ramp leads to the users of a stage, in a goroutine of its own.
type ramp struct {
	cancel context.CancelFunc
	ended  chan struct{}
	done   chan bool // gets whether all users were spawned
}

// end ends the ramp, and waits until it starts no more users. A nil ramp has
// ended.
func (p *ramp) end() {
	if p != nil {
		p.cancel()
		<-p.ended
	}
}

// rampTo ends the ramp that goes on and begins another one. It returns a reason to
// end the run, if the stage cannot be.
func (r *Run) rampTo(s Stage) string {
	first := r.ramp == nil
	r.ramp.end()
	ctx, cancel := context.WithCancel(context.Background())
	r.ramp = &ramp{cancel: cancel, ended: make(chan struct{}), done: make(chan bool, 1)}
	r.spawned = false
	if err := r.dispatcher.Begin(s.Users, s.SpawnRate, s.Classes); err != nil {
		close(r.ramp.ended)
		r.cfg.Log.Error(err.Error())
		r.Quit(1)
		return "The users cannot be dealt out"
	}
	r.cfg.Log.Info(fmt.Sprintf("Ramping to %d users at a rate of %.2f per second", s.Users, s.SpawnRate))
	go func(p *ramp) {
		defer close(p.ended)
		if first && r.cfg.Hooks.TestStart != nil {
			r.cfg.Hooks.TestStart(ctx)
		}
		p.done <- r.climb(ctx)
	}(r.ramp)
	return ""
}

// climb makes the steps of a ramp, and reports whether it made all.
func (r *Run) climb(ctx context.Context) bool {
	for ctx.Err() == nil {
		step, more := r.dispatcher.Next()
		if !more {
			return true
		}
		began := time.Now()
		r.cfg.Fleet.Spawn(ctx, step.Users, r.cfg.StopTimeout)
		wait := time.NewTimer(step.Wait - time.Since(began))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
	}
	return false
}

// climbed is called when a ramp has ended.
func (r *Run) climbed(all bool) {
	if !all {
		return
	}
	r.spawned = true
	byClass, users := r.cfg.Fleet.Counts()
	text, err := json.Marshal(byClass)
	if err != nil {
		text = []byte("{}") // cannot be: it is a map of numbers
	}
	r.cfg.Log.Info(fmt.Sprintf("All users spawned: %s (%d total users)", text, users))
	if r.cfg.Hooks.SpawningComplete != nil {
		r.cfg.Hooks.SpawningComplete(users)
	}
	if r.cfg.ResetStats {
		r.cfg.Log.Info("Resetting stats")
		r.dropped += r.cfg.Store.Reset() + r.table.Total().Requests
		r.cfg.Open.reset()
		r.table.Reset()
		r.history.Reset()
	}
}

// keyRate is how many users a second start or stop after a key (main in
// locust/main.py).
const keyRate = 100

// adjust adds users to those that there are now, or removes some. It returns a reason
// to end the run, if there is one.
func (r *Run) adjust(n int) string {
	if !r.spawned {
		r.cfg.Log.Warn("users are still being started or stopped; press the key again when that is done")
		return ""
	}
	_, users := r.cfg.Fleet.Counts()
	return r.rampTo(Stage{Users: max(users+n, 0), SpawnRate: keyRate})
}

// reshape asks the shape for the stage, and begins it if it is another one. It
// returns a reason to end the run, if there is one (shape_worker).
func (r *Run) reshape() string {
	_, users := r.cfg.Fleet.Counts()
	total := r.table.Total()
	s, more := r.cfg.Shape(Moment{RunTime: time.Since(r.began), Users: users, Requests: total.Requests, Failures: total.Failures})
	if !more {
		return "Shape test completed"
	}
	if r.ramp != nil && s.Users == r.stage.Users && s.SpawnRate == r.stage.SpawnRate && slices.Equal(s.Classes, r.stage.Classes) {
		return ""
	}
	r.cfg.Log.Info(fmt.Sprintf("Shape test updating to %d users at %.2f spawn rate", s.Users, s.SpawnRate))
	r.stage = s
	return r.rampTo(s)
}

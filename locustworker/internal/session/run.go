package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// turnLimit is how long a spawn waits for message handlers before the log tells.
const turnLimit = 5 * time.Second

// command obeys spawn and stop, or puts them off until the worker is ready.
func (s *Session) command(in inbound) {
	switch s.run {
	case quitting:
		return
	case stopping, cooling, leaving:
		if !s.deferred.add(in) {
			s.refuse(refusedPutOff, fmt.Sprintf("%d messages wait for the end of the last run already", len(s.deferred.messages)))
		}
		return
	case ready, spawning, running:
	}
	switch m := in.body.(type) {
	case wire.Spawn:
		s.awaitTurn(m, in.size)
	case wire.Stop:
		s.stop()
	}
}

// awaitTurn obeys a spawn message when the handlers of the messages before it
// have returned, so that users find what those brought: a Python worker takes one
// message after the other. What it is told otherwise does not wait.
func (s *Session) awaitTurn(m wire.Spawn, size int) {
	if len(s.waiting) == 0 && s.handlers.idle() {
		s.spawn(m)
		return
	}
	turn := &m
	if len(s.waiting) >= maxPutOff || !s.handlers.add("spawn", size, func() { s.post(func() { s.takeTurn(turn) }) }) {
		s.refuse(refusedPutOff, fmt.Sprintf("%d of them wait for message handlers already", len(s.waiting)))
		return
	}
	s.waiting = append(s.waiting, turn)
	s.after(turnLimit, func() {
		if slices.Contains(s.waiting, turn) {
			s.log.Warn("users are not spawned before the handlers of earlier messages have returned", "running", s.handlers.names())
		}
	})
}

// takeTurn spawns, unless the users were stopped meanwhile.
func (s *Session) takeTurn(turn *wire.Spawn) {
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.spawn(*turn)
	}
}

// A spawnJob brings the users to a target in its own goroutine. No user starts after
// cancel.
type spawnJob struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// end gives the job up and waits until it has ended. A nil job has.
func (j *spawnJob) end() {
	if j != nil {
		j.cancel()
		<-j.done
	}
}

// spawn obeys a spawn message (mirrors its case in handle_message).
func (s *Session) spawn(m wire.Spawn) {
	if !s.admit(m) {
		return
	}
	s.send(wire.Spawning{})
	if m.Timestamp <= s.spawnStamp {
		s.log.Info("Discard spawn message with older or equal timestamp than timestamp of previous spawn message")
		return
	}
	s.spawnStamp = m.Timestamp
	s.stopTimeout = m.StopTimeout
	s.cfg.Fleet.Configure(m)
	var testStart func()
	if s.run == ready {
		if !s.link.Resumed() { // else a first spawn is more of the run that was interrupted
			s.discard(0)
		}
		s.cfg.Fleet.BeginRun(m.ParsedOptions)
		s.unknown = make(map[string]int)
		s.cpuWarned = false
		var ctx context.Context
		ctx, s.endTest = context.WithCancel(s.life)
		testStart = func() { s.cfg.Events.TestStart(ctx) }
	}
	s.run = spawning
	s.wireState.Store(wire.StateSpawning)
	s.noteUnknown(m.UserClassesCount)
	s.startJob(m.UserClassesCount, testStart)
}

// startJob gives the running spawn job up and starts another, which calls
// testStart first unless it is nil.
func (s *Session) startJob(target map[string]int, testStart func()) {
	last := s.job
	ctx, cancel := context.WithCancel(s.life)
	job := &spawnJob{cancel: cancel, done: make(chan struct{})}
	s.job = job
	timeout := s.stopTimeout
	go func() {
		last.end()
		if testStart != nil {
			testStart()
		}
		s.cfg.Fleet.Spawn(ctx, target, timeout)
		cancel()
		close(job.done)
		s.post(func() { s.spawned(job) })
	}()
}

// noteUnknown says loudly which classes the worker lacks.
func (s *Session) noteUnknown(target map[string]int) {
	have, _ := s.cfg.Fleet.Counts()
	var names []string
	users := 0
	for _, name := range slices.Sorted(maps.Keys(target)) {
		if _, ok := have[name]; ok {
			continue
		}
		s.unknown[name] = 0
		if target[name] > 0 {
			names = append(names, name)
			users += target[name]
		}
	}
	if len(names) > 0 {
		s.log.Error("the master asks for users of classes that this worker does not have; their count stays 0",
			"classes", listed(names), "users", users)
	}
}

func (s *Session) spawned(job *spawnJob) {
	if s.job != job || s.run != spawning {
		return
	}
	byClass, users := s.counts()
	s.send(wire.SpawningComplete{UserClassesCount: byClass, UserCount: users})
	s.run = running
	s.wireState.Store(wire.StateRunning)
	s.log.Info("all users spawned", "users", users, "classes", fmt.Sprint(byClass))
}

// stop obeys a stop message: the worker's users go, what they recorded is
// reported, then client_stopped and, when the stop timeout has passed once more,
// client_ready (mirrors its case in handle_message, with a report more).
func (s *Session) stop() {
	s.run = stopping
	s.stopUsers(s.stopTimeout, func() {
		if s.run != stopping {
			return // quitting or leaving by now
		}
		s.flush(reportLimit, func() {
			if s.run != stopping {
				return
			}
			s.link.Beat() // its answer proves the report; after client_stopped there is none
			s.send(wire.ClientStopped{})
			s.run = cooling
			s.after(s.stopTimeout+s.cfg.ReadyDelay, s.cooled)
		})
	})
}

func (s *Session) cooled() {
	if s.run != cooling {
		return
	}
	s.send(wire.ClientReady{})
	s.ready()
}

// leave stops the users without a word to the master and calls then when they
// are gone. Their tasks get no stop timeout: nobody waits for them, and the next
// master shall not wait either. A later quit takes precedence.
func (s *Session) leave(then func()) {
	if s.run == quitting {
		return
	}
	s.afterLeave = append(s.afterLeave, then)
	if s.run == leaving {
		return
	}
	s.run = leaving
	s.stopUsers(0, func() {
		if s.run != leaving {
			return // quitting by now
		}
		for _, then := range s.afterLeave {
			then()
		}
		s.afterLeave = nil
		s.ready()
	})
}

// ready makes the worker fit for the next run and does what was put off.
func (s *Session) ready() {
	s.run = ready
	s.wireState.Store(wire.StateReady)
	for _, m := range s.deferred.take() {
		s.command(m)
	}
}

// stopUsers gives the spawn job and those that wait up at once, stops all users in
// a goroutine of its own and calls then, in the loop, when they are gone (mirrors
// Runner.stop). A worker that quits does not let its users run for as long as
// TestStopping takes.
func (s *Session) stopUsers(timeout time.Duration, then func()) {
	job, endTest := s.job, s.endTest
	s.job, s.endTest, s.waiting = nil, nil, nil
	if endTest != nil {
		endTest()
	}
	if job != nil {
		job.cancel()
	}
	hasty := s.run == quitting
	go func() {
		called := make(chan struct{})
		go func() {
			defer close(called)
			if endTest != nil {
				s.cfg.Events.TestStopping()
			}
		}()
		if !hasty {
			<-called
		}
		job.end()
		s.cfg.Fleet.StopAll(timeout)
		<-called
		if endTest != nil {
			s.cfg.Events.TestStop()
		}
		s.post(then)
	}()
}

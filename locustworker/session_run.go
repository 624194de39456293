package locustworker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// received handles a frame from the master (mirrors WorkerRunner.handle_message).
func (s *session) received(c conn, frame []byte) {
	if s.conn != c {
		return
	}
	s.lastSign = time.Now()
	e, err := wire.Decode(frame)
	if err != nil {
		s.log.Error("ignored a message from the master that cannot be read", "error", err)
		return
	}
	switch m := e.Body.(type) {
	case wire.Ack:
		s.acked(m)
	case wire.HeartbeatReply:
		s.heartbeatAnswered()
	case wire.Reconnect:
		s.log.Warn("Received reconnect message from master. Resetting RPC connection.")
		s.hangUp()
	case wire.Quit:
		s.beginQuit(quitByMaster)
	case wire.Spawn, wire.Stop:
		s.command(m)
	case wire.SpawningComplete:
		s.log.Debug("all workers have spawned their users", "users", m.UserCount)
	default:
		s.log.Warn("Unknown message type received", "type", e.Type)
	}
}

// command obeys spawn and stop, or puts them off until the worker is ready.
func (s *session) command(m wire.Inbound) {
	switch s.run {
	case runQuitting:
		return
	case runStopping, runCooling, runLeaving:
		s.deferred = append(s.deferred, m)
		return
	}
	switch m := m.(type) {
	case wire.Spawn:
		s.spawn(m)
	case wire.Stop:
		s.stop()
	}
}

// A spawnJob brings the users to a target in its own goroutine.
type spawnJob struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// end gives the job up and waits until it starts no more users.
func (j *spawnJob) end() {
	if j != nil {
		j.cancel()
		<-j.done
	}
}

// spawn obeys a spawn message (mirrors its case in handle_message).
func (s *session) spawn(m wire.Spawn) {
	s.send(wire.Spawning{})
	if m.Timestamp <= s.spawnStamp {
		s.log.Info("Discard spawn message with older or equal timestamp than timestamp of previous spawn message")
		return
	}
	s.spawnStamp = m.Timestamp
	s.users.setHost(m.Host)
	s.stopTimeout = m.StopTimeout
	if s.run == runReady {
		s.forget()
		s.unknown = make(map[string]int)
	}
	s.run = runSpawning
	s.wireState.Store(wire.StateSpawning)
	s.noteUnknown(m.UserClassesCount)

	s.job.end()
	ctx, cancel := context.WithCancel(context.Background())
	job := &spawnJob{cancel: cancel, done: make(chan struct{})}
	s.job = job
	timeout := s.stopTimeout
	go func() {
		s.users.spawn(ctx, m.UserClassesCount, timeout)
		close(job.done)
		s.post(func() { s.spawned(job) })
	}()
}

// noteUnknown says loudly which classes the worker lacks.
func (s *session) noteUnknown(target map[string]int) {
	have, _ := s.users.counts()
	for _, name := range slices.Sorted(maps.Keys(target)) {
		if _, ok := have[name]; ok {
			continue
		}
		s.unknown[name] = 0
		if target[name] > 0 {
			s.log.Error("the master asks for users of a class that this worker does not have; their count stays 0",
				"class", name, "users", target[name])
		}
	}
}

func (s *session) spawned(job *spawnJob) {
	if s.job != job || s.run != runSpawning {
		return
	}
	job.cancel()
	byClass, users := s.counts()
	s.send(wire.SpawningComplete{UserClassesCount: byClass, UserCount: users})
	s.run = runRunning
	s.wireState.Store(wire.StateRunning)
	s.log.Info("all users spawned", "users", users, "classes", fmt.Sprint(byClass))
}

// stop obeys a stop message: the worker's users go, what they recorded is
// reported, then client_stopped and, when the stop timeout has passed once more,
// client_ready (mirrors its case in handle_message, with a report more).
func (s *session) stop() {
	s.run = runStopping
	s.stopUsers(func() {
		if s.run != runStopping {
			return // quitting or leaving by now
		}
		s.flush()
		s.send(wire.ClientStopped{})
		s.run = runCooling
		s.after(s.stopTimeout, s.cooled)
	})
}

func (s *session) cooled() {
	if s.run != runCooling {
		return
	}
	s.lastSign = time.Now()
	s.send(wire.ClientReady{})
	s.ready()
}

// leave stops the users without a word to the master and calls then when they
// are gone. A later stop or quit takes precedence.
func (s *session) leave(then func()) {
	if s.run == runQuitting {
		return
	}
	s.afterLeave = append(s.afterLeave, then)
	if s.run == runLeaving {
		return
	}
	s.run = runLeaving
	s.stopUsers(func() {
		if s.run != runLeaving {
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
func (s *session) ready() {
	s.run = runReady
	s.wireState.Store(wire.StateReady)
	deferred := s.deferred
	s.deferred = nil
	for _, m := range deferred {
		s.command(m)
	}
}

// stopUsers gives the spawn job up, stops all users in a goroutine of its own and
// calls then, in the loop, when they are gone.
func (s *session) stopUsers(then func()) {
	job, timeout := s.job, s.stopTimeout
	s.job = nil
	go func() {
		job.end()
		s.users.stopAll(timeout)
		s.post(then)
	}()
}

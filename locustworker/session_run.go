package locustworker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// turnPatience is how long a spawn waits for message handlers before the log tells.
const turnPatience = 5 * time.Second

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
	s.log.Debug("received from the master", "type", e.Type)
	switch m := e.Body.(type) {
	case wire.Ack:
		s.acked(m)
	case wire.HeartbeatReply:
		s.heartbeatAnswered()
	case wire.Reconnect:
		s.log.Warn("Received reconnect message from master. Resetting RPC connection.")
		s.hangUp()
	case wire.Quit:
		s.beginQuit(quitByMaster, nil)
	case wire.Spawn, wire.Stop:
		s.command(m)
	case wire.UpdateUserClass:
		s.update(m)
	case wire.SpawningComplete:
		s.fleetSpawned(m.UserCount)
	case wire.Custom:
		s.handle(e, m)
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
	case runReady, runSpawning, runRunning:
	}
	switch m := m.(type) {
	case wire.Spawn:
		s.spawnInTurn(m)
	case wire.Stop:
		s.stop()
	}
}

// spawnInTurn obeys a spawn message when the handlers of the messages before it
// have returned, so that users find what those brought: a Python worker takes one
// message after the other. What it is told otherwise does not wait.
func (s *session) spawnInTurn(m wire.Spawn) {
	if len(s.waiting) == 0 && s.calls.idle() {
		s.spawn(m)
		return
	}
	turn := &m
	s.waiting = append(s.waiting, turn)
	s.calls.add("spawn", func() { s.post(func() { s.takeTurn(turn) }) })
	s.after(turnPatience, func() {
		if slices.Contains(s.waiting, turn) {
			s.log.Warn("users are not spawned before the handlers of earlier messages have returned", "running", s.calls.names())
		}
	})
}

// takeTurn spawns, unless the users were stopped meanwhile.
func (s *session) takeTurn(turn *wire.Spawn) {
	if i := slices.Index(s.waiting, turn); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		s.spawn(*turn)
	}
}

// A spawnJob brings the users to a target in its own goroutine.
type spawnJob struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// end gives the job up and waits until it starts no more users. A nil job has
// ended.
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
	s.env.setArguments(m.ParsedOptions)
	var testStart func()
	if s.run == runReady {
		if !s.resumed { // else a first spawn is more of the run that was interrupted
			s.forget()
		}
		s.users.beginRun()
		s.unknown = make(map[string]int)
		s.cpuWarned = false
		s.filterTasks(m.ParsedOptions)
		var ctx context.Context
		ctx, s.endTest = context.WithCancel(s.users.ctx) //nolint:gosec // stopUsers calls it
		testStart = func() { s.hooks.testStart(ctx) }
	}
	s.run = runSpawning
	s.wireState.Store(wire.StateSpawning)
	s.noteUnknown(m.UserClassesCount)
	s.startJob(m.UserClassesCount, testStart)
}

// startJob gives the running spawn job up and starts another, which calls
// testStart first unless it is nil.
func (s *session) startJob(target map[string]int, testStart func()) {
	last := s.job
	ctx, cancel := context.WithCancel(s.users.ctx)
	job := &spawnJob{cancel: cancel, done: make(chan struct{})}
	s.job = job
	timeout := s.stopTimeout
	go func() {
		last.end()
		if testStart != nil {
			testStart()
		}
		s.users.spawn(ctx, target, timeout)
		cancel()
		close(job.done)
		s.post(func() { s.spawned(job) })
	}()
}

// filterTasks applies the tags once in a worker's life, the master's before its
// own (mirrors Environment._filter_tasks_by_tags and the merge of parsed_options).
func (s *session) filterTasks(options map[string]any) {
	if s.filtered {
		return
	}
	s.filtered = true
	own := func(name string, configured []string) []string {
		value, sent := options[name]
		if !sent {
			return configured
		}
		if value == nil {
			return nil
		}
		tags, err := textList(value)
		if err != nil {
			s.log.Error("ignored tags from the master that are no list of texts", "option", name, "value", value)
			return configured
		}
		return tags
	}
	tags, excluded := own("tags", s.cfg.Tags), own("exclude_tags", s.cfg.ExcludeTags)
	if len(tags)+len(excluded) > 0 {
		s.users.filter(tags, excluded)
	}
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
	s.stopUsers(s.stopTimeout, func() {
		if s.run != runStopping {
			return // quitting or leaving by now
		}
		s.flush()
		s.send(s.heartbeat()) // its answer proves the report; after client_stopped there is none
		s.send(wire.ClientStopped{})
		s.run = runCooling
		s.after(s.stopTimeout+s.cfg.ReadyDelay, s.cooled)
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
// are gone. Their tasks get no stop timeout: nobody waits for them, and the next
// master shall not wait either. A later quit takes precedence.
func (s *session) leave(then func()) {
	if s.run == runQuitting {
		return
	}
	s.afterLeave = append(s.afterLeave, then)
	if s.run == runLeaving {
		return
	}
	s.run = runLeaving
	s.stopUsers(0, func() {
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

// stopUsers gives the spawn job and those that wait up, stops all users in a goroutine of its own and
// calls then, in the loop, when they are gone (mirrors Runner.stop).
func (s *session) stopUsers(timeout time.Duration, then func()) {
	job, endTest := s.job, s.endTest
	s.job, s.endTest, s.waiting = nil, nil, nil
	go func() {
		if endTest != nil {
			endTest()
			s.hooks.testStopping()
		}
		job.end()
		s.users.stopAll(timeout)
		if endTest != nil {
			s.hooks.testStop()
		}
		s.post(then)
	}()
}

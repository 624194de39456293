package fleet

import (
	"sync"
	"time"
)

// idleInterval is how often executors end that nobody needed meanwhile.
const idleInterval = time.Second

// A shard has a part of the members, with the executors that run them. Shards are
// there so that processors do not wait for each other's locks; a member stays in
// its shard.
type shard struct {
	fleet *Fleet

	mu     sync.Mutex
	ready  list // members that have something to do
	turns  list // members that did not wait, while the processor is short: see crowd
	active int  // executors that have a member
	// waking is set while an executor was started, or woken, and has not looked at
	// the lists yet. There is one such at a time: it starts the next one when it
	// finds more than it can take. So members that are ready in thousands get as
	// many executors as they block.
	waking bool

	idle   []*executor // the longest idle first
	spare  int         // the least number of idle ones since reaper was set
	reaper *time.Timer // nil, or set while there are idle ones

	timers  timers
	sleeper *executor     // an idle one that waits for the first of the timers, or nil
	alarm   *time.Timer   // rings at the first of the timers while there is no sleeper
	armed   time.Duration // when the sleeper's timer, or alarm, goes off; 0 if neither does
}

// An executor is a goroutine that runs members of its shard.
type executor struct {
	member *Member
	wake   chan bool     // false ends it
	timer  *time.Timer   // nil until it is the sleeper
	since  time.Duration // when its member's turn has begun, in a crowd
}

// An outcome is how a member leaves its executor.
type outcome uint8

const (
	ended   outcome = iota
	waits           // for a time
	yielded         // gave its turn to others
)

// begin makes a new member ready.
func (s *shard) begin(m *Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.state = queued
	s.ready.push(m)
	s.wakeOne()
}

// tell tells a member to stop. One that waits gets ready at once.
func (s *shard) tell(m *Member) {
	m.asked.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.state {
	case queued, running:
		return
	case waiting:
		m.state = queued // which the timers look at
		s.timers.dropped()
		if _, left := s.timers.next(); !left {
			s.disarm()
		}
	case parked:
	}
	m.state, m.due = queued, 0
	s.ready.push(m)
	s.wakeOne()
}

// wakeOne has an executor look at the lists, if there is something in them. s.mu
// is held.
func (s *shard) wakeOne() {
	if s.waking || s.ready.empty() && s.turns.empty() || !s.mayRun() {
		return
	}
	s.waking = true
	s.fleet.crowd.started()
	if last := len(s.idle) - 1; last >= 0 {
		x := s.idle[last]
		s.idle[last] = nil
		s.idle = s.idle[:last]
		s.spare = min(s.spare, last)
		x.wake <- true
		return
	}
	if x := s.sleeper; x != nil {
		s.disarm()
		s.sleeper = nil
		s.arm()
		x.wake <- true
		return
	}
	go s.run(&executor{wake: make(chan bool, 1)})
}

// run is an executor's goroutine.
func (s *shard) run(x *executor) {
	defer s.abandon(x)
	s.mu.Lock()
	s.waking = false
	m := s.next(x)
	for m != nil {
		x.member = m
		how, wait := s.advance(x, m)
		x.member = nil
		if how == ended {
			s.fleet.leave(m)
		}
		m = s.put(x, m, how, wait)
	}
}

// advance runs a member until it waits, ends or yields.
func (s *shard) advance(x *executor, m *Member) (outcome, time.Duration) {
	if s.fleet.crowd.on.Load() {
		x.since = s.fleet.now()
	}
	if m.due > 0 {
		late := s.fleet.now() - m.due
		m.due = 0
		m.work.Woke(late)
	}
	for {
		wait, done := m.work.Step()
		switch {
		case done:
			return ended, 0
		case wait > 0:
			return waits, wait
		case !s.fleet.crowd.goOn(s, x):
			return yielded, 0
		}
	}
}

// put puts the member of an executor where it belongs now, and returns the
// executor's next one, or nil when it shall end.
func (s *shard) put(x *executor, m *Member, how outcome, wait time.Duration) *Member {
	var due time.Duration
	if how == waits {
		if due = s.fleet.now() + wait; due < wait { // too long for the clock
			due = 1<<63 - 1
		}
	}
	s.mu.Lock()
	switch {
	case how == yielded:
		m.state = queued
		s.turns.push(m)
	case how == waits && (m.asked.Load() || wait == Park && m.woken):
		m.woken = false
		s.mu.Unlock()
		return m
	case how == waits && wait == Park:
		m.state = parked
	case how == waits:
		m.state, m.due = waiting, due
		s.timers.push(due, m)
		s.arm()
	}
	s.active--
	return s.next(x)
}

// next returns the next member for an executor without one, and blocks while there
// is none; nil ends the executor. It is called with s.mu held and returns without.
func (s *shard) next(x *executor) *Member {
	for {
		if m := s.take(); m != nil {
			m.state = running
			s.active++
			s.wakeOne()
			s.mu.Unlock()
			return m
		}
		if s.fleet.alive.Load() == 0 {
			s.mu.Unlock()
			return nil
		}
		if !s.rest(x) {
			return nil
		}
	}
}

// rest makes an executor idle until there may be something to do, or until it shall
// end: then it returns false. It is called with s.mu held, and returns so if it
// returns true.
func (s *shard) rest(x *executor) bool {
	if s.sleeper == nil {
		return s.sleep(x)
	}
	s.idle = append(s.idle, x)
	if s.reaper == nil {
		s.spare = len(s.idle)
		s.reaper = time.AfterFunc(idleInterval, s.reap)
	}
	s.mu.Unlock()
	if !<-x.wake {
		return false
	}
	s.mu.Lock()
	s.waking = false
	return true
}

// sleep is rest for the sleeper. That the executor itself waits for the first of the
// timers saves a goroutine for each wait that ends while another executor is idle.
func (s *shard) sleep(x *executor) bool {
	if x.timer == nil {
		x.timer = time.NewTimer(time.Hour)
		x.timer.Stop()
	}
	s.disarm()
	s.sleeper = x
	s.arm()
	s.mu.Unlock()
	select {
	case goOn := <-x.wake:
		if goOn {
			s.mu.Lock()
			s.waking = false
		}
		return goOn
	case <-x.timer.C:
	}
	s.mu.Lock()
	if s.sleeper != x { // it was woken in the same moment
		s.mu.Unlock()
		goOn := <-x.wake
		if goOn {
			s.mu.Lock()
			s.waking = false
		}
		return goOn
	}
	s.sleeper, s.armed = nil, 0
	s.wakeDue()
	return true
}

// take takes a member out of the lists, or returns nil. s.mu is held.
func (s *shard) take() *Member {
	if !s.mayRun() {
		return nil
	}
	if m := s.ready.pop(); m != nil {
		return m
	}
	return s.turns.pop()
}

// mayRun reports whether one more executor may have a member. s.mu is held.
func (s *shard) mayRun() bool {
	return s.active == 0 || s.fleet.crowd.room()
}

// abandon is the end of an executor. If it has a member, that has ended the
// goroutine (runtime.Goexit), and is gone with it.
func (s *shard) abandon(x *executor) {
	m := x.member
	if m == nil {
		return
	}
	m.work.Kill()
	s.fleet.leave(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.wakeOne()
}

// reap ends the executors that were idle since it was set.
func (s *shard) reap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reaper == nil {
		return // closed while the timer fired
	}
	s.end(s.spare)
	s.spare = len(s.idle)
	if s.spare == 0 {
		s.reaper = nil
		return
	}
	s.reaper.Reset(idleInterval)
}

// close ends all idle executors, when no member is left.
func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fleet.alive.Load() > 0 {
		return // another one has come
	}
	s.end(len(s.idle))
	s.spare = 0
	if s.reaper != nil {
		s.reaper.Stop()
		s.reaper = nil
	}
	s.disarm()
	if s.sleeper != nil {
		s.sleeper.wake <- false
		s.sleeper = nil
	}
}

// end ends the n executors that have been idle for the longest time. s.mu is held.
func (s *shard) end(n int) {
	for _, x := range s.idle[:n] {
		x.wake <- false
	}
	rest := copy(s.idle, s.idle[n:])
	clear(s.idle[rest:])
	s.idle = s.idle[:rest]
	if rest == 0 {
		s.idle = nil
	}
}

// arm has somebody woken at the first of the timers. s.mu is held.
func (s *shard) arm() {
	due, ok := s.timers.next()
	if !ok || s.armed != 0 && s.armed <= due {
		return
	}
	s.armed = due
	d := due - s.fleet.now()
	switch {
	case s.sleeper != nil:
		s.sleeper.timer.Reset(d)
	case s.alarm == nil:
		s.alarm = time.AfterFunc(d, s.ring)
	default:
		s.alarm.Reset(d)
	}
}

// disarm takes arm back. s.mu is held.
func (s *shard) disarm() {
	if s.armed == 0 {
		return
	}
	s.armed = 0
	if s.sleeper != nil {
		s.sleeper.timer.Stop()
	} else {
		s.alarm.Stop()
	}
}

// ring is called when the alarm goes off.
func (s *shard) ring() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sleeper == nil {
		s.armed = 0
	}
	s.wakeDue()
	s.wakeOne()
}

// wakeDue makes the members ready whose wait is over, and arms the next. s.mu is
// held.
func (s *shard) wakeDue() {
	now := s.fleet.now()
	for {
		due, ok := s.timers.next()
		if !ok || due > now {
			break
		}
		s.fleet.crowd.late(now - due)
		if m := s.timers.pop(); m != nil {
			m.state = queued
			s.ready.push(m)
		}
	}
	s.arm()
}

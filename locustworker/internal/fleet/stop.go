package fleet

import "time"

// stubbornAfter is how long past its grace a killed member may stay before the log
// says so, and how often it says so again.
const stubbornAfter = 5 * time.Second

// A stop is a number of members that were asked to stop together. Its fields are
// guarded by Fleet.mu, but for done.
type stop struct {
	fleet   *Fleet
	members []*Member // nil once they were killed
	left    int       // of them that are alive
	begun   bool
	killed  bool
	timeout time.Duration // from begin, or from the StopAll that shortened it
	due     time.Duration // when they are killed, on the fleet's clock
	timer   *time.Timer   // of the kill, then of the complaints
	done    chan struct{} // closed when none is left
}

func newStop(f *Fleet) *stop { return &stop{fleet: f, done: make(chan struct{})} }

// add makes members that were taken from their group part of the stop. Fleet.mu is
// held, and was since they were taken.
func (s *stop) add(members []*Member) {
	for _, m := range members {
		m.stop = s
	}
	s.members = append(s.members, members...)
	s.left += len(members)
}

// begin tells the members to stop, gives their Steps the timeout and has those
// killed that are left (mirrors Runner.stop_users). It does not wait for them.
func (s *stop) begin(timeout time.Duration) {
	f := s.fleet
	f.mu.Lock()
	s.begun = true
	if s.left == 0 {
		close(s.done)
		f.mu.Unlock()
		return
	}
	f.stops[s] = struct{}{}
	s.timeout, s.due = timeout, f.now()+timeout
	members := s.members
	f.mu.Unlock()
	for _, m := range members {
		m.shard.tell(m)
	}
	if timeout <= 0 {
		s.kill()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.left > 0 && !s.killed {
		s.timer = time.AfterFunc(s.due-f.now(), s.expire)
	}
}

// shorten leaves the members no more time than timeout from now, and reports
// whether they must be killed at once. Fleet.mu is held.
func (s *stop) shorten(timeout time.Duration) (now bool) {
	due := s.fleet.now() + timeout
	if s.killed || due >= s.due {
		return false
	}
	s.timeout, s.due = timeout, due
	if s.timer != nil {
		s.timer.Reset(timeout)
	}
	return timeout <= 0
}

// gone notes that a member has ended. Fleet.mu is held.
func (s *stop) gone() {
	s.left--
	if s.left > 0 || !s.begun {
		return
	}
	delete(s.fleet.stops, s)
	if s.timer != nil {
		s.timer.Stop()
	}
	close(s.done)
}

// expire kills the members that are left when the timeout has passed.
func (s *stop) expire() {
	f := s.fleet
	f.mu.Lock()
	over := s.left == 0 || s.killed
	timeout := s.timeout
	f.mu.Unlock()
	if over {
		return
	}
	if timeout > 0 {
		f.cfg.Log.Info("Not all users finished their tasks & terminated in time; stopping them", "stop_timeout", timeout)
	}
	s.kill()
}

// kill interrupts the members that are left, and watches over their end.
func (s *stop) kill() {
	f := s.fleet
	f.mu.Lock()
	if s.killed || s.left == 0 {
		f.mu.Unlock()
		return
	}
	members := s.members
	s.killed, s.members = true, nil
	if s.timer != nil {
		s.timer.Stop()
	}
	s.timer = time.AfterFunc(f.cfg.Grace+stubbornAfter, s.complain)
	f.mu.Unlock()
	for _, m := range members {
		m.work.Kill()
	}
}

// complain says that members do not end.
func (s *stop) complain() {
	f := s.fleet
	f.mu.Lock()
	left := s.left
	if left > 0 {
		s.timer.Reset(stubbornAfter)
	}
	f.mu.Unlock()
	if left > 0 {
		f.cfg.Log.Warn("users are still there after their stop: a task ignores its context, or OnStop takes long", "users", left)
	}
}

// StopAll stops every member and blocks until none is alive. Those that were
// stopping already get no more time than stopTimeout either, from now on.
func (f *Fleet) StopAll(stopTimeout time.Duration) {
	f.stopAll(stopTimeout)
	f.mu.Lock()
	if f.alive.Load() == 0 {
		f.mu.Unlock()
		return
	}
	if f.empty == nil {
		f.empty = make(chan struct{})
	}
	empty := f.empty
	f.mu.Unlock()
	<-empty
}

// stopAll is StopAll without waiting.
func (f *Fleet) stopAll(timeout time.Duration) {
	all := newStop(f)
	var late []*stop
	f.mu.Lock()
	for _, g := range f.groups {
		all.add(g.take(len(g.running)))
	}
	for s := range f.stops {
		if s.shorten(timeout) {
			late = append(late, s)
		}
	}
	f.mu.Unlock()
	for _, s := range late {
		s.kill()
	}
	all.begin(timeout)
}

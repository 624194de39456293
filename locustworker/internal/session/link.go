package session

import (
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// linkConfig makes the session the owner of its link.
func (s *Session) linkConfig() uplink.Config {
	c := s.cfg.Link
	c.Log = s.log
	if s.cfg.QuitOnMasterLoss {
		c.JoinAttempts = joinAttempts
	}
	c.SilenceLimit = s.cfg.MasterTimeout
	c.Post = s.post
	c.Heartbeat = s.heartbeat
	c.Users = s.counts
	c.Acked = s.cfg.Events.Acked
	c.Renamed = s.cfg.Events.Renamed
	c.Registered = s.linkRegistered
	c.Unknown = func() { s.leave(s.rejoin) }
	c.Answered = s.heartbeatAnswered
	c.Received = s.received
	c.Lost = func(samples int64) { s.discarded += samples }
	return c
}

// linkRegistered follows a registration, or the master's return.
func (s *Session) linkRegistered(news uplink.Registration) {
	s.reports.Reset(reportInterval)
	if news.Another {
		s.discard(news.Discarded)
		s.spawnStamp = 0 // another master's clock may be behind
	}
	if !news.Joined {
		s.reportInTime()
		return
	}
	s.registered = true
	s.notice("connected", s.cfg.Events.Registered)
	s.flush(reportLimit, func() {})
	s.reportLogs(true)
}

// rejoin registers the worker anew, after its users were stopped because the master
// did not know it.
func (s *Session) rejoin() {
	if s.link.State() != uplink.Registered { // else it has answered meanwhile
		s.deferred.take() // a master said it that is not there any more
	}
	s.link.Rejoin()
}

// heartbeatAnswered follows the answer to a heartbeat.
func (s *Session) heartbeatAnswered() {
	s.notice("heartbeat_received", s.cfg.Events.HeartbeatReceived)
	if s.quit != nil {
		s.checkQuit()
	}
}

// giveUp ends a worker that has found no master and shall not wait for ever.
func (s *Session) giveUp() {
	if !s.registered {
		s.beginQuit(bySignal, ErrNoMaster)
	}
}

// check looks after the link, and acts on a master that says nothing.
func (s *Session) check(now time.Time) {
	s.link.Check(now)
	silent := now.Sub(s.link.LastSign())
	if silent <= s.cfg.MasterTimeout {
		return
	}
	if s.cfg.QuitOnMasterLoss && s.registered {
		s.beginQuit(bySignal, ErrMasterLost)
		return
	}
	_, users := s.cfg.Fleet.Counts()
	isEnding := s.run == stopping || s.run == leaving || s.run == quitting
	if users > 0 && s.link.State() != uplink.Joining && !isEnding {
		s.log.Error("no master was seen for too long; stopping the users", "master_timeout", s.cfg.MasterTimeout)
		s.leave(func() {})
	}
}

// received handles a message from the master that is not the link's own (mirrors
// WorkerRunner.handle_message).
func (s *Session) received(e wire.Envelope) {
	switch m := e.Body.(type) {
	case wire.Quit:
		s.beginQuit(byMaster, nil)
	case wire.Spawn, wire.Stop:
		s.command(inbound{m, e.Size})
	case wire.UpdateUserClass:
		s.update(m)
	case wire.SpawningComplete:
		s.allSpawned(m.UserCount)
	case wire.Custom:
		s.handle(e, m)
	}
}

// handle gives a custom message to its handler (mirrors handle_message's last
// cases).
func (s *Session) handle(e wire.Envelope, m wire.Custom) {
	call, concurrent, known := s.cfg.Events.Handler(e, m)
	if !known {
		s.log.Warn("Unknown message type received: " + m.Type[:min(len(m.Type), MaxName)])
		return
	}
	begin := s.handlers.add
	if concurrent {
		begin = s.handlers.start
	}
	if !begin(m.Type, e.Size, call) {
		s.refuse(refusedMessage, "too many have come before it whose handlers have not returned: "+listed(s.handlers.names()))
	}
}

// notice has a listener called, unless too many calls wait.
func (s *Session) notice(name string, call func()) {
	if !s.notices.add(name, 0, call) {
		s.refuse(refusedEvent, fmt.Sprintf("%s: %d calls wait for those of %s", name, maxCalls, listed(s.notices.names())))
	}
}

// allSpawned follows the end of the whole fleet's ramp (mirrors Runner's
// on_spawning_complete).
func (s *Session) allSpawned(users int) {
	s.notice("spawning_complete", func() { s.cfg.Events.SpawningComplete(users) })
	if s.cfg.ResetStats {
		s.log.Info("Resetting stats")
		s.discarded += s.cfg.Store.Reset()
	}
}

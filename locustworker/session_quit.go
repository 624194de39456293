package locustworker

import (
	"cmp"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// A quitReason says who ended the worker.
type quitReason int

const (
	quitBySignal quitReason = iota
	quitByMaster
)

// stubbornPatience is how long past every timeout a quitting worker waits for
// users that do not end.
const stubbornPatience = 10 * time.Second

// A farewell is the state of runQuitting: users gone, the last word written, its
// arrival proven; then the session is over.
type farewell struct {
	gone    bool // all users have ended
	said    bool // quit is queued
	written bool // quit is on the wire
	over    bool
	why     error // what Run returns
}

// beginQuit ends the worker (mirrors the quit case of handle_message and
// on_quitting). A master that has sent quit listens for half a second more, so it
// gets the last report after quitPatience at the latest; on a signal the master
// goes on, and the users get their whole stop timeout first.
func (s *session) beginQuit(reason quitReason, why error) {
	if s.quit != nil {
		return
	}
	s.quit = &farewell{why: why}
	s.quitWritten = make(chan struct{})
	s.run = runQuitting
	if reason == quitByMaster {
		s.log.Info("Got quit message from master, shutting down...")
		s.after(quitPatience, s.sayQuit)
	} else {
		s.log.Info("stopping the users and quitting", "reason", cmp.Or(why, errSignal))
	}
	limit := s.stopTimeout + s.cfg.DrainTimeout + stubbornPatience
	s.after(limit, func() {
		_, users := s.users.counts()
		s.log.Error("users do not end; leaving them", "users", users)
		s.usersGone()
	})
	s.hooks.quitting()
	s.stopUsers(s.stopTimeout, s.usersGone)
}

func (s *session) usersGone() {
	if s.quit.gone {
		return
	}
	s.quit.gone = true
	if s.quit.said {
		s.flush() // what came after the last word still counts while the master listens
	}
	s.sayQuit()
	s.after(lastPatience, func() { s.quit.over = true })
	s.quit.check(s)
}

// sayQuit sends the last report, a heartbeat whose answer proves its arrival, and
// quit.
func (s *session) sayQuit() {
	if s.quit.said {
		return
	}
	s.quit.said = true
	s.flush()
	s.send(s.heartbeat())
	s.outbox.push(parcel{message: wire.Quit{}, written: s.quitWritten})
}

// check ends the session as soon as nothing is left to wait for.
func (f *farewell) check(s *session) {
	if f.gone && f.written && len(s.ledger.pending) == 0 {
		f.over = true
	}
}

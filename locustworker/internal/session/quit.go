package session

import (
	"cmp"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
)

// A reason says who ended the worker.
type reason int

const (
	bySignal reason = iota
	byMaster
)

const (
	// A master listens for 500 ms after its quit. What the users have recorded by
	// then is reported at once and again every restInterval, and the worker says
	// quit itself after quitLimit, whether or not every user is gone.
	restInterval = 60 * time.Millisecond
	quitLimit    = 150 * time.Millisecond
	// proofLimit is how long a worker whose users are gone waits for the proof that
	// its last report has arrived, as long as the master is there.
	proofLimit    = 10 * time.Second
	proofInterval = 500 * time.Millisecond
	// stubbornLimit is how long past every timeout a quitting worker waits for
	// users that do not end.
	stubbornLimit = 10 * time.Second
)

// An ending is the state of quitting: users gone, the last report proven to have
// arrived, quit on the wire; then the session is over.
type ending struct {
	gone     bool // all users have ended
	reported bool // and what they have recorded is queued
	said     bool // quit is queued
	written  bool // quit is on the wire
	over     bool
	why      error // what Run returns
	// quittingDone is closed when the author's Quitting has returned.
	quittingDone chan struct{}
}

// beginQuit ends the worker (mirrors the quit case of handle_message and
// on_quitting). The last report goes first, users and the author's functions come
// after: a master that has sent quit listens for half a second more. On a signal
// the master goes on, and the users get their whole stop timeout.
func (s *Session) beginQuit(r reason, why error) {
	if s.quit != nil {
		return
	}
	q := &ending{why: why, quittingDone: make(chan struct{})}
	s.quit = q
	s.run = quitting
	s.flushRest()
	if r == byMaster {
		s.log.Info("Got quit message from master, shutting down...")
		s.after(restInterval, s.reportRest)
		s.after(quitLimit, s.sayQuit)
	} else {
		s.log.Info("stopping the users and quitting", "reason", cmp.Or(why, errSignal))
	}
	s.after(s.stopTimeout+s.cfg.DrainTimeout+stubbornLimit, func() {
		if !q.gone {
			_, users := s.cfg.Fleet.Counts()
			s.log.Error("users do not end; leaving them", "users", users)
			s.usersGone()
		}
	})
	s.stopUsers(s.stopTimeout, s.usersGone)
	go func() {
		defer close(q.quittingDone)
		s.cfg.Events.Quitting()
	}()
}

// reportRest sends what users record while they end, for as long as they take.
func (s *Session) reportRest() {
	if !s.quit.gone {
		s.flushRest()
		s.after(restInterval, s.reportRest)
	}
}

func (s *Session) usersGone() {
	q := s.quit
	if q.gone {
		return
	}
	q.gone = true
	s.flush(lastReportLimit, func() {
		q.reported = true
		s.link.Beat() // its answer proves the report
		s.checkQuit()
	})
	s.after(proofInterval, func() { s.awaitProof(time.Now()) })
}

// awaitProof ends the session when it has waited for long enough.
func (s *Session) awaitProof(since time.Time) {
	isThere := s.link.State() == uplink.Registered
	if isThere && !s.quit.said && time.Since(since) < proofLimit {
		s.after(proofInterval, func() { s.awaitProof(since) })
		return
	}
	s.sayQuit()
	if !isThere {
		s.quit.over = true
		return
	}
	s.after(proofInterval, func() { s.quit.over = true })
}

// sayQuit sends what is left, a heartbeat whose answer proves its arrival, and
// quit.
func (s *Session) sayQuit() {
	q := s.quit
	if q.said {
		return
	}
	q.said = true
	if q.reported {
		s.flushRest()
		s.lastWord()
		return
	}
	s.flush(lastReportLimit, func() {
		s.link.Beat()
		s.lastWord()
	})
}

func (s *Session) lastWord() {
	written := s.link.Quit()
	go func() {
		select {
		case <-written:
			s.post(func() {
				s.quit.written = true
				s.checkQuit()
			})
		case <-s.ended:
		}
	}()
}

// checkQuit takes the next step as soon as there is nothing to wait for.
func (s *Session) checkQuit() {
	q := s.quit
	if !q.reported || !s.link.Proven() {
		return
	}
	s.sayQuit()
	if q.written {
		q.over = true
	}
}

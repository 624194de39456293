package locustworker

import (
	"encoding/hex"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// newIdentity mirrors WorkerRunner.__init__: the master takes what stands before
// the first underscore as the machine's name.
func newIdentity() string {
	id := uuid.New()
	return hostname() + "_" + hex.EncodeToString(id[:])
}

func hostname() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "unknown-host"
	}
	return host
}

// connected follows the link's dial.
func (s *session) connected(c conn) {
	s.conn = c
	s.answers = 0
	s.pump = newPump(c, s.identity, s.outbox, s.log)
	if s.known {
		s.link = LinkProbing
		s.pump.beat(s.heartbeat)
		s.linkTimer = s.after(probePatience, func() { s.probeFailed(c) })
		return
	}
	s.join()
}

// join asks the master to take the worker in (mirrors connect_to_master).
func (s *session) join() {
	s.link = LinkJoining
	c, attempts := s.conn, 0
	patience := joinInterval
	if s.used {
		patience = joinPatience
	}
	var ask func()
	ask = func() {
		if s.conn != c || s.link != LinkJoining || (s.cfg.QuitOnMasterLoss && attempts == joinAttempts) {
			return
		}
		if attempts++; attempts > 1 && s.used {
			s.log.Warn("the master does not answer to this worker's old identity; taking a new one")
			s.newIdentity()
			s.hangUp()
			return
		}
		s.pump.direct.push(parcel{message: wire.ClientReady{}})
		s.linkTimer = s.after(patience, ask)
	}
	ask()
}

// giveUp ends a worker that has found no master and shall not wait for ever.
func (s *session) giveUp() {
	if !s.registered {
		s.beginQuit(quitBySignal, ErrNoMaster)
	}
}

func (s *session) setIdentity(id string) {
	s.identity = id
	s.env.id.Store(&id)
}

func (s *session) newIdentity() {
	s.setIdentity(newIdentity())
	s.used, s.known, s.renamed = false, false, true
}

// acked follows the master's answer to client_ready (mirrors handle_message).
func (s *session) acked(m wire.Ack) {
	lastIndex := s.env.WorkerIndex()
	if m.HasIndex {
		s.env.index.Store(int64(m.Index))
	}
	if s.link != LinkJoining {
		return // the answer to the client_ready that follows every stop
	}
	s.settleLoss(lastIndex)
	s.known, s.used, s.registered, s.stale = true, true, true, false
	s.lastAnswer = time.Now()
	s.log.Info("registered with the Locust master", "worker", s.identity, "index", s.env.WorkerIndex())
	s.pump.beat(s.heartbeat)
	s.register()
	s.flush()
	s.reportLogs(true)
}

// settleLoss decides what becomes of the samples that were not delivered when the
// last master was lost.
func (s *session) settleLoss(lastIndex int) {
	switch {
	case !s.stale:
	case !s.sameMaster(lastIndex):
		s.forget()
		s.spawnStamp = 0 // another master's clock may be behind
	case s.renamed: // a dead connection has not even shown its end to the master
		s.resumed = true
		s.sendAgain(s.ledger.disbelieve())
	default:
		s.resumed = true
		s.ledger.believe()
	}
}

// sendAgain puts a report ahead of everything that waits.
func (s *session) sendAgain(r stats.Report) {
	if !r.Empty() {
		s.outbox.pushFront(s.parcelOf(r))
	}
}

// sameMaster tells whether a master that has just taken the worker in is the one
// that it was lost to, which then still waits for the samples. The same master
// answers the heartbeats of a worker that it has heard within masterMemory, so
// one that did not is another; later it has forgotten the worker, but gives an
// identity the index that it had. A master that ignored the old identity altogether
// has a dead connection of it, so it is the same.
func (s *session) sameMaster(lastIndex int) bool {
	if s.renamed {
		return true
	}
	return time.Since(s.lastAnswer) > masterMemory && s.env.WorkerIndex() == lastIndex
}

// register opens the link for everything.
func (s *session) register() {
	s.linkTimer.Stop()
	s.link = LinkRegistered
	s.probes = 0
	s.pump.open()
	s.reports.Reset(reportInterval)
}

// heartbeatAnswered proves that the master knows this worker, and that what was
// written before the heartbeat has arrived.
func (s *session) heartbeatAnswered() {
	s.answers++
	s.lastAnswer = time.Now()
	s.ledger.answered(s.answers)
	if len(s.ledger.pending) == 0 {
		s.resumed = false
	}
	s.calls.add("heartbeat_received", s.hooks.heartbeatReceived)
	if s.link == LinkProbing {
		s.log.Info("back with the same master")
		s.ledger.believe()
		s.register()
		s.report()
	}
	if s.quit != nil {
		s.quit.check(s)
	}
}

// probeFailed follows a connection on which no heartbeat was answered in time.
func (s *session) probeFailed(c conn) {
	if s.conn != c || s.link != LinkProbing {
		return
	}
	if s.probes++; s.probes < 2 {
		s.hangUp()
		return
	}
	s.log.Warn("the master does not know this worker any more: stopping the users and registering anew")
	s.leave(func() {
		s.outbox.keepReports() // the rest was said to a master that is not there any more
		s.deferred = nil       // and this was said by it
		s.known, s.renamed, s.stale = false, false, true
		if s.link == LinkProbing {
			s.hangUp()
		}
	})
}

// checkSigns acts on a master that says nothing.
func (s *session) checkSigns(now time.Time) {
	silent := now.Sub(s.lastSign)
	if s.link == LinkRegistered && s.run != runCooling && silent > silencePatience {
		s.checkSilence(now)
	}
	if s.cfg.QuitOnMasterLoss && s.registered && silent > s.cfg.MasterTimeout {
		s.beginQuit(quitBySignal, ErrMasterLost)
		return
	}
	_, users := s.users.counts()
	ending := s.run == runStopping || s.run == runLeaving || s.run == runQuitting
	if users > 0 && s.link != LinkJoining && silent > s.cfg.MasterTimeout && !ending {
		s.log.Error("no master was seen for too long; stopping the users", "master_timeout", s.cfg.MasterTimeout)
		s.leave(func() {})
	}
}

// checkSilence finds out whether a connection without answers is dead. A master
// that is paused, or behind a broken network, takes no new connections either:
// then the old one may still come back to life with all that is in it. If it does
// take them and the old one stays silent, that one is dead.
func (s *session) checkSilence(now time.Time) {
	if s.sounded.After(s.lastSign) {
		if now.Sub(s.sounded) > soundedPatience {
			s.log.Warn("the connection to the master is dead; connecting again",
				"silent_for", now.Sub(s.lastSign).Round(time.Second))
			s.hangUp()
		}
		return
	}
	if s.sounding {
		return
	}
	s.sounding = true
	s.sounders.Go(func() {
		answers := s.sound()
		s.post(func() {
			s.sounding = false
			if answers {
				s.sounded = time.Now()
			}
		})
	})
}

// hangUp ends the connection as if it had been lost.
func (s *session) hangUp() {
	if s.conn != nil {
		s.disconnected(s.conn)
	}
}

// disconnected settles what the connection has delivered and asks for another.
// It is called for a connection that was lost and for one that shall go.
func (s *session) disconnected(c conn) {
	if s.conn != c {
		return // hung up before
	}
	s.linkTimer.Stop()
	acked, known := s.endConnection()
	s.outbox.dropReports()
	s.sendAgain(s.ledger.lost(acked, known))
	s.link = LinkDown
	s.redial <- s.identity
}

// endConnection closes the connection for good and returns how many bytes of it
// the master's TCP has acknowledged, if the system can say. The others must never
// arrive, because the ledger sends them again. A connection that still lives is
// closed in good order, so that nothing is in flight when it is counted; one that
// does not is reset after 2 s at most.
func (s *session) endConnection() (acked int64, known bool) {
	c := s.conn
	idle := s.pump.halt()
	acked, known = c.Acked()
	if idle {
		_ = c.Close()
	} else {
		_ = c.Abort()
	}
	s.pump.close()
	last, _ := c.Acked() // what Abort has seen at the last moment
	s.conn, s.pump = nil, nil
	return max(acked, last), known
}

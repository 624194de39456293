package uplink

import (
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// The limits of State's table. The first three end within the 5 s within which a
// worker is back in service.
const (
	// joinInterval is Locust's CONNECT_TIMEOUT.
	joinInterval   = 5 * time.Second
	rejoinInterval = time.Second
	// joinLimit is how many client_ready a connection gets that is not the identity's
	// first: a ROUTER may ignore it, for ever, because it had not seen the end of the
	// one before.
	joinLimit    = 3
	probeTimeout = 1500 * time.Millisecond
	// masterMemory is less than the time for which a master keeps a worker that it
	// does not hear (HEARTBEAT_LIVENESS, then HEARTBEAT_DEAD_INTERNAL): 64 s.
	masterMemory = 55 * time.Second
)

// connected follows the dial.
func (u *Uplink) connected(c Conn) {
	u.conn, u.answers, u.health = c, 0, health{seen: u.health.seen}
	u.dialed++
	u.writer = &writer{conn: c, nodeID: u.identity, queue: u.queue, log: u.log, unsendable: u.unsendable}
	u.writer.start()
	if u.standing == known || u.standing == resumed {
		u.state = Probing
		u.writer.beat(u.cfg.Heartbeat)
		u.after(probeTimeout, u.probeFailed)
		return
	}
	u.state = Joining
	u.join(1)
}

// after has f called when d has passed, unless this connection has ended by then
// or the link has got another timer.
func (u *Uplink) after(d time.Duration, f func()) {
	u.timer.Stop()
	c, state := u.conn, u.state
	u.timer = time.AfterFunc(d, func() {
		u.cfg.Post(func() {
			if u.conn == c && u.state == state {
				f()
			}
		})
	})
}

// join asks the master to take the worker in, for the n-th time on this connection
// (mirrors connect_to_master).
func (u *Uplink) join(n int) {
	if u.cfg.JoinAttempts > 0 && u.joins >= u.cfg.JoinAttempts {
		return
	}
	if n > joinLimit && u.dialed > 1 {
		u.log.Info("the master does not answer; connecting again")
		u.hangUp()
		return
	}
	interval := joinInterval
	if u.standing == doubted {
		interval = rejoinInterval
		if n > 1 {
			u.log.Warn("the master does not answer to this worker's old identity; taking a new one")
			u.standing = replaced
			u.setIdentity(NewIdentity())
			u.hangUp()
			return
		}
	}
	u.joins++
	u.recognised = false
	if u.standing == doubted { // a master that knows the worker answers it before the ack
		u.sendDirect(u.cfg.Heartbeat())
	}
	u.sendDirect(wire.ClientReady{})
	u.after(interval, func() { u.join(n + 1) })
}

// sendDirect sends a message of the link's own before the link is open.
func (u *Uplink) sendDirect(m wire.Outbound) {
	e, err := wire.EncodeBody(m)
	if err != nil {
		u.log.Error("dropped a message that cannot be encoded", "error", err)
		return
	}
	u.writer.direct.push(item{message: e})
}

func (u *Uplink) setIdentity(id string) {
	u.identity, u.dialed = id, 0
	u.cfg.Renamed(id)
}

// received handles a frame from the master.
func (u *Uplink) received(c Conn, frame []byte) {
	if u.conn != c {
		return
	}
	u.lastSign = time.Now()
	e, err := wire.Decode(frame)
	if err != nil {
		u.log.Error("ignored a message from the master that cannot be read", "error", err)
		return
	}
	u.log.Debug("received from the master", "type", e.Type)
	switch m := e.Body.(type) {
	case wire.Ack:
		u.acked(m)
	case wire.HeartbeatReply:
		u.answered()
	case wire.Reconnect:
		u.log.Warn("Received reconnect message from master. Resetting RPC connection.")
		u.hangUp()
	default:
		u.cfg.Received(e)
	}
}

// acked follows the master's answer to client_ready (mirrors handle_message).
func (u *Uplink) acked(m wire.Ack) {
	lastIndex := u.index
	if m.HasIndex {
		u.index = m.Index
		u.cfg.Acked(m.Index)
	}
	if u.state != Joining {
		return // the answer to the client_ready that follows every stop
	}
	news := Registration{Joined: true}
	if u.standing == doubted && !u.recognised {
		u.answers++ // the heartbeat before client_ready will have no answer
	}
	switch {
	case u.standing == replaced && !(m.HasIndex && m.Index <= lastIndex):
		u.resend(u.ledger.settleIgnored())
		u.standing = resumed
	case u.standing == doubted && (u.recognised || time.Since(u.lastAnswer) > masterMemory && u.index == lastIndex):
		u.ledger.confirmDoubtful()
		u.standing = resumed
	case u.standing == doubted, u.standing == replaced:
		news.Another, news.Discarded = true, u.Discard()
		u.standing = known
	default:
		u.standing = known
	}
	u.joins = 0
	u.lastAnswer = time.Now()
	u.log.Info("registered with the Locust master", "worker", u.identity, "index", u.index)
	u.writer.beat(u.cfg.Heartbeat)
	u.register(news)
}

// register opens the link for everything.
func (u *Uplink) register(news Registration) {
	u.timer.Stop()
	u.state = Registered
	u.probes = 0
	u.writer.open()
	u.cfg.Registered(news)
}

// answered follows the answer to a heartbeat. It proves that the master knows this
// worker, and that what was written before the heartbeat has arrived.
func (u *Uplink) answered() {
	u.answers++
	u.recognised = u.state == Joining
	u.lastAnswer = time.Now()
	u.ledger.answered(u.answers)
	if u.state == Probing {
		u.log.Info("back with the same master")
		u.ledger.confirmDoubtful()
		u.register(Registration{})
	}
	if u.standing == resumed && len(u.ledger.pending) == 0 {
		u.standing = known
	}
	u.cfg.Answered()
}

// probeFailed follows a connection on which no heartbeat was answered in time.
func (u *Uplink) probeFailed() {
	if u.probes++; u.probes < 2 {
		u.hangUp()
		return
	}
	u.log.Warn("the master does not know this worker any more: stopping the users and registering anew")
	u.cfg.Unknown()
}

// Rejoin registers the worker anew, after Unknown.
func (u *Uplink) Rejoin() {
	if u.state == Registered {
		return // it has answered meanwhile
	}
	u.queue.keepReports() // the rest was said to a master that is not there any more
	u.standing = doubted
	if u.state == Probing {
		u.hangUp()
	}
}

// hangUp ends the connection as if it had been lost.
func (u *Uplink) hangUp() {
	if u.conn != nil {
		u.disconnected(u.conn, lost)
	}
}

// A lossCause says why a connection ends.
type lossCause int

const (
	lost   lossCause = iota // it has ended, or shall end in good order
	dead                    // nothing is acknowledged on it
	silent                  // the master has said nothing on it for SilenceLimit
)

// disconnected ends a connection, in a goroutine of its own: one that was lost, or
// one that shall go, which is closed in good order unless it is dead. When it is
// gone, the ledger is settled and the master dialed again.
func (u *Uplink) disconnected(c Conn, why lossCause) {
	if u.conn != c {
		return // ended before
	}
	u.timer.Stop()
	w := u.writer
	u.conn, u.writer, u.state = nil, nil, Down
	u.tasks.Go(func() {
		acked, isKnown := end(c, w, why == dead)
		u.cfg.Post(func() {
			u.queue.dropReports()
			u.resend(u.ledger.lost(acked, isKnown, why == silent))
			u.dialer.redial <- u.identity
		})
	})
}

// end closes a connection for good and returns how many bytes of it the master's
// TCP has acknowledged, if the system can say. The others must never arrive,
// because the ledger sends them again. A connection that still lives is closed in
// good order, so that nothing is in flight when it is counted; one that does not
// is reset after 2 s at most.
func end(c Conn, w *writer, isDead bool) (acked int64, isKnown bool) {
	idle := w.halt()
	acked, isKnown = c.Acked()
	if idle && !isDead {
		_ = c.Close()
	} else {
		_ = c.Abort()
	}
	w.close()
	last, _ := c.Acked() // what Abort has seen at the last moment
	return max(acked, last), isKnown
}

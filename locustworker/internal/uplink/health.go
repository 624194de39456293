package uplink

import "time"

const (
	// ackLimit is for how many checks, one a second, the system may say that bytes
	// are on the network and none was acknowledged since the check before.
	ackLimit = 5
	// reachLimit is for how many checks more they may stay so when the master's
	// machine does take connections.
	reachLimit = 3
)

// health is what Check has seen of a connection.
type health struct {
	seen  time.Time // the last check
	acked int64     // bytes acknowledged then
	stuck int       // checks in a row that saw no acknowledgment of bytes in flight
	looks bool      // a look whether the machine takes connections is under way
	there int       // stuck when it did; 0: it did not yet
}

// Check ends a connection that is dead. Call it once a second.
//
// A master whose program stands still says nothing, but its machine acknowledges
// what it receives: the connection is kept until SilenceLimit. Where the network
// is gone, nothing is acknowledged and the machine takes no new connection either:
// then the old one may still come back to life with all that is in it. If it does
// take one and the old one stays silent, that one is dead.
func (u *Uplink) Check(now time.Time) {
	slept := !u.health.seen.IsZero() && now.Sub(u.health.seen) > masterMemory
	u.health.seen = now
	if u.conn == nil {
		return
	}
	if u.writer.unanswered() {
		u.lastSign = now // until client_ready there is nothing to say for the master
	}
	silence := now.Sub(u.lastSign)
	switch {
	case u.unacknowledged():
		u.log.Warn("the connection to the master is dead; connecting again", "silent_for", silence.Round(time.Second))
		u.disconnected(u.conn, dead)
	case u.state == Registered && slept:
		u.log.Warn("this process stood still for so long that the master may not know it any more; connecting again")
		u.hangUp()
	case u.state == Registered && silence > u.cfg.SilenceLimit && u.health.stuck == 0:
		u.log.Warn("the master has said nothing for too long; connecting again", "silent_for", silence.Round(time.Second))
		u.disconnected(u.conn, silent)
	}
}

// unacknowledged reports whether the connection's peer is gone, by what TCP
// acknowledges.
func (u *Uplink) unacknowledged() bool {
	h := &u.health
	inFlight, ok := u.conn.InFlight()
	acked, _ := u.conn.Acked()
	if !ok || inFlight == 0 || acked != h.acked {
		h.stuck, h.there, h.acked = 0, 0, acked
		return false
	}
	h.stuck++
	switch {
	case h.there > 0:
		return h.stuck >= h.there+reachLimit
	case h.stuck >= ackLimit && !h.looks:
		u.look()
	}
	return false
}

// look finds out whether the master's machine takes connections.
func (u *Uplink) look() {
	c := u.conn
	u.health.looks = true
	u.tasks.Go(func() {
		there := u.dialer.reachable(u.ctx)
		u.cfg.Post(func() {
			if u.conn != c {
				return
			}
			if u.health.looks = false; there {
				u.health.there = u.health.stuck
			}
		})
	})
}

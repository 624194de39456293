package uplink

import (
	"context"
	"log/slog"
	"time"
)

const (
	// dialTimeout bounds one attempt: an attempt into a dead network must end
	// soon enough for the next one to meet the master within seconds of its
	// return.
	dialTimeout = 2 * time.Second
	// reuseDelay passes between the end of a connection and the next one of the
	// same identity: a ROUTER ignores the new one until its program has seen the
	// end of the old.
	reuseDelay = 20 * time.Millisecond
	// The pauses between attempts grow from the first to the last.
	firstBackoff = 50 * time.Millisecond
	lastBackoff  = 500 * time.Millisecond
	// quietAttempts fail without a line in the log above debug; afterwards
	// every such number of attempts gets one (as a Python worker logs its first
	// 30 s at debug).
	quietAttempts = 60
)

// A dialer keeps one connection at a time to the master, for ever: it dials until
// it succeeds, reads until the connection is lost, and then waits to be told to
// dial again.
type dialer struct {
	dial   DialFunc
	addr   string
	log    *slog.Logger
	redial chan string // the identity to connect under

	// Called in order from the dialer's goroutine.
	up    func(Conn)
	frame func(Conn, []byte)
	down  func(Conn)
}

// run dials and reads until ctx ends, which aborts a connection that is up.
func (d *dialer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case identity := <-d.redial:
			c, err := d.connect(ctx, identity)
			if err != nil {
				return // ctx has ended
			}
			stop := context.AfterFunc(ctx, func() { _ = c.Abort() })
			d.up(c)
			d.read(c)
			stop()
			d.down(c)
			pause(ctx, reuseDelay)
		}
	}
}

func (d *dialer) read(c Conn) {
	for {
		frame, err := c.Recv()
		if err != nil {
			return
		}
		d.frame(c, frame)
	}
}

// pause waits for d or the end of ctx, which it reports with false.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect dials until it succeeds or ctx ends.
func (d *dialer) connect(ctx context.Context, identity string) (Conn, error) {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
		c, err := d.dial(dialCtx, d.addr, identity)
		cancel()
		if err == nil {
			return c, nil
		}
		level := slog.LevelDebug
		if attempt%quietAttempts == 0 {
			level = slog.LevelInfo
		}
		d.log.Log(ctx, level, "Failed to connect to the Locust master; trying again for as long as it takes",
			"master", d.addr, "attempt", attempt, "error", err)
		if !pause(ctx, backoff) {
			return nil, ctx.Err()
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// reachable reports whether the master's machine takes connections: under an
// identity of its own, which the master's program never hears of. It blocks for at
// most dialTimeout.
func (d *dialer) reachable(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := d.dial(ctx, d.addr, NewIdentity())
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

package locustworker

import (
	"context"
	"log/slog"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
)

// A conn is one connection to the master. Frames arrive in the order they were
// sent. Send and Recv fail for ever once the connection is lost.
type conn interface {
	Send(frame []byte) error
	Sent() int64
	Acked() (n int64, ok bool)
	Recv() ([]byte, error)
	Close() error
	Abort() error
}

// A dialFunc connects to the master under an identity. It blocks until the
// connection can carry frames or ctx ends.
type dialFunc func(ctx context.Context, addr, identity string) (conn, error)

func dialMaster(ctx context.Context, addr, identity string) (conn, error) {
	c, err := transport.Dial(ctx, addr, identity)
	if err != nil {
		return nil, err
	}
	return c, nil
}

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

// A link keeps one connection at a time to the master, for ever: it dials until
// it succeeds, reads until the connection is lost, and then waits to be told to
// dial again.
type link struct {
	dial   dialFunc
	addr   string
	log    *slog.Logger
	redial chan string // the identity to connect under

	// The link's user; called in order from the link's goroutine.
	up    func(conn)
	frame func(conn, []byte)
	down  func(conn, error)
}

// run dials and reads until ctx ends. A connection that is up then is left to
// its user to close, which ends run's read.
func (l *link) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case identity := <-l.redial:
			c, err := l.connect(ctx, identity)
			if err != nil {
				return // ctx has ended
			}
			l.up(c)
			l.down(c, l.read(c))
			pause(ctx, reuseDelay)
		}
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
func (l *link) connect(ctx context.Context, identity string) (conn, error) {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		dialCtx, cancel := context.WithTimeout(ctx, dialTimeout)
		c, err := l.dial(dialCtx, l.addr, identity)
		cancel()
		if err == nil {
			return c, nil
		}
		level := slog.LevelDebug
		if attempt%quietAttempts == 0 {
			level = slog.LevelInfo
		}
		l.log.Log(ctx, level, "Failed to connect to the Locust master; trying again for as long as it takes",
			"master", l.addr, "attempt", attempt, "error", err)
		if !pause(ctx, backoff) {
			return nil, ctx.Err()
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// sound reports whether the master's socket takes connections: under an identity
// of its own, which the master never hears of. It blocks for at most dialTimeout.
func (l *link) sound(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := l.dial(ctx, l.addr, newIdentity())
	if err == nil {
		_ = c.Close()
	}
	return err == nil
}

func (l *link) read(c conn) error {
	for {
		frame, err := c.Recv()
		if err != nil {
			return err
		}
		l.frame(c, frame)
	}
}

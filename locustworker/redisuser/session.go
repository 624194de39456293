package redisuser

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker"
)

// A Session is the Redis client of one user: all commands of go-redis, each recorded
// as the package's documentation says. Its methods may be called from several
// goroutines; without a Pool they take turns on the user's connection.
//
// Subscriptions (SUBSCRIBE) and WATCH need a connection of their own and are not among
// the commands.
type Session struct {
	redis.Cmdable
	user   *locustworker.User
	cfg    Config
	client redis.UniversalClient // what Cmdable is
	own    *link                 // nil with a pool
	turn   chan struct{}         // holds a token while the own link is free
	dial   *redis.UniversalOptions

	lastName atomic.Pointer[rowName] // of the last command

	mu      sync.Mutex
	ended   bool               // the user's context has ended
	running map[*call]struct{} // in flight
}

// New returns a session of u without a connection; the first command opens one. Call
// it in the class's constructor. The error wraps ErrConfig.
func New(u *locustworker.User, cfg Config) (*Session, error) {
	s := &Session{user: u, cfg: cfg, turn: make(chan struct{}, 1), running: make(map[*call]struct{}, 1)}
	if cfg.Pool != nil {
		if cfg.dials() {
			return nil, fmt.Errorf("%w: with a Pool, where and how to connect is the PoolConfig's", ErrConfig)
		}
		s.dial = cfg.Pool.options
		s.client = cfg.Pool.facade.WithTimeout(s.dial.ReadTimeout)
		cfg.Pool.join()
	} else {
		var err error
		if s.dial, err = cfg.options(u.Host()); err != nil {
			return nil, err
		}
		s.own = newLink(s.dial, u.Client().Connected)
		s.client = s.own.client
		s.turn <- struct{}{}
	}
	s.client.AddHook(hook{s})
	s.Cmdable = s.client
	context.AfterFunc(u.Context(), s.userEnded)
	return s, nil
}

// Do sends a command that has no method of its own, such as Do(ctx, "TS.GET", key).
func (s *Session) Do(ctx context.Context, args ...any) *redis.Cmd { return s.client.Do(ctx, args...) }

// Process sends a command whose type is the caller's.
func (s *Session) Process(ctx context.Context, cmd redis.Cmder) error {
	return s.client.Process(ctx, cmd) //nolint:wrapcheck // the error is the command's
}

// userEnded is called once, when the user's context ends.
func (s *Session) userEnded() {
	s.mu.Lock()
	s.ended = true
	for c := range s.running {
		if !c.orphan {
			c.end(endStopped, time.Now().Add(s.user.Client().DrainTimeout()))
		}
	}
	s.mu.Unlock()
	if s.cfg.Pool != nil {
		s.cfg.Pool.leave()
		return
	}
	// The own link is closed when nobody uses it. What OnStop sends afterwards has a
	// connection for each command.
	<-s.turn
	s.own.close()
	s.mu.Lock()
	s.own = nil
	s.mu.Unlock()
	s.turn <- struct{}{}
}

// lease returns the link that a command is to use. other says that it is not the
// session's own one.
func (s *Session) lease(ctx context.Context) (l *link, other bool, err error) {
	if s.cfg.Pool != nil {
		l, err = s.cfg.Pool.lease(ctx, s.user.Client().Connected)
		return l, true, err
	}
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, false, ctx.Err() //nolint:wrapcheck // the caller says more
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		return newLink(s.dial, s.user.Client().Connected), true, nil
	}
	return s.own, false, nil
}

func (s *Session) release(l *link, other bool) {
	switch {
	case s.cfg.Pool != nil:
		s.cfg.Pool.release(l)
	case other:
		l.close()
		s.turn <- struct{}{}
	default:
		s.turn <- struct{}{}
	}
}

// Quiet returns nil for the errors of commands that were recorded: a missing key, a
// reply that is an error, a connection that failed. It returns the error of a user that
// was stopped as it is, which ends the task.
func Quiet(err error) error {
	if errors.Is(err, ErrStopped) {
		return err
	}
	return nil
}

package redisuser

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// defaultMaxConns is PoolConfig.MaxConns where none is given.
const defaultMaxConns = 100

var errPoolTimeout = errors.New("no connection of the pool became free in time")

// A PoolConfig describes a Pool.
type PoolConfig struct {
	// Config says where the connections lead and how. Its URL must be set; its Pool,
	// EachCommand and CommandName must not.
	Config Config
	// MaxConns is how many connections there may be to each server. Default 100.
	MaxConns int
}

// A Pool holds connections that users share, as the processes of a service do. Give
// it to their sessions as Config.Pool.
//
// A command or pipeline holds a connection until its reply is read. When none is free
// it waits for one, in the order of arrival; the wait is part of the response time and
// limited by Config.Timeout. A user that is stopped while it waits has sent nothing, and
// nothing is recorded. The connections are closed when the last of the pool's users has
// ended. A Pool is safe for concurrent use.
type Pool struct {
	options *redis.UniversalOptions
	facade  *redis.Client // its clones have a client's methods; it never connects
	free    chan *link    // idle
	rights  chan struct{} // one for each link that may still be made

	mu    sync.Mutex
	users int // sessions whose user has not ended
}

// NewPool returns a pool without connections. The error wraps ErrConfig.
func NewPool(cfg PoolConfig) (*Pool, error) {
	if cfg.Config.Pool != nil || cfg.Config.EachCommand || cfg.Config.CommandName != nil {
		return nil, fmt.Errorf("%w: Pool, EachCommand and CommandName are for a session's Config", ErrConfig)
	}
	if cfg.MaxConns < 0 {
		return nil, fmt.Errorf("%w: MaxConns %d is negative", ErrConfig, cfg.MaxConns)
	}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = defaultMaxConns
	}
	o, err := cfg.Config.options("")
	if err != nil {
		return nil, err
	}
	p := &Pool{
		options: o, facade: redis.NewClient(o.Simple()),
		free: make(chan *link, cfg.MaxConns), rights: make(chan struct{}, cfg.MaxConns),
	}
	for range cfg.MaxConns {
		p.rights <- struct{}{}
	}
	return p, nil
}

func (p *Pool) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
}

// leave is called when the user of a session has ended.
func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users--; p.users > 0 {
		return
	}
	for {
		select {
		case l := <-p.free:
			l.close()
			p.rights <- struct{}{}
		default:
			return
		}
	}
}

// lease returns a link that is the caller's until release. It blocks until one is
// free, ctx ends or the time is over. opened counts the connections of a new link.
func (p *Pool) lease(ctx context.Context, opened func() func()) (*link, error) {
	select {
	case l := <-p.free:
		return l, nil
	default:
	}
	select {
	case <-p.rights:
		return newLink(p.options, opened), nil
	default:
	}
	var timeout <-chan time.Time
	if d := p.options.ReadTimeout; d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case l := <-p.free:
		return l, nil
	case <-p.rights:
		return newLink(p.options, opened), nil
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // the caller says more
	case <-timeout:
		return nil, errPoolTimeout
	}
}

// release gives a link back.
func (p *Pool) release(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users == 0 { // nobody would close it
		l.close()
		p.rights <- struct{}{}
		return
	}
	p.free <- l
}

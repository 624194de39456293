package boomer

import (
	"sync"
	"time"
)

// paced is the limiter of boomer's flags. The worker itself applies it
// (locustworker.Environment.SetMaxRPS), so that tasks are evenly spaced, one user
// after the other gets its turn, and those that wait own no goroutine. A RateLimiter
// of the program's own, which may have other callers, is asked before each task.
type paced struct {
	threshold func(since time.Duration) int64 // tasks a second, above 0
	grows     bool
	set       func(perSecond float64) error

	mu    sync.Mutex
	began time.Time
	timer *time.Timer // sets the next threshold
}

// Start sets the limit, and each second what it has grown to.
func (p *paced) Start() {
	p.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = time.Now()
	p.apply()
	if p.grows {
		p.timer = time.AfterFunc(time.Second, p.grow)
	}
}

// Acquire does not block.
func (p *paced) Acquire() (blocked bool) { return false }

// Stop ends the growth.
func (p *paced) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

func (p *paced) grow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.apply()
		p.timer.Reset(time.Second)
	}
}

func (p *paced) apply() {
	_ = p.set(float64(p.threshold(time.Since(p.began)))) // a threshold is above 0
}

package arrivals

import (
	"context"
	"sync"
	"time"
)

// A Config describes a pacer.
type Config struct {
	// Schedule has rate 0. It is the pacer's from now on.
	Schedule *Schedule
	// Now is the clock of the schedule.
	Now func() time.Duration
	// Due is called for each arrival, in the order of their times, one at a time.
	// due is when the arrival was to be, now is the present time. It must not block,
	// nor call the pacer.
	Due func(due, now time.Duration)
	// Pause is called about once a second while there is a rate, as Due is. nil calls
	// nothing.
	Pause func(now time.Duration)
	// Nap is that of a Waiter.
	Nap func(time.Duration)
}

// A Pacer calls a function for each arrival of a schedule. It has a goroutine while
// its rate is above 0. Its methods are safe for concurrent use.
type Pacer struct {
	cfg     Config
	changed chan struct{} // the rate, while the goroutine waits

	mu      sync.Mutex
	running bool
	done    chan struct{} // closed by the goroutine that was started last
	paused  time.Duration // when Pause was called last
}

// NewPacer returns a pacer of rate 0.
func NewPacer(cfg Config) *Pacer {
	return &Pacer{cfg: cfg, changed: make(chan struct{}, 1)}
}

// SetRate changes the rate, after calling Due for all arrivals that are due. With
// rate 0 no further one is: when SetRate returns, Due is not called again. It does
// nothing when ctx has ended, unless the rate is 0. It does not block.
func (p *Pacer) SetRate(ctx context.Context, perSecond float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if perSecond > 0 && ctx.Err() != nil {
		return
	}
	now := p.cfg.Now()
	p.takeDue(now)
	p.cfg.Schedule.SetRate(now, perSecond)
	if perSecond > 0 && !p.running {
		p.running, p.done, p.paused = true, make(chan struct{}), now
		go p.run(p.done)
	}
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Stop sets the rate to 0 and waits for the goroutine's end.
func (p *Pacer) Stop() {
	p.SetRate(context.Background(), 0)
	p.mu.Lock()
	done := p.done
	p.mu.Unlock()
	if done != nil {
		<-done
	}
}

// takeDue calls Due for what is due by now. p.mu is held.
func (p *Pacer) takeDue(now time.Duration) {
	for {
		due, ok := p.cfg.Schedule.Next()
		if !ok || due > now {
			return
		}
		p.cfg.Schedule.Take()
		p.cfg.Due(due, now)
	}
}

// run is the pacer's goroutine. It ends when there is no rate.
func (p *Pacer) run(done chan struct{}) {
	defer close(done)
	w := NewWaiter(p.cfg.Now, p.cfg.Nap)
	defer w.Stop()
	for {
		due, ok := p.step()
		if !ok {
			return
		}
		w.Wait(min(due-p.cfg.Now(), time.Second), p.changed)
	}
}

// step calls Due for what is due, and returns when the next arrival is, or false
// when there is no rate.
func (p *Pacer) step() (due time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.cfg.Now()
	p.takeDue(now)
	if p.cfg.Pause != nil && now-p.paused >= time.Second {
		p.paused = now
		p.cfg.Pause(now)
	}
	if due, ok = p.cfg.Schedule.Next(); !ok {
		p.running = false
	}
	return due, ok
}

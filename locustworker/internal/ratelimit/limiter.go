package ratelimit

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/arrivals"
)

// catchUp bounds how much of its rate a Limiter makes up for when it was held up: no
// interval of length t has more permits than rate * (t + catchUp) + 1.
const catchUp = 10 * time.Millisecond

// A Config describes a limiter.
type Config struct {
	// Now is the limiter's clock. It does not go back.
	Now func() time.Duration
	// Nap is that of an arrivals.Waiter.
	Nap func(time.Duration)
}

// A Limiter gives permits at a rate, evenly spaced. Permits that nobody asked for
// are not kept. It has a goroutine while somebody waits. Its methods are safe for
// concurrent use and do not block.
type Limiter struct {
	cfg     Config
	limited atomic.Bool
	changed chan struct{} // what run waits for has changed

	mu       sync.Mutex
	interval float64 // between permits, in nanoseconds; 0: there is no limit
	last     float64 // when the last permit was given, on the clock
	first    *Place  // in the queue
	tail     *Place
	running  bool
}

// A Waker is called back when it has a permit. Wake must neither block nor call the
// limiter.
type Waker interface{ Wake() }

// A Place is where a caller stands. It belongs to one limiter.
type Place struct {
	waker      Waker
	prev, next *Place // in the queue
	state      state
}

// NewPlace returns the place of a caller.
func NewPlace(w Waker) *Place { return &Place{waker: w} }

// A state is what a caller has. It is guarded by Limiter.mu.
type state uint8

const (
	absent  state = iota
	waiting       // in the queue
	granted       // has been called back and has not taken its permit
)

// New returns a limiter without a limit.
func New(cfg Config) *Limiter {
	return &Limiter{cfg: cfg, changed: make(chan struct{}, 1), last: -1 << 62}
}

// Limited reports whether there is a limit.
func (l *Limiter) Limited() bool { return l.limited.Load() }

// SetRate sets the limit, as permits a second; 0 or less means none. It counts for
// callers that wait, too.
func (l *Limiter) SetRate(perSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interval = 0
	if perSecond > 0 {
		l.interval = float64(time.Second) / perSecond
		l.last = max(l.last, float64(l.cfg.Now())-l.interval) // nothing is due before now
	}
	l.limited.Store(l.interval > 0)
	l.notify()
}

// Take returns whether the caller has a permit, which it has used then. Otherwise it
// waits in the queue: it is woken when it has one, and then calls Take again.
func (l *Limiter) Take(p *Place) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch p.state {
	case granted:
		p.state = absent
		return true
	case waiting:
		return false
	case absent:
	}
	now := float64(l.cfg.Now())
	if l.first == nil && l.last+l.interval <= now {
		l.last = now
		return true
	}
	l.push(p)
	if !l.running {
		l.running = true
		go l.run()
	}
	return false
}

// Leave takes the caller out of the queue. A permit that it has not taken goes to
// the next.
func (l *Limiter) Leave(p *Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch p.state {
	case waiting:
		l.remove(p)
	case granted:
		if l.first != nil {
			l.grant()
		}
	case absent:
	}
	p.state = absent
	if l.running && l.first == nil {
		l.notify() // the goroutine ends
	}
}

func (l *Limiter) notify() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *Limiter) push(p *Place) {
	p.state, p.prev = waiting, l.tail
	if l.tail == nil {
		l.first = p
	} else {
		l.tail.next = p
	}
	l.tail = p
}

func (l *Limiter) remove(p *Place) {
	if p.prev == nil {
		l.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		l.tail = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}

// grant gives a permit to the first in the queue.
func (l *Limiter) grant() {
	p := l.first
	l.remove(p)
	p.state = granted
	p.waker.Wake()
}

// run gives permits until nobody waits.
func (l *Limiter) run() {
	w := arrivals.NewWaiter(l.cfg.Now, l.cfg.Nap)
	defer w.Stop()
	for {
		wait, ok := l.step()
		if !ok {
			return
		}
		w.Wait(wait, l.changed)
	}
}

// step gives the permits that are due, and returns how long the next is not, or
// false when nobody waits.
func (l *Limiter) step() (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := float64(l.cfg.Now())
	for l.first != nil {
		due := l.last + l.interval
		if due > now {
			return time.Duration(math.Ceil(min(due-now, float64(time.Hour)))), true
		}
		l.last = max(due, now-float64(catchUp))
		l.grant()
	}
	l.running = false
	return 0, false
}

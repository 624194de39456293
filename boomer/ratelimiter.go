package boomer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrParsingRampUpRate says that a rate is neither a number nor a number and a time.
var ErrParsingRampUpRate = errors.New(`ratelimiter: invalid format of rampUpRate, try "1" or "1/1s"`)

// A RateLimiter limits how often the users of a Boomer call their tasks, all
// together.
type RateLimiter interface {
	// Start is called when a test starts, before its users.
	Start()
	// Acquire is called before each task. It blocks while the limit is reached. If it
	// returns true, it has blocked: no task runs, and it is called again.
	Acquire() bool
	// Stop is called when a test stops. It must let go whoever Acquire blocks.
	Stop()
}

var (
	_ RateLimiter = (*StableRateLimiter)(nil)
	_ RateLimiter = (*RampUpRateLimiter)(nil)
)

// A StableRateLimiter lets a fixed number of tasks start in each period. Its methods
// are safe for concurrent use.
type StableRateLimiter struct{ bucket }

// NewStableRateLimiter returns a limiter of threshold tasks each refillPeriod. A
// period of 0 or less counts as a second.
func NewStableRateLimiter(threshold int64, refillPeriod time.Duration) (rateLimiter *StableRateLimiter) {
	l := &StableRateLimiter{}
	l.init(threshold, refillPeriod)
	return l
}

// Start fills the bucket, now and after each period, until Stop. A second Start
// starts anew.
func (l *StableRateLimiter) Start() {
	threshold := l.first
	l.start(func(time.Duration) int64 { return threshold })
}

// Acquire takes a token and returns false. If there is none, it blocks until the
// bucket is filled or the limiter is stopped, and returns true without a token.
func (l *StableRateLimiter) Acquire() (blocked bool) { return l.acquire() }

// Stop ends the filling, and all calls to Acquire that block. After it Acquire does
// not block any more. A limiter that was not started can be stopped.
func (l *StableRateLimiter) Stop() { l.stop() }

// A RampUpRateLimiter lets a number of tasks start in each period that grows up to a
// limit. Its methods are safe for concurrent use.
type RampUpRateLimiter struct {
	bucket
	limit  int64
	step   int64
	period time.Duration // of the growth
}

// NewRampUpRateLimiter returns a limiter whose number of tasks each refillPeriod
// grows up to maxThreshold. rampUpRate is by how much: "10" is 10 more each second,
// "10/1m" 10 more each minute. The first period has one step. A refillPeriod of 0
// or less counts as a second. The error is ErrParsingRampUpRate.
func NewRampUpRateLimiter(maxThreshold int64, rampUpRate string, refillPeriod time.Duration) (rateLimiter *RampUpRateLimiter, err error) {
	step, period, err := parseRampUpRate(rampUpRate)
	if err != nil {
		return nil, err
	}
	l := &RampUpRateLimiter{limit: maxThreshold, step: step, period: period}
	l.init(0, refillPeriod)
	return l, nil
}

func parseRampUpRate(text string) (step int64, period time.Duration, err error) {
	number, duration, hasPeriod := strings.Cut(text, "/")
	period = time.Second
	if hasPeriod {
		if period, err = time.ParseDuration(duration); err != nil || period <= 0 {
			return 0, 0, fmt.Errorf("%w: not %q", ErrParsingRampUpRate, text)
		}
	}
	step, err = strconv.ParseInt(number, 10, 64)
	if err != nil || step < 0 {
		return 0, 0, fmt.Errorf("%w: not %q", ErrParsingRampUpRate, text)
	}
	return step, period, nil
}

// Start begins the growth anew, and fills the bucket, now and after each period,
// until Stop.
func (l *RampUpRateLimiter) Start() {
	l.start(l.threshold)
}

// threshold returns how many tasks may start in the period that begins so long after
// Start.
func (l *RampUpRateLimiter) threshold(since time.Duration) int64 {
	steps := 1 + int64(since/l.period)
	if l.step > 0 && steps > math.MaxInt64/l.step {
		return l.limit
	}
	return min(steps*l.step, l.limit)
}

// Acquire is that of StableRateLimiter.
func (l *RampUpRateLimiter) Acquire() (blocked bool) { return l.acquire() }

// Stop is that of StableRateLimiter.
func (l *RampUpRateLimiter) Stop() { l.stop() }

// A bucket has tokens, and gets new ones after each period. It keeps none of the
// last period.
type bucket struct {
	first  int64 // tokens before the first start
	refill time.Duration

	mu      sync.Mutex
	tokens  int64
	stopped bool
	filled  chan struct{} // closed when the bucket is filled or stopped
	quit    chan struct{} // ends the filling; nil when it does not run
}

func (b *bucket) init(tokens int64, refill time.Duration) {
	if refill <= 0 {
		refill = time.Second
	}
	b.first, b.tokens, b.refill = tokens, tokens, refill
	b.filled = make(chan struct{})
}

// start fills the bucket now and after each period, with what threshold says for the
// time since now.
func (b *bucket) start(threshold func(since time.Duration) int64) {
	b.stop()
	quit := make(chan struct{})
	b.mu.Lock()
	b.quit, b.stopped = quit, false
	b.fillLocked(threshold(0))
	b.mu.Unlock()
	began := time.Now()
	go func() {
		ticker := time.NewTicker(b.refill)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				b.fill(quit, threshold(time.Since(began)))
			}
		}
	}()
}

// fill fills the bucket, unless the filling that it is part of has ended.
func (b *bucket) fill(of chan struct{}, tokens int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quit == of {
		b.fillLocked(tokens)
	}
}

func (b *bucket) fillLocked(tokens int64) {
	b.tokens = tokens
	close(b.filled)
	b.filled = make(chan struct{})
}

func (b *bucket) acquire() (blocked bool) {
	b.mu.Lock()
	if b.tokens > 0 {
		b.tokens--
		b.mu.Unlock()
		return false
	}
	filled, stopped := b.filled, b.stopped
	b.mu.Unlock()
	if !stopped {
		<-filled
	}
	return true
}

func (b *bucket) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.quit != nil {
		close(b.quit)
		b.quit = nil
	}
	b.stopped = true
	b.fillLocked(b.tokens)
}

package boomer

import (
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// acquired returns how often a limiter lets one caller through in each of n seconds,
// and how often it says that it has blocked.
func acquired(l RateLimiter, seconds int) (through []int, blocked int) {
	began := time.Now()
	through = make([]int, seconds)
	for {
		ok := !l.Acquire()
		second := int(time.Since(began) / time.Second)
		switch {
		case second >= seconds:
			return through, blocked
		case ok:
			through[second]++
		default:
			blocked++
		}
	}
}

// TestRateLimiters: what comes through in each second, and that Acquire blocks once
// a period when the tokens are used up.
func TestRateLimiters(t *testing.T) {
	ramp := func(most int64, rate string, refill time.Duration) RateLimiter {
		l, err := NewRampUpRateLimiter(most, rate, refill)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	tests := []struct {
		name    string
		limiter func() RateLimiter
		want    []int
		blocked int
	}{
		{"stable", func() RateLimiter { return NewStableRateLimiter(3, time.Second) }, []int{3, 3, 3}, 2},
		{"stable, short period", func() RateLimiter { return NewStableRateLimiter(3, 250*time.Millisecond) }, []int{12, 12, 12}, 11},
		{"stable, no period", func() RateLimiter { return NewStableRateLimiter(3, 0) }, []int{3, 3, 3}, 2},
		{"stable, nothing", func() RateLimiter { return NewStableRateLimiter(0, time.Second) }, []int{0, 0, 0}, 2},
		{"ramp", func() RateLimiter { return ramp(7, "3", time.Second) }, []int{3, 6, 7, 7}, 3},
		{"ramp, period", func() RateLimiter { return ramp(100, "5/2s", time.Second) }, []int{5, 5, 10, 10, 15}, 4},
		{"ramp, no limit", func() RateLimiter { return ramp(math.MaxInt64, "1/1s", time.Second) }, []int{1, 2, 3}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := test.limiter()
				for range 2 { // a second start begins anew
					l.Start()
					got, blocked := acquired(l, len(test.want))
					for i := range got {
						if got[i] != test.want[i] {
							t.Errorf("%v came through in each second; want %v", got, test.want)
							break
						}
					}
					if blocked < test.blocked {
						t.Errorf("blocked %d times; want %d", blocked, test.blocked)
					}
					l.Stop()
				}
			})
		})
	}
}

// TestRateLimiterIsShared: many callers together get no more than the limit, and all
// that block are let go.
func TestRateLimiterIsShared(t *testing.T) {
	defer goleak.VerifyNone(t)
	synctest.Test(t, func(t *testing.T) {
		l := NewStableRateLimiter(10, time.Second)
		l.Start()
		var through atomic.Int64
		var wg sync.WaitGroup
		end := time.Now().Add(5500 * time.Millisecond)
		for range 50 {
			wg.Go(func() {
				for time.Now().Before(end) {
					if !l.Acquire() {
						through.Add(1)
					}
				}
			})
		}
		wg.Wait()
		l.Stop()
		if n := through.Load(); n != 60 {
			t.Errorf("%d came through in 6 periods of 10", n)
		}
	})
}

// TestRateLimiterStop: Stop lets go who waits, says that they have blocked, and no
// later Acquire waits. It may be called twice, and without Start.
func TestRateLimiterStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewStableRateLimiter(1, time.Hour)
		l.Start()
		if l.Acquire() {
			t.Error("the first Acquire has blocked")
		}
		began := time.Now()
		time.AfterFunc(time.Second, l.Stop)
		if !l.Acquire() || time.Since(began) != time.Second {
			t.Errorf("Acquire did not block until Stop: %v", time.Since(began))
		}
		if !l.Acquire() || time.Since(began) != time.Second {
			t.Error("Acquire has waited after Stop")
		}
		l.Stop()
		NewStableRateLimiter(1, time.Second).Stop()
	})
}

func TestParseRampUpRate(t *testing.T) {
	tests := []struct {
		text   string
		step   int64
		period time.Duration
	}{
		{"1", 1, time.Second},
		{"10/1s", 10, time.Second},
		{"5/2m", 5, 2 * time.Minute},
		{"0", 0, time.Second},
		{"", -1, 0},
		{"-1", -1, 0},
		{"x", -1, 0},
		{"1/", -1, 0},
		{"1/2", -1, 0},
		{"1/0s", -1, 0},
		{"1/-1s", -1, 0},
		{"1/1s/1s", -1, 0},
		{"1.5", -1, 0},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			l, err := NewRampUpRateLimiter(1, test.text, time.Second)
			if test.step < 0 {
				if !errors.Is(err, ErrParsingRampUpRate) || l != nil {
					t.Errorf("%v, %v; want ErrParsingRampUpRate", l, err)
				}
				return
			}
			if err != nil || l.step != test.step || l.period != test.period {
				t.Errorf("%d each %v, %v; want %d each %v", l.step, l.period, err, test.step, test.period)
			}
		})
	}
}

// TestThreshold: the growth ends at the limit and does not overflow.
func TestThreshold(t *testing.T) {
	l := &RampUpRateLimiter{limit: math.MaxInt64, step: math.MaxInt64 / 2, period: time.Second}
	for after, want := range map[time.Duration]int64{
		0: math.MaxInt64 / 2, time.Second: math.MaxInt64 - 1, 2 * time.Second: math.MaxInt64, time.Hour: math.MaxInt64,
	} {
		if got := l.threshold(after); got != want {
			t.Errorf("after %v: %d; want %d", after, got, want)
		}
	}
}

func TestLimiterOf(t *testing.T) {
	tests := []struct {
		rps      int64
		increase string
		want     []int64 // a second, after 0 s, 1 s and 10 s; nil: no limit
	}{
		{0, "-1", nil},
		{-5, "-1", nil},
		{100, "-1", []int64{100, 100, 100}},
		{100, "10/1s", []int64{10, 20, 100}},
		{0, "10", []int64{10, 20, 110}},
	}
	for _, test := range tests {
		l, err := limiterOf(test.rps, test.increase)
		p, ok := l.(*paced)
		if err != nil || ok != (test.want != nil) || !ok && l != nil {
			t.Errorf("--max-rps %d --request-increase-rate %s: %T, %v", test.rps, test.increase, l, err)
			continue
		}
		for i, want := range test.want {
			after := []time.Duration{0, time.Second, 10 * time.Second}[i]
			if got := p.threshold(after); got != want {
				t.Errorf("--max-rps %d --request-increase-rate %s: %d after %v; want %d", test.rps, test.increase, got, after, want)
			}
		}
	}
	if _, err := limiterOf(0, "fast"); !errors.Is(err, ErrParsingRampUpRate) {
		t.Errorf("fast: %v", err)
	}
	if l, err := limiterOf(0, "0"); err != nil || l == nil { // nothing may run
		t.Errorf("0: %v, %v", l, err)
	}
}

// TestTheFlagsLimit: with the limiters of the flags, tasks start evenly spaced, also
// while the rate grows, and a stop does not wait for users that have no turn.
func TestTheFlagsLimit(t *testing.T) {
	for _, test := range []struct {
		increase string
		want     []int // in each second
	}{
		{"-1", []int{20, 20, 20, 20}},
		{"5", []int{5, 10, 15, 20}},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, err := limiterOf(20, test.increase)
			if err != nil {
				t.Fatal(err)
			}
			b := NewStandaloneBoomer(50, 50).WithLogger((&logText{}).logger())
			b.SetRateLimiter(l)
			var mu sync.Mutex
			var at []time.Duration
			begin := time.Now()
			time.AfterFunc(3990*time.Millisecond, b.Quit)
			b.Run(&Task{Fn: func() {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(begin))
			}})
			if d := time.Since(begin); d > 5*time.Second {
				t.Errorf("the run took %v", d)
			}
			got := make([]int, len(test.want))
			for i, d := range at {
				got[min(int(d/time.Second), len(got)-1)]++
				if i > 0 && d-at[i-1] < time.Second/20-time.Microsecond {
					t.Fatalf("two tasks %v apart", d-at[i-1])
				}
			}
			for i := range got {
				if got[i] < test.want[i]-1 || got[i] > test.want[i]+1 {
					t.Errorf("%v tasks in each second; want %v", got, test.want)
					break
				}
			}
		})
	}
}

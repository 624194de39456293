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
		want     string
	}{
		{0, "-1", "<nil>"},
		{-5, "-1", "<nil>"},
		{100, "-1", "stable"},
		{100, "10/1s", "ramp"},
		{0, "10", "ramp"},
		{0, "fast", "error"},
	}
	for _, test := range tests {
		l, err := limiterOf(test.rps, test.increase)
		got := "<nil>"
		switch l := l.(type) {
		case *StableRateLimiter:
			got = "stable"
		case *RampUpRateLimiter:
			if got = "ramp"; err != nil {
				got = "error"
			}
			if err == nil && test.rps == 0 && l.limit != math.MaxInt64 {
				t.Errorf("without --max-rps the limit is %d", l.limit)
			}
		}
		if got != test.want {
			t.Errorf("--max-rps %d --request-increase-rate %s: %s; want %s", test.rps, test.increase, got, test.want)
		}
	}
}

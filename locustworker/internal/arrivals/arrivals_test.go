package arrivals

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// until takes all arrivals before a time.
func until(s *Schedule, end time.Duration) []time.Duration {
	var all []time.Duration
	for {
		due, ok := s.Next()
		if !ok || due >= end {
			return all
		}
		s.Take()
		all = append(all, due)
	}
}

func TestEvenSpacing(t *testing.T) {
	for _, rate := range []float64{0.25, 3, 1000, 50_000} {
		s := NewSchedule(0.5, nil)
		s.SetRate(time.Hour, rate)
		all := until(s, time.Hour+20*time.Second)
		if want := int(math.Round(20 * rate)); len(all) != want {
			t.Errorf("%d arrivals in 20 s at %v/s", len(all), rate)
		}
		for i, due := range all {
			want := time.Hour + time.Duration((float64(i)+0.5)/rate*1e9)
			if (due - want).Abs() > 10 {
				t.Fatalf("arrival %d at %v/s is due at %v; want %v", i, rate, due, want)
			}
		}
	}
}

// TestChangesOfTheRate: the number of arrivals is the integral of the rate,
// whatever it does.
func TestChangesOfTheRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		first := rng.Float64()
		s := NewSchedule(first, nil)
		now, integral, taken := time.Duration(0), 0.0, 0
		for range 50 {
			rate := rng.Float64() * 100
			if rng.IntN(5) == 0 {
				rate = 0
			}
			s.SetRate(now, rate)
			d := time.Duration(rng.Int64N(int64(time.Second)))
			integral += rate * d.Seconds()
			now += d
			taken += len(until(s, now))
		}
		if want := integral + 1 - first; math.Abs(float64(taken)-(want-0.5)) > 0.501 {
			t.Fatalf("%d arrivals where the integral is %v and the first was due at %v", taken, integral, first)
		}
	}
}

// TestPoisson compares the times between arrivals with the exponential distribution
// (Kolmogorov-Smirnov) and the counts a second with Poisson's variance, across
// changes of the rate.
func TestPoisson(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	s := NewSchedule(rng.ExpFloat64(), rng.ExpFloat64)
	const seconds = 2000
	var gaps, counts []float64
	last := 0.0 // in mean gaps
	for i := range seconds {
		begin := time.Duration(i) * time.Second
		rate := float64(10 + i%3*20)
		s.SetRate(begin, rate)
		all := until(s, begin+time.Second)
		for _, due := range all {
			at := (due - begin).Seconds() * rate
			gaps = append(gaps, at-last)
			last = at
		}
		last -= rate
		counts = append(counts, (float64(len(all))-rate)/math.Sqrt(rate))
	}
	slices.Sort(gaps)
	worst := 0.0
	for i, gap := range gaps {
		worst = max(worst, math.Abs(1-math.Exp(-gap)-float64(i)/float64(len(gaps))))
	}
	if limit := 1.95 / math.Sqrt(float64(len(gaps))); worst > limit { // 0.1 %
		t.Errorf("the gaps are %v away from an exponential distribution; limit %v", worst, limit)
	}
	var squares float64
	for _, c := range counts {
		squares += c * c
	}
	if v := squares / seconds; v < 0.85 || v > 1.15 {
		t.Errorf("the counts have %v times Poisson's variance", v)
	}
}

// A lab is a pacer in fake time.
type lab struct {
	pacer *Pacer
	start time.Time
	due   []time.Duration
	late  time.Duration // the greatest
}

func newLab() *lab {
	l := &lab{start: time.Now()}
	l.pacer = NewPacer(Config{
		Schedule: NewSchedule(0.5, nil),
		Now:      func() time.Duration { return time.Since(l.start) },
		Due: func(due, now time.Duration) {
			l.due = append(l.due, due)
			l.late = max(l.late, now-due)
		},
	})
	return l
}

func TestThePacerFollowsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		for _, rate := range []float64{10, 1000, 0.2, 0, 50, 20_000} {
			before := len(l.due)
			l.pacer.SetRate(t.Context(), rate)
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if n := float64(len(l.due) - before); math.Abs(n-4*rate) > 1 {
				t.Errorf("%v arrivals in 4 s at %v/s", n, rate)
			}
		}
		l.pacer.Stop()
		n := len(l.due)
		time.Sleep(time.Minute)
		if len(l.due) != n || l.late > time.Microsecond {
			t.Errorf("%d arrivals after the end; the latest was %v late", len(l.due)-n, l.late)
		}
		l.pacer.Stop() // again
	})
}

func TestThePacerDoesNotStartAfterItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		l.pacer.SetRate(ctx, 100)
		time.Sleep(time.Second)
		if len(l.due) > 0 {
			t.Errorf("%d arrivals", len(l.due))
		}
		l.pacer.Stop()
	})
}

// TestALatePacerSaysWhenArrivalsWereDue: a process that was held up hands out what
// was due meanwhile.
func TestALatePacerSaysWhenArrivalsWereDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		hold := true
		due := l.pacer.cfg.Due
		l.pacer.cfg.Due = func(at, now time.Duration) {
			if due(at, now); hold {
				hold = false
				time.Sleep(2 * time.Second)
			}
		}
		l.pacer.SetRate(t.Context(), 100)
		time.Sleep(3 * time.Second)
		l.pacer.Stop()
		if n := len(l.due); n < 299 || n > 301 || (l.late-1990*time.Millisecond).Abs() > 20*time.Millisecond {
			t.Errorf("%d arrivals in 3 s at 100/s, the latest %v late", n, l.late)
		}
		for i := 1; i < len(l.due); i++ {
			if gap := l.due[i] - l.due[i-1]; (gap - 10*time.Millisecond).Abs() > time.Microsecond {
				t.Fatalf("arrivals %v apart", gap)
			}
		}
	})
}

// TestNap runs in real time: naps are short, and a pacer with them keeps its rate.
func TestNap(t *testing.T) {
	begin := time.Now()
	Nap(2 * time.Millisecond)
	if d := time.Since(begin); d < 2*time.Millisecond {
		t.Errorf("a nap of 2 ms took %v", d)
	}
	l := newLab()
	l.pacer.cfg.Nap = Nap
	l.pacer.SetRate(t.Context(), 5000)
	time.Sleep(100 * time.Millisecond)
	l.pacer.Stop()
	if span, n := time.Since(l.start).Seconds(), float64(len(l.due)); n < 499 || n > 5000*span+1 {
		t.Errorf("%v arrivals in %v s at 5000/s", n, span)
	}
}

// TestNapsInFakeTime: a clock that naps do not move, as that of synctest, has the
// pacer use timers.
func TestNapsInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab()
		l.pacer.cfg.Nap = Nap
		l.pacer.SetRate(t.Context(), 2000)
		time.Sleep(time.Second)
		l.pacer.Stop()
		if n := len(l.due); n < 1999 || n > 2001 {
			t.Errorf("%d arrivals in 1 s at 2000/s", n)
		}
	})
}

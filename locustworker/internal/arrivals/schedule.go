package arrivals

import (
	"math"
	"time"
)

// A Schedule is a sequence of arrivals at a rate that may change. Times are on the
// caller's clock. It is not safe for concurrent use.
//
// An arrival is due when the integral of the rate since the last one reaches the
// next gap: 1 for even spacing, an exponentially distributed number of mean 1 for a
// Poisson process. So a change of the rate neither loses nor repeats a part of an
// interval, and a Poisson process stays one.
type Schedule struct {
	gap  func() float64
	rate float64 // a second
	rest float64 // of the gap at the time at
	at   float64 // nanoseconds
}

// NewSchedule returns a schedule of rate 0. The first arrival is due after first
// gaps, as a part of one: workers that begin together should differ in it. gap
// returns the gaps; nil means even spacing.
func NewSchedule(first float64, gap func() float64) *Schedule {
	if gap == nil {
		gap = func() float64 { return 1 }
	}
	return &Schedule{gap: gap, rest: first}
}

// SetRate changes the rate from now on. All arrivals due before now must have been
// taken.
func (s *Schedule) SetRate(now time.Duration, perSecond float64) {
	if elapsed := float64(now) - s.at; elapsed > 0 {
		s.rest = max(0, s.rest-elapsed*s.rate/float64(time.Second))
		s.at = float64(now)
	}
	s.rate = perSecond
}

// Next returns when the next arrival is due, or false when there is none at this
// rate.
func (s *Schedule) Next() (due time.Duration, ok bool) {
	t := s.due()
	if t >= math.MaxInt64 {
		return 0, false
	}
	return time.Duration(t), true
}

// Take takes the next arrival out of the schedule. There must be one.
func (s *Schedule) Take() {
	s.at = s.due()
	s.rest = s.gap()
}

func (s *Schedule) due() float64 {
	if s.rate <= 0 {
		return math.Inf(1)
	}
	return s.at + s.rest/s.rate*float64(time.Second)
}

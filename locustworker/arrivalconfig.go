package locustworker

import (
	"fmt"
	"math"
	"slices"
)

// DroppedType is the Type of the row that counts the arrivals of a class which could
// not become iterations. Its Name is that of the class.
const DroppedType = "DROPPED"

// defaultMaxInFlight is the default of ArrivalConfig.MaxInFlight.
const defaultMaxInFlight = 10_000

// An ArrivalConfig describes the arrivals of a class: see ClassOf.ArrivalsWith.
type ArrivalConfig struct {
	// Rate is how many iterations a second each user of the class stands for. It must
	// be above 0 and need not be a whole number.
	Rate float64
	// RateArgument is the name of a custom argument that replaces Rate when the master
	// sends it with a value above 0, so that the rate can be set on the master's command
	// line and in its web UI, also while the test runs (with the next change of the
	// number of users). Default "": none.
	RateArgument string
	// Poisson makes the times between arrivals exponentially distributed, as those of
	// independent visitors are. Default: even spacing.
	Poisson bool
	// MaxInFlight is how many visitors of the class a worker has at most. An arrival
	// that finds all of them busy is dropped. Default 10,000.
	MaxInFlight int
	// Fresh runs each iteration with a visitor of its own, from the constructor to
	// OnStop. Default: visitors that are free take the next arrivals.
	Fresh bool
	// FailDropped makes each dropped arrival a failure. Default: the row of type
	// DROPPED counts them, and none of them is a failure.
	FailDropped bool
}

// Arrivals makes the class an open model: iterations begin at a rate, whether those
// before have ended or not. It is ArrivalsWith with defaults.
//
//	locustworker.NewClass("Visitor", newVisitor).Arrivals(10).Task("browse", 1, (*visitor).browse)
//
// 500 users of this class make 5,000 iterations a second.
func (c *ClassOf[U]) Arrivals(perSecond float64) *ClassOf[U] {
	return c.ArrivalsWith(ArrivalConfig{Rate: perSecond})
}

// ArrivalsWith makes the class an open model. Each of its users, as the master
// counts them, is a stream of Rate iterations a second. A worker spaces the
// iterations of all its streams as one.
//
// An iteration is one task of the class; a nested set is one until it is
// interrupted. It is run by a visitor: a value that the class's constructor makes,
// with OnStart before its first iteration and OnStop after its last. An arrival is
// taken by a visitor that is free; if there is none a new one is made, whose OnStart
// delays that iteration; if there are MaxInFlight visitors, the arrival is dropped.
// Visitors stay until the class has no users any more, or the test stops.
//
// The first request of an iteration has been late by as much as the iteration: the
// response times of its row include that, unless Config.LatencyFrom says otherwise.
// Wait times have a meaning in nested sets only.
func (c *ClassOf[U]) ArrivalsWith(how ArrivalConfig) *ClassOf[U] {
	if !(how.Rate > 0) || math.IsInf(how.Rate, 1) {
		c.s.root.fault("has arrivals at a rate of %v a second; it must be above 0", how.Rate)
	}
	if how.MaxInFlight < 0 {
		c.s.root.fault("has MaxInFlight %d, which is negative", how.MaxInFlight)
	}
	if how.MaxInFlight == 0 {
		how.MaxInFlight = defaultMaxInFlight
	}
	c.s.arrivals = &how
	return c
}

// A LatencyFrom says what response times count from, in classes with arrivals.
type LatencyFrom string

// Values of Config.LatencyFrom.
const (
	// FromIntended counts from when a request was to be sent: the first request of an
	// iteration is as late as the iteration. It is the default.
	FromIntended LatencyFrom = "intended"
	// FromSent counts from when it was sent, as in classes without arrivals.
	FromSent LatencyFrom = "sent"
)

func (l LatencyFrom) validate() error {
	if slices.Contains([]LatencyFrom{"", FromIntended, FromSent}, l) {
		return nil
	}
	return fmt.Errorf("response times from %q; use %q or %q", string(l), FromIntended, FromSent)
}

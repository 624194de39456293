package locustworker

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
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
// A visitor ends when it was free for a minute, when the class has no users any more,
// or when the test stops.
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

// ArrivalTotals are what became of the arrivals of a class since the worker was
// made: Due = Started + Dropped, and those that visitors are about to begin.
type ArrivalTotals struct {
	// Class is the name of the class.
	Class string
	// Due counts the arrivals, Started those that became iterations, and Dropped
	// those that did not, because MaxInFlight visitors were busy, the visitor's
	// OnStart failed, or the visitor was stopped before it could begin.
	Due, Started, Dropped int64
	// Visitors is how many visitors there are now, busy or free.
	Visitors int
	// Lateness is how long after their intended times iterations started.
	Lateness Histogram
	// FromIntended and FromSent are the response times of all requests in iterations,
	// counted from when a request was to be sent and from when it was sent. Rows have
	// one of them: see Config.LatencyFrom.
	FromIntended, FromSent Histogram
}

// arrivalTotals returns the totals of all classes with arrivals, in declaration
// order.
func (w *Worker) arrivalTotals() []ArrivalTotals {
	users := w.users.Load()
	if users == nil {
		return nil
	}
	var all []ArrivalTotals
	for _, o := range users.openClasses() {
		all = append(all, o.totals())
	}
	return all
}

func (o *openClass) totals() ArrivalTotals {
	t := ArrivalTotals{
		Class: o.class.name, Lateness: histogram(o.lateness.Histogram()),
		FromIntended: histogram(o.intended.Histogram()), FromSent: histogram(o.sent.Histogram()),
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	t.Due, t.Started, t.Dropped, t.Visitors = o.counts.due, o.counts.started, o.counts.dropped, o.visitors
	return t
}

// otherTimes keeps the response times that rows of classes with arrivals do not
// show: from when requests were sent, or with FromSent from when they were to be.
type otherTimes struct{ store *stats.Store }

// sampleSecond is the time of all samples in otherTimes, whose rates nobody asks
// for.
const sampleSecond = 1

func (t otherTimes) record(u *User, s stats.Sample, other time.Duration) {
	if t.store == nil || s.NoTime {
		return
	}
	s.At, s.ResponseTime, s.Failed, s.Error = time.Unix(sampleSecond, 0), other, false, ""
	t.store.Record(uint32(u.id), s)
}

// record notes a request in an iteration, and returns its response time from when
// it was to be sent and from when it was sent.
func (v *visit) record(u *User, s *Sample) (intended, sent time.Duration) {
	if s.NoTime {
		return s.ResponseTime, s.ResponseTime
	}
	s.Late = v.late.take()
	sent = s.ResponseTime
	intended = sent + s.Late
	v.open.intended.Observe(uint32(u.id), intended)
	v.open.sent.Observe(uint32(u.id), sent)
	return intended, sent
}

// open returns what a run without a master shows of classes with arrivals.
func (w *Worker) open() headless.Open {
	if !slices.ContainsFunc(w.classes, func(c *liveClass) bool { return c.arrivals != nil }) {
		return headless.Open{}
	}
	w.recorder.other = otherTimes{stats.New(stats.Config{MaxRows: w.cfg.MaxRows})}
	title := "Response times from when requests were sent"
	if w.recorder.fromSent {
		title = "Response times from when requests were to be sent"
	}
	return headless.Open{Times: w.recorder.other.store, Title: title, Arrivals: w.arrivalLines}
}

// arrivalLines returns a line for each class with arrivals.
func (w *Worker) arrivalLines() []string {
	var lines []string
	for _, t := range w.arrivalTotals() {
		lines = append(lines, fmt.Sprintf("%s: %d arrivals due = %d iterations started + %d dropped; started up to %v late, 99%% up to %v",
			t.Class, t.Due, t.Started, t.Dropped, t.Lateness.below(1), t.Lateness.below(0.99)))
	}
	return lines
}

// below returns the bound that this share of the times is not above; of those above
// all bounds, the greatest bound.
func (h Histogram) below(share float64) time.Duration {
	left := int64(share * float64(h.Count))
	for i, n := range h.Counts {
		if left -= n; left <= 0 {
			return h.Bounds[min(i, len(h.Bounds)-1)]
		}
	}
	return 0
}

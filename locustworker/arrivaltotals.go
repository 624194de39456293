package locustworker

import (
	"fmt"
	"slices"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

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

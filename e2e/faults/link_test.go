package faults

import (
	"time"

	"github.com/bandwing/bandwing/internal/faultproxy"
)

// What a worker logs when a master has taken it in, and when its master has recognised it.
const (
	registered = "registered with the Locust master"
	sameMaster = "back with the same master"
)

// linkCases break the way between a worker and its master in a run of two workers, and mend it.
func linkCases() []faultCase {
	c := []faultCase{
		{name: "link cut for 2 s", quick: true, breaks: cutFor(2*time.Second, sameMaster, 1)},
		{name: "link of an open class cut for 2 s", quick: true, class: "Stream", breaks: cutFor(2*time.Second, sameMaster, 1)},
		{name: "link cut for 10 s", breaks: cutFor(10*time.Second, sameMaster, 1)},
		{name: "link cut for 90 s", breaks: cutFor(90*time.Second, registered, 2)},
		{name: "link reset with a report unacknowledged", quick: true, breaks: func(l *lab) {
			w := l.inRun(2)
			if err := w.link.Strand(); err != nil { // from here on nothing is acknowledged
				l.t.Fatal(err)
			}
			l.moment(2 * reportInterval)
			w.link.Reset()
			w.awaitLog(l.t, sameMaster, 1)
			l.backInRun()
		}},
		{name: "proxy acknowledges half a report and resets", quick: true, breaks: func(l *lab) {
			w := l.inRun(2)
			w.doubt(l.t, func() { w.link.ResetAfter(l.rng.IntN(2000) + 1) })
			l.backInRun()
		}},
		{name: "proxy acknowledges everything and dies", breaks: func(l *lab) {
			w := l.inRun(2)
			w.doubt(l.t, func() {
				w.link.Swallow()
				l.moment(2 * reportInterval)
				w.link.Cut()
				w.link.Restore()
			})
			l.backInRun()
		}},
		{name: "link half-open", breaks: func(l *lab) {
			w := l.inRun(2)
			if err := w.link.Strand(); err != nil {
				l.t.Fatal(err)
			}
			w.awaitLog(l.t, registered, 2)
			l.backInRun()
		}},
		{name: "link is a black hole for 5 s", breaks: holeFor(5 * time.Second)},
		{name: "link is a black hole for 40 s", breaks: holeFor(40 * time.Second)},
		{name: "link with 500 ms delay", breaks: steady(func(p *faultproxy.Proxy) { p.Delay(500 * time.Millisecond) })},
		{name: "link with 2 kB a second", breaks: steady(func(p *faultproxy.Proxy) { p.Throttle(2000) })},
	}
	return c
}

// inRun is two workers in a run, at a random moment. It returns one of the workers.
func (l *lab) inRun(workers int) *worker {
	l.t.Helper()
	l.fleet(workers)
	l.runs(fleetUsers)
	l.moment(3 * time.Second)
	return l.workers[l.rng.IntN(workers)]
}

// backInRun waits until all users run again and have done something.
func (l *lab) backInRun() {
	l.t.Helper()
	l.awaitUsers()
	l.awaitServed(100)
}

// cutFor cuts the link; the worker is back when it has logged a line so often.
func cutFor(d time.Duration, back string, times int) func(*lab) {
	return func(l *lab) {
		w := l.inRun(2)
		w.link.Cut()
		l.lasts(d)
		w.link.Restore()
		w.awaitLog(l.t, back, times)
		l.backInRun()
	}
}

func holeFor(d time.Duration) func(*lab) {
	return func(l *lab) {
		w := l.inRun(2)
		w.link.Blackhole()
		l.lasts(d)
		w.link.Restore()
		l.master.awaitWorkers(2)
		l.backInRun()
	}
}

// steady runs with a link that is bad all the time.
func steady(spoil func(*faultproxy.Proxy)) func(*lab) {
	return func(l *lab) {
		l.fleet(2)
		spoil(l.workers[0].link)
		l.runs(fleetUsers)
		l.moment(5 * time.Second)
		l.backInRun()
	}
}

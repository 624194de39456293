package session

import "time"

const (
	// reportLimit is how long a report waits for what a listener adds to it; then
	// it goes without, and that goes with the next one.
	reportLimit = time.Second
	// lastReportLimit is the same at the end of the worker.
	lastReportLimit = 50 * time.Millisecond
)

// additions are what the author's listener adds to reports. It runs in a goroutine
// of its own, once at a time, so that no report waits for it longer than it may.
type additions struct {
	has     bool // there is a listener
	calling bool
	ready   map[string]any // what it has returned too late for the report it was called for
	waiting *wanted
}

// wanted is a report that waits for its additions.
type wanted struct{ then func(extra map[string]any) }

// reportInTime sends what was recorded since the last report, while the link is up
// and the reports before it have arrived; else samples go on being merged where
// they are.
func (s *Session) reportInTime() {
	if s.link.Idle() && s.additions.waiting == nil {
		s.withAdditions(reportLimit, func(extra map[string]any) {
			if s.link.Idle() {
				s.link.Report(s.cfg.Store.Take(), extra)
			} else if extra != nil {
				s.additions.ready = extra
			}
		})
	}
}

// flush sends what was recorded since the last report in any case, and calls then,
// within limit or a little more.
func (s *Session) flush(limit time.Duration, then func()) {
	s.withAdditions(limit, func(extra map[string]any) {
		s.link.Report(s.cfg.Store.Take(), extra)
		then()
	})
}

// flushRest sends what was recorded since, if anything.
func (s *Session) flushRest() {
	if r := s.cfg.Store.Take(); !r.Empty() {
		s.link.Report(r, nil)
		s.link.Beat() // its answer proves the report
	}
}

// withAdditions calls then with what the listener adds to a report: at once when
// there is no listener, else within limit. A report that waits already is sent
// first.
func (s *Session) withAdditions(limit time.Duration, then func(extra map[string]any)) {
	a := &s.additions
	if last := a.waiting; last != nil {
		a.waiting = nil
		last.then(nil)
	}
	if extra := a.ready; extra != nil || !a.has {
		a.ready = nil
		then(extra)
		return
	}
	w := &wanted{then}
	a.waiting = w
	s.after(limit, func() {
		if a.waiting == w {
			a.waiting = nil
			w.then(nil)
		}
	})
	if !a.calling {
		a.calling = true
		s.notices.startAlways("report_to_master", func() {
			extra := s.cfg.Events.ReportToMaster()
			s.post(func() { s.added(extra) })
		})
	}
}

// added follows the listener's return.
func (s *Session) added(extra map[string]any) {
	a := &s.additions
	a.calling = false
	if w := a.waiting; w != nil {
		a.waiting = nil
		w.then(extra)
	} else {
		a.ready = extra
	}
}

// discard drops every sample that was not delivered, those of a report that are
// known to be lost included: they belong to a run that is over.
func (s *Session) discard(lost int64) {
	if n := lost + s.link.Discard() + s.cfg.Store.Reset(); n > 0 {
		s.discarded += n
		s.log.Warn("dropped samples of the last run: they could not be delivered while it ran", "samples", n)
	}
}

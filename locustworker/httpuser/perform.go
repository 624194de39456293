package httpuser

import (
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// perform runs a built request and records it.
func (s *Session) perform(x *exchange) (*Response, error) {
	s.resp = s.nextAnswer()
	start := time.Now()
	if s.call.timeout > 0 {
		x.limit = start.Add(s.call.timeout)
	}
	if d, ok := x.ctx.Deadline(); ok && (x.limit.IsZero() || d.Before(x.limit)) {
		x.limit, x.deadline = d, true
	}
	s.gate.setLimit(x.limit)
	back := false
	defer func() {
		if !back && x.sent { // the caller's Stream panicked
			s.resp.Duration = time.Since(start)
			s.describe(nil)
			s.record(errPanic)
		}
	}()
	err := s.exchange(x)
	back = true
	s.resp.Duration = time.Since(start)
	if a, ok := err.(*abort); ok { //nolint:errorlint // exchange returns it as it is
		if a.cut {
			s.user.Cut()
		}
		return nil, a
	}
	s.judge(err)
	return s.resp, nil
}

// judge finds the verdict over a request that came back, or failed with err, and
// records it: once, also when a check panics.
func (s *Session) judge(err error) {
	r, c := s.resp, &s.call
	if err == nil {
		err = s.decode()
	}
	s.describe(err)
	var byStatus error
	if err == nil {
		if c.rest {
			err = r.jsonFailure()
		}
		if err == nil {
			byStatus = s.statusFailure()
			err = byStatus
		}
	}
	verdict := error(errPanic)
	defer func() { s.record(verdict) }()
	if r.Err = err; err == nil && c.readErr != nil {
		r.Err = checkFailure(c.readErr)
	}
	if r.Err == nil && c.check != nil {
		r.Err = checkFailure(c.check(r))
	}
	if c.catch != nil {
		r.Err = checkFailure(c.catch(r))
	}
	if verdict = r.Err; verdict != nil && verdict == byStatus { //nolint:errorlint // an untouched one
		verdict = s.statusFailure() // the name may be another one now
	}
}

// describe sets what is known of a request that failed with err, or was answered.
func (s *Session) describe(err error) {
	r := s.resp
	r.Type, r.Name = s.call.method, s.call.rowName()
	if err == nil {
		r.StatusCode = r.raw.StatusCode()
	} else {
		r.StatusCode, r.Body, r.Length = 0, nil, 0
	}
}

func (s *Session) statusFailure() error {
	r := s.resp
	return statusFailure(r.StatusCode, r.raw.Header.StatusMessage(), r.Name)
}

// record makes the sample.
func (s *Session) record(verdict error) {
	r := s.resp
	r.Err = verdict
	s.user.Record(locustworker.Sample{
		Type: r.Type, Name: r.Name, ResponseTime: r.Duration, Length: r.Length, Err: verdict,
		Context: s.call.context,
	})
}

// nextAnswer returns an empty response, where it can the one of the last request,
// which ends with this one.
func (s *Session) nextAnswer() *Response {
	a := s.last
	s.last = nil
	if a == nil {
		a = answers.Get().(*answer) //nolint:forcetypeassert // the pool holds nothing else
	} else {
		a.reset()
	}
	return &a.told
}

// letGo leaves the response to the caller.
func (s *Session) letGo() {
	if s.resp == nil {
		return
	}
	s.last, s.resp = s.resp.raw, nil
}

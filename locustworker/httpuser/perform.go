package httpuser

import (
	"bytes"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// perform runs a built request and records it.
func (s *Session) perform(x *exchange) (*Response, error) {
	s.newResponse(x)
	if s.user.Client().Traced() {
		s.startTrace(x)
	}
	start := time.Now()
	limit := time.Time{}
	if x.call.timeout > 0 {
		limit = start.Add(x.call.timeout)
	}
	if d, ok := x.ctx.Deadline(); ok && (limit.IsZero() || d.Before(limit)) {
		limit, x.deadline = d, true
	}
	s.setLimit(&x.turn, limit)
	back := false
	defer func() {
		switch {
		case !back && x.sent: // the caller's Stream panicked
			x.resp.Duration = time.Since(start)
			x.describe(nil)
			s.record(x, errPanic)
		case !back:
			x.abortTrace(errPanic)
		}
		s.keepMemory(x)
	}()
	err := s.exchange(x)
	back = true
	x.resp.Duration = time.Since(start)
	if a, ok := err.(*abort); ok { //nolint:errorlint // exchange returns it as it is
		if a.cut {
			s.user.Client().Cut()
		}
		x.abortTrace(a)
		return nil, a
	}
	s.judge(x, err)
	return x.resp, nil
}

// judge finds the verdict over a request that came back, or failed with err, and
// records it: once, also when a check panics.
func (s *Session) judge(x *exchange, err error) {
	r, c := x.resp, &x.call
	if err == nil {
		err = s.decode(x)
	}
	x.describe(err)
	var byStatus error
	if err == nil {
		if c.rest {
			err = r.jsonFailure()
		}
		if err == nil {
			byStatus = r.statusFailure()
			err = byStatus
		}
	}
	verdict := error(errPanic)
	defer func() { s.record(x, verdict) }()
	if r.Err = err; err == nil && c.readErr != nil {
		r.Err = checkFailure(c.readErr)
	}
	for _, check := range c.checks {
		if r.Err == nil {
			r.Err = checkFailure(check(r))
		}
	}
	for _, judge := range c.catches {
		r.Err = checkFailure(judge(r))
	}
	if verdict = r.Err; verdict != nil && verdict == byStatus { //nolint:errorlint // an untouched one
		verdict = r.statusFailure() // the name may be another one now
	}
}

// describe sets what is known of a request that failed with err, or was answered.
func (x *exchange) describe(err error) {
	r := x.resp
	r.Type, r.Name = x.call.method, x.call.rowName()
	if err == nil {
		r.StatusCode = r.head.Status
	} else {
		r.StatusCode, r.Body, r.Length, r.WireLength, r.Proto = 0, nil, 0, 0, ""
	}
}

func (r *Response) statusFailure() error {
	return statusFailure(r.StatusCode, r.head.Reason(), r.Name)
}

// record makes the sample.
func (s *Session) record(x *exchange, verdict error) {
	r := x.resp
	r.Err = verdict
	if s.user.Client().Watched() {
		s.show(x)
	}
	if x.trace != nil && r.StatusCode > 0 {
		x.trace.Attribute("http.response.status_code", int64(r.StatusCode))
	}
	s.user.Record(locustworker.Sample{
		Type: r.Type, Name: r.Name, ResponseTime: r.Duration, Length: r.Length, Err: verdict,
		Context: x.call.context, Trace: x.trace,
	})
}

// show shows the request and its answer to a user that is watched.
func (s *Session) show(x *exchange) {
	head, _, _ := bytes.Cut(x.head, []byte("\r\n\r\n")) // a small body is behind it
	e := locustworker.Exchange{URL: x.resp.URL(), RequestHead: head, RequestBody: x.body}
	if e.URL == "" {
		e.URL = x.method + " " + string(x.uri)
	}
	if x.resp.StatusCode != 0 {
		e.Head, e.Body = x.resp.head.Raw, x.resp.Body
	}
	s.user.Client().Show(e)
}

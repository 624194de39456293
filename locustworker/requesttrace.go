package locustworker

import "context"

// A RequestTracer follows requests on their way: it makes a span of each. Its method
// is safe for concurrent use.
type RequestTracer interface {
	// StartRequest is called before a request is sent, in the goroutine that sends
	// it. ctx is that of the request; requestType and name are those of its row, as
	// far as they are known. nil: the request is not followed.
	StartRequest(ctx context.Context, u *User, requestType, name string) RequestTrace
}

// A RequestTrace follows one request. Its methods are called by one goroutine at a
// time.
type RequestTrace interface {
	// Headers calls set with each header that tells the target about the trace:
	// traceparent, and tracestate and baggage when there are any (W3C Trace Context).
	Headers(set func(key, value string))
	// Attribute notes a fact of the request, by the name that OpenTelemetry's semantic
	// conventions give it. value is a string, an int64 or a bool.
	Attribute(key string, value any)
	// Abort ends the trace of a request of which no sample is recorded, because it was
	// cut off, or never sent. The trace of any other ends with its Sample.
	Abort(err error)
}

// Traced reports whether StartTrace may return a trace: for clients that must compute
// a request's name first.
func (c Client) Traced() bool { return c.user.world.tracer != nil }

// StartTrace begins to follow a request that is about to be sent, or returns nil
// when no tracer does (Config.Tracer). The client sends the trace's Headers with the
// request, notes what it learns as Attributes, and puts the trace into the request's
// Sample, or calls Abort when there is none.
func (c Client) StartTrace(ctx context.Context, requestType, name string) RequestTrace {
	if t := c.user.world.tracer; t != nil {
		return t.StartRequest(ctx, c.user, requestType, name)
	}
	return nil
}

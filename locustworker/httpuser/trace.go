package httpuser

import "strconv"

// startTrace begins to follow the request, and adds the headers that tell the target
// so. The same headers go with each redirect.
func (s *Session) startTrace(x *exchange) {
	x.trace = s.user.Client().StartTrace(x.ctx, x.call.method, x.call.rowName())
	if x.trace == nil {
		return
	}
	x.trace.Headers(func(key, value string) {
		if validHeader(key, value) {
			x.replace(key, value)
		}
	})
	x.trace.Attribute("http.request.method", x.method)
	x.trace.Attribute("url.full", x.peer.scheme()+"://"+x.peer.host+string(x.uri))
	x.trace.Attribute("server.address", x.peer.hostname)
	if port, err := strconv.ParseInt(x.peer.port, 10, 64); err == nil {
		x.trace.Attribute("server.port", port)
	}
}

// abortTrace ends the trace of a request without a sample.
func (x *exchange) abortTrace(err error) {
	if x.trace != nil {
		x.trace.Abort(err)
	}
}

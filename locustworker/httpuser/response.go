package httpuser

import "time"

// A Response is how a request ended. It and everything that it gives out belong
// to the session: they are valid until the session's next request or the end of
// the task, whichever comes first.
type Response struct {
	// StatusCode is the answer's status, 0 when no complete answer came.
	StatusCode int
	// Body is the answer's body, decompressed; nil with Discard and Stream.
	Body []byte
	// Err is nil for a success, else the failure that was recorded.
	Err error
	// Type, Name, Duration and Length are what is recorded: the row, the response
	// time and the length of the body after decompression. Catch may set them.
	Type, Name string
	Duration   time.Duration
	Length     int64

	raw  *answer
	peer *peer // that gave the final answer
}

// OK reports whether the request was recorded as a success.
func (r *Response) OK() bool { return r.Err == nil }

// Header returns the first value of a header of the answer, or "".
func (r *Response) Header(key string) string {
	if r.StatusCode == 0 || r.raw == nil {
		return ""
	}
	return string(r.raw.Header.Peek(key))
}

// HeaderValues returns all values of a header of the answer, such as Set-Cookie.
func (r *Response) HeaderValues(key string) []string {
	if r.StatusCode == 0 || r.raw == nil {
		return nil
	}
	var values []string
	for _, v := range r.raw.Header.PeekAll(key) {
		values = append(values, string(v))
	}
	return values
}

// URL returns the URL of the request that was answered last: where redirects led
// to. It is "" when no complete answer came.
func (r *Response) URL() string {
	if r.StatusCode == 0 || r.peer == nil {
		return ""
	}
	return r.peer.origin + string(r.raw.target)
}

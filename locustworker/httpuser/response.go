package httpuser

import (
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// A Response is how a request ended. It is the caller's to keep, unless the session
// uses its responses again: see Config.ReuseResponses.
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
	// WireLength is the length of the body as it came, before decompression and
	// without the framing of chunks.
	WireLength int64
	// Proto is the protocol of the answer: "HTTP/1.1", "HTTP/1.0" or "HTTP/2.0".
	Proto string

	head   http1.Head
	target []byte
	peer   *peer // that gave the final answer
}

// OK reports whether the request was recorded as a success.
func (r *Response) OK() bool { return r.Err == nil }

// Header returns the first value of a header of the answer, or "".
func (r *Response) Header(key string) string {
	if r.StatusCode == 0 {
		return ""
	}
	value, _ := r.head.Get(key)
	return string(value)
}

// HeaderValues returns all values of a header of the answer, one for each of its
// lines, such as Set-Cookie.
func (r *Response) HeaderValues(key string) []string {
	if r.StatusCode == 0 {
		return nil
	}
	var values []string
	r.head.Each(key, func(value []byte) { values = append(values, string(value)) })
	return values
}

// URL returns the URL of the request that was answered last: where redirects led
// to. It is "" when no complete answer came.
func (r *Response) URL() string {
	if r.StatusCode == 0 || r.peer == nil {
		return ""
	}
	return r.peer.origin + string(r.target)
}

package httpuser

import (
	"encoding/json"
	"fmt"
	"time"
)

// A Response is how a request ended. It and everything that it gives out belong
// to the session: they are valid until the session's next request or the end of
// the task, whichever comes first.
type Response struct {
	// StatusCode is the answer's status, 0 when no complete answer came.
	StatusCode int
	// Body is the answer's body, decompressed.
	Body []byte
	// Err is nil for a success, else the failure that was recorded.
	Err error
	// Duration is the recorded response time.
	Duration time.Duration

	raw *answer
}

// OK reports whether the request was recorded as a success.
func (r *Response) OK() bool { return r.Err == nil }

// Header returns the first value of a header of the answer, or "".
func (r *Response) Header(key string) string {
	if r.StatusCode == 0 {
		return ""
	}
	return string(r.raw.Header.Peek(key))
}

// JSON decodes the body into v. The error's text holds nothing of the body, so
// that it may be returned from Check.
func (r *Response) JSON(v any) error {
	if err := json.Unmarshal(r.Body, v); err != nil {
		return fmt.Errorf("the reply is not the expected JSON: %w", err)
	}
	return nil
}

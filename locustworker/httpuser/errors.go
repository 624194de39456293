package httpuser

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrConfig is wrapped by every error of New.
	ErrConfig = errors.New("httpuser: invalid configuration")

	// ErrRequest is wrapped by the error of a request that could not be built:
	// nothing was sent and nothing recorded.
	ErrRequest = errors.New("httpuser: invalid request")

	// ErrBusy is returned for a request that was started while another one of
	// the same session was running. A session belongs to one goroutine.
	ErrBusy = errors.New("httpuser: the session is in use; give each goroutine a session of its own (Session.Parallel)")

	// ErrClosed is returned for a request that was started after Session.Close.
	ErrClosed = errors.New("httpuser: the session is closed")
)

// An abort is the end of a request of which no sample is recorded.
type abort struct {
	ctx context.Context //nolint:containedctx // only its cause is read, when somebody asks
	cut bool            // a byte of it was sent
}

func (a *abort) Error() string {
	if a.cut {
		return fmt.Sprintf("httpuser: request cut off: %v", context.Cause(a.ctx))
	}
	return fmt.Sprintf("httpuser: request not sent: %v", context.Cause(a.ctx))
}

func (a *abort) Unwrap() error { return context.Cause(a.ctx) }

package httpuser

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/http2"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/coding"
	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// A failure is the text of a failed request in the form of a Python exception's
// repr, as Locust's HttpUser reports it. Python texts that hold byte counts or
// addresses, and so make a row for each failure, have a fixed form here.
type failure string

func (f failure) Error() string { return string(f) }

// ErrorType returns the exception's class: what OpenTelemetry calls error.type.
func (f failure) ErrorType() string { return classOf(string(f)) }

// NetworkError implements locustworker.NetworkError.
func (f failure) NetworkError() {}

var _ locustworker.NetworkError = failure("")

// A verdict is the text of a request that failed by its answer: by its status, or
// by what a check said. What an author of a test wrote is part of it.
type verdict string

func (v verdict) Error() string { return string(v) }

// ErrorType is that of a failure.
func (v verdict) ErrorType() string { return classOf(string(v)) }

// classOf returns the class of an exception's text.
func classOf(text string) string {
	class, _, _ := strings.Cut(text, "(")
	return class
}

// exception is the failure that Python has as an exception of that class.
func exception(class string, args ...any) failure {
	return failure(locustworker.PythonError(class, args...).Error())
}

const (
	errClosed    = failure(`RemoteDisconnected('Remote end closed connection without response')`)
	errShort     = failure(`ChunkedEncodingError('Connection broken: IncompleteRead')`)
	errMalformed = failure(`InvalidHeader('The answer is not valid HTTP')`)
	errTooLarge  = failure(`ContentTooLarge('The body is larger than the limit')`)
	errCancelled = failure(`CancelledError('The request was cancelled by its task')`)
	errDeadline  = failure(`TimeoutError('timed out')`)
	errRedirect  = failure(`InvalidURL('The redirect leads to no http or https URL')`)
)

const errPanic = verdict(`CatchResponseError('the check of the response panicked')`)

// statusFailure is requests' raise_for_status: nil below 400 and from 600 up.
// The url in the text is the row's name, as HttpSession puts it.
func statusFailure(status int, reason []byte, name string) error {
	var kind string
	switch status / 100 {
	case 4:
		kind = "Client"
	case 5:
		kind = "Server"
	default:
		return nil
	}
	text := fmt.Sprintf("%d %s Error: %s for url: %s", status, kind, latin1(reason), name)
	return verdict(exception("HTTPError", text))
}

// latin1 decodes a reason phrase as Python's http.client does.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// checkFailure is the text of a check's error: that of Locust's failure(). nil
// stays nil.
func checkFailure(err error) error {
	if err == nil {
		return nil
	}
	switch err.(type) { //nolint:errorlint // only an untouched verdict keeps its text
	case failure, verdict:
		return err
	}
	return verdict(exception("CatchResponseError", err.Error()))
}

func redirectFailure(limit int) failure {
	return failure(fmt.Sprintf("TooManyRedirects('Exceeded %d redirects.')", limit))
}

// codingFailure is the text for a body whose codings cannot be undone: Python's
// where it was never compressed with gzip, which is the usual case.
func codingFailure(x *exchange, err error) failure {
	var list []string
	x.answer.Each("content-encoding", func(value []byte) { list = append(list, strings.ToLower(string(value))) })
	text := fmt.Sprintf("Received response with content-encoding: %s, but failed to decode it.", strings.Join(list, ", "))
	switch {
	case errors.Is(err, coding.ErrTooLarge):
		return errTooLarge
	case errors.Is(err, coding.ErrHeader):
		return exception("ContentDecodingError", exception("DecodeError", text,
			exception("error", "Error -3 while decompressing data: incorrect header check")))
	}
	return exception("ContentDecodingError", text)
}

// A phase is how far a request has come when it fails.
type phase uint8

const (
	queueing phase = iota // for a connection of the pool
	connecting
	awaiting // the first byte of the answer
	heading  // the rest of its header
	reading  // its body
)

// timeoutFailure is the text of a time-out of limit at peer.
func timeoutFailure(p *peer, at phase, limit time.Duration) failure {
	seconds := strconv.FormatFloat(limit.Seconds(), 'f', -1, 64)
	pool := "HTTPConnectionPool"
	if p.tls {
		pool = "HTTPSConnectionPool"
	}
	pool = fmt.Sprintf("%s(host='%s', port=%s)", pool, p.hostname, p.port)
	switch at {
	case queueing:
		return failure(fmt.Sprintf(`EmptyPoolError("%s: Pool is empty and a new connection can't be opened due to blocking mode.")`, pool))
	case connecting:
		return failure(fmt.Sprintf("ConnectTimeoutError('Connection to %s timed out. (connect timeout=%s)')", p.hostname, seconds))
	case awaiting, heading:
		return failure(fmt.Sprintf(`ReadTimeout(ReadTimeoutError("%s: Read timed out. (read timeout=%s)"))`, pool, seconds))
	default:
		return failure(fmt.Sprintf(`ReadTimeoutError("%s: Read timed out.")`, pool))
	}
}

// isTimeout tells errors that a deadline of ours caused, and not the kernel or a
// name server.
func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// netFailure is the text of any other error of a connection.
func netFailure(p *peer, err error, at phase) failure {
	var (
		dns   *net.DNSError
		errno syscall.Errno
		cert  *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "gaierror(-2, 'Name or service not known')"
	case errors.As(err, &dns):
		return "gaierror(-3, 'Temporary failure in name resolution')"
	case errors.As(err, &errno):
		return errnoFailure(errno)
	case errors.As(err, &cert):
		return exception("SSLCertVerificationError", cert.Err.Error())
	case errors.Is(err, http1.ErrTooLarge):
		return errTooLarge
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrClosedPipe):
		if at == reading {
			return errShort
		}
		return errClosed
	case at == connecting && p.tls:
		return exception("SSLError", err.Error())
	case at == connecting:
		return exception("OSError", err.Error())
	case at == reading:
		return errShort
	}
	return errMalformed
}

// errnoFailure is the repr of Python's OSError for an error number.
func errnoFailure(errno syscall.Errno) failure {
	var class string
	switch errno {
	case syscall.ECONNREFUSED:
		class = "ConnectionRefusedError"
	case syscall.ECONNRESET:
		class = "ConnectionResetError"
	case syscall.ECONNABORTED:
		class = "ConnectionAbortedError"
	case syscall.EPIPE:
		class = "BrokenPipeError"
	case syscall.ETIMEDOUT:
		class = "TimeoutError"
	default:
		class = "OSError"
	}
	text := errno.Error()
	text = strings.ToUpper(text[:1]) + text[1:]
	return exception(class, int(errno), text)
}

// streamFailure is the text for a stream of HTTP/2 that the server has ended, by the
// names of RFC 9113, section 7, or for a connection that has ended.
func streamFailure(err error, at phase) failure {
	var stream http2.StreamError
	switch {
	case errors.As(err, &stream):
		return exception("StreamError", "The server has reset the stream: "+stream.Code.String())
	case errors.Is(err, http1.ErrTooLarge):
		return errTooLarge
	case at == reading:
		return errShort
	}
	return errClosed
}

// answerFailure is netFailure for what the server may have caused, too.
func answerFailure(p *peer, err error, at phase) failure {
	const longest = 80
	switch e := err.(type) { //nolint:errorlint // http1 returns them as they are
	case *http1.StatusLineError:
		return exception("BadStatusLine", latin1(e.Line[:min(len(e.Line), longest)]))
	case *http1.VersionError:
		return exception("UnknownProtocol", latin1([]byte(e.Version[:min(len(e.Version), longest)])))
	case *http1.LengthError:
		return exception("InvalidHeader", exception("InvalidHeader", latin1([]byte("Content-Length contained multiple unmatching values ("+
			e.Values[:min(len(e.Values), longest)]+")"))))
	}
	return netFailure(p, err, at)
}

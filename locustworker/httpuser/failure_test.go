package httpuser_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// The texts are what HttpUser of Locust 2.47.0 reports in the same situation,
// where they can be the same (see the table in TestTextsAreLocusts).
//
// Conformance: P5, P6
// Conformance (closed): P11
// Conformance (garbage): P12
// Conformance (reset): P11
// Conformance (short body): P12
func TestAnswersThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		reset  bool // end with a RST instead of a FIN
		status int
		length int64
		want   string
	}{
		"closed":             {want: "RemoteDisconnected('Remote end closed connection without response')"},
		"reset":              {reset: true, want: "ConnectionResetError(104, 'Connection reset by peer')"},
		"garbage":            {answer: "GARBAGE\r\n\r\n", want: `BadStatusLine('GARBAGE\r\n')`},
		"long garbage":       {answer: strings.Repeat("x", 5000), want: "BadStatusLine('" + strings.Repeat("x", 80) + "')"},
		"garbage status":     {answer: "HTTP/1.1 abc OK\r\n\r\n", want: `BadStatusLine('HTTP/1.1 abc OK\r\n')`},
		"half a header":      {answer: "HTTP/1.1 200 OK\r\nConte", want: "RemoteDisconnected('Remote end closed connection without response')"},
		"short body":         {answer: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", want: "ChunkedEncodingError('Connection broken: IncompleteRead')"},
		"short chunk":        {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", want: "ChunkedEncodingError('Connection broken: IncompleteRead')"},
		"bad chunk":          {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", want: "ChunkedEncodingError('Connection broken: IncompleteRead')"},
		"bad gzip":           {answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", want: "ContentDecodingError(DecodeError('Received response with content-encoding: gzip, but failed to decode it.', error('Error -3 while decompressing data: incorrect header check')))"},
		"broken gzip":        {answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8bcd", want: "ContentDecodingError('Received response with content-encoding: gzip, but failed to decode it.')"},
		"endless interim":    {answer: strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 20), want: "InvalidHeader('The answer is not valid HTTP')"},
		"404":                {answer: "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", status: 404, length: 3, want: "HTTPError('404 Client Error: Not Found for url: /n')"},
		"reason of its own":  {answer: "HTTP/1.1 499 It's \"me\"\r\nContent-Length: 0\r\n\r\n", status: 499, want: `HTTPError('499 Client Error: It\'s "me" for url: /n')`},
		"reason not ASCII":   {answer: "HTTP/1.1 404 gevond\xc3\xa9n\r\nContent-Length: 0\r\n\r\n", status: 404, want: "HTTPError('404 Client Error: gevondÃ©n for url: /n')"},
		"no reason":          {answer: "HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", status: 503, want: "HTTPError('503 Server Error:  for url: /n')"},
		"999":                {answer: "HTTP/1.1 999 X\r\nContent-Length: 3\r\n\r\nabc", status: 999, length: 3},
		"300":                {answer: "HTTP/1.1 300 X\r\nContent-Length: 3\r\n\r\nabc", status: 300, length: 3},
		"302 to nowhere":     {answer: "HTTP/1.1 302 X\r\nContent-Length: 3\r\n\r\nabc", status: 302, length: 3},
		"304":                {answer: "HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\n", status: 304},
		"204":                {answer: "HTTP/1.1 204 X\r\n\r\n", status: 204},
		"interim":            {answer: "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", status: 200, length: 3},
		"until closed":       {answer: "HTTP/1.0 200 OK\r\n\r\nabc", status: 200, length: 3},
		"chunked, trailer":   {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n", status: 200, length: 3},
		"header of 100 kB":   {answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 100_000) + "\r\nContent-Length: 3\r\n\r\nabc", status: 200, length: 3},
		"header of 1 MB":     {answer: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1_000_000) + "\r\nContent-Length: 3\r\n\r\nabc", want: "InvalidHeader('The answer is not valid HTTP')"},
		"body above limit":   {answer: "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", want: "ContentTooLarge('The body is larger than the limit')"},
		"chunks above limit": {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + strings.Repeat("x", 1001) + "\r\n0\r\n\r\n", want: "ContentTooLarge('The body is larger than the limit')"},
	} {
		t.Run(name, func(t *testing.T) {
			host := serveRaw(t, func(_ int, conn net.Conn, next func() bool) {
				next()
				io.WriteString(conn, c.answer)
				if c.reset {
					conn.(*net.TCPConn).SetLinger(0)
				}
			})
			r := newRig(t, host, httpuser.Config{MaxBody: 1000}, 0)
			resp := must(t)(r.Get(r.user.Context(), "/x?y=1", httpuser.Name("/n")))
			s := r.last(t, 1)
			if text(s.Err) != c.want || resp.StatusCode != c.status || s.Length != c.length || text(resp.Err) != c.want {
				t.Errorf("recorded %+v of status %d, want %q, status %d, length %d", s, resp.StatusCode, c.want, c.status, c.length)
			}
		})
	}
}

// Conformance (TLS unverified): P20
// Conformance (no such name): P8
// Conformance (refused): P7
func TestConnectionsThatFail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String()
	l.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // what follows is meant to fail
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := serve(t, echo)
	for name, c := range map[string]struct {
		host string
		cfg  httpuser.Config
		want string // its beginning
	}{
		"refused":          {closed, httpuser.Config{}, "ConnectionRefusedError(111, 'Connection refused')"},
		"no such name":     {"http://h", httpuser.Config{Dial: failing(&net.DNSError{IsNotFound: true})}, "gaierror(-2, 'Name or service not known')"},
		"no name server":   {"http://h", httpuser.Config{Dial: failing(&net.DNSError{IsTemporary: true})}, "gaierror(-3, 'Temporary failure in name resolution')"},
		"name time-out":    {"http://h", httpuser.Config{Dial: failing(&net.DNSError{IsTimeout: true})}, "gaierror(-3, 'Temporary failure in name resolution')"},
		"no route":         {"http://h", httpuser.Config{Dial: failing(&net.OpError{Err: os.NewSyscallError("connect", syscall.EHOSTUNREACH)})}, "OSError(113, 'No route to host')"},
		"too many files":   {"http://h", httpuser.Config{Dial: failing(&net.OpError{Err: os.NewSyscallError("socket", syscall.EMFILE)})}, "OSError(24, 'Too many open files')"},
		"kernel time-out":  {"http://h", httpuser.Config{Dial: failing(&net.OpError{Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)})}, "TimeoutError(110, 'Connection timed out')"},
		"anything else":    {"http://h", httpuser.Config{Dial: failing(errors.New("it's odd"))}, `OSError("it's odd")`},
		"TLS unverified":   {secure.URL, httpuser.Config{}, ""},
		"TLS verified":     {secure.URL, httpuser.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, "SSLCertVerificationError("},
		"TLS to plain":     {strings.Replace(plain.URL, "http:", "https:", 1), httpuser.Config{}, "SSLError("},
		"plain to TLS":     {strings.Replace(secure.URL, "https:", "http:", 1), httpuser.Config{}, "HTTPError('400 Client Error: Bad Request for url: /')"},
		"TLS version":      {secure.URL, httpuser.Config{TLS: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS10, MinVersion: tls.VersionTLS10}}, "SSLError("},
		"own server name":  {secure.URL, httpuser.Config{TLS: &tls.Config{RootCAs: roots(secure), ServerName: "example.com"}}, ""},
		"other name in it": {secure.URL, httpuser.Config{TLS: &tls.Config{RootCAs: roots(secure), ServerName: "other.invalid"}}, "SSLCertVerificationError("},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.host, c.cfg, 0)
			resp := must(t)(r.Get(r.user.Context(), "/"))
			s := r.last(t, 1)
			if got := text(s.Err); c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || text(resp.Err) != got {
				t.Errorf("recorded %q, want %q", got, c.want)
			}
		})
	}
}

// failing dials in vain.
func failing(err error) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) { return nil, err }
}

// A body that the server stops reading: its answer counts, if there is one.
func TestAnswerBeforeTheBodyWasRead(t *testing.T) {
	host := serveRaw(t, func(_ int, c net.Conn, _ func() bool) {
		io.ReadFull(c, make([]byte, 100))
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	})
	r := newRig(t, host, httpuser.Config{}, 0)
	resp := must(t)(r.Post(r.user.Context(), "/", httpuser.Name("n"), httpuser.Body(make([]byte, 8<<20), "x/y")))
	if s := r.last(t, 1); resp.StatusCode != http.StatusRequestEntityTooLarge || text(s.Err) != "HTTPError('413 Client Error: Content Too Large for url: n')" {
		t.Errorf("recorded %+v of status %d", s, resp.StatusCode)
	}
}

func TestStaleConnectionsAreReplaced(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, c := range map[string]struct {
		opts  []httpuser.Option
		reset bool
	}{
		"closed":         {},
		"reset":          {reset: true},
		"closed, body":   {opts: []httpuser.Option{httpuser.Body([]byte("hello"), "text/plain")}},
		"closed, 1 MB":   {opts: []httpuser.Option{httpuser.Body(make([]byte, 1<<20), "text/plain")}},
		"reset, a MB in": {opts: []httpuser.Option{httpuser.Body(make([]byte, 1<<20), "text/plain")}, reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			closed, conns := make(chan struct{}, 10), make(chan int, 10)
			host := serveRaw(t, func(n int, conn net.Conn, next func() bool) {
				conns <- n
				next()
				io.WriteString(conn, answer)
				if n == 1 { // closes after its first answer, without saying so
					if c.reset {
						conn.(*net.TCPConn).SetLinger(0)
					}
					conn.Close()
					closed <- struct{}{}
					return
				}
				for next() {
					io.WriteString(conn, answer)
				}
			})
			r := newRig(t, host, httpuser.Config{}, 0)
			ctx := r.user.Context()
			must(t)(r.Post(ctx, "/", c.opts...))
			recv(t, closed)
			for i := range 3 {
				if resp := must(t)(r.Post(ctx, "/", c.opts...)); !resp.OK() || string(resp.Body) != "ok" {
					t.Errorf("request %d: %v %q", i, resp.Err, resp.Body)
				}
			}
			r.last(t, 4)
			if len(conns) != 2 {
				t.Errorf("%d connections, want 2", len(conns))
			}
		})
	}
}

func TestOnlyStaleConnectionsAreReplaced(t *testing.T) {
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for name, c := range map[string]struct {
		then  string // what the server sends to the second request, before it closes
		want  string
		conns int
	}{
		"always closed":     {"", "RemoteDisconnected('Remote end closed connection without response')", 1},
		"one byte came":     {"H", "RemoteDisconnected('Remote end closed connection without response')", 1},
		"half an answer":    {answer[:len(answer)-1], "ChunkedEncodingError('Connection broken: IncompleteRead')", 1},
		"closed and said":   {strings.Replace(answer, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1), "", 1},
		"more than one":     {answer + answer, "", 1},
		"not even the last": {"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", "HTTPError('503 Server Error: X for url: /')", 1},
	} {
		t.Run(name, func(t *testing.T) {
			conns := make(chan int, 10)
			host := serveRaw(t, func(n int, conn net.Conn, next func() bool) {
				conns <- n
				if next(); n == 1 {
					io.WriteString(conn, answer)
					next()
				}
				io.WriteString(conn, c.then)
			})
			r := newRig(t, host, httpuser.Config{}, 0)
			must(t)(r.Get(r.user.Context(), "/"))
			resp := must(t)(r.Get(r.user.Context(), "/"))
			if s := r.last(t, 2); text(s.Err) != c.want || text(resp.Err) != c.want {
				t.Errorf("recorded %+v, want %q", s, c.want)
			}
			if len(conns) != c.conns {
				t.Errorf("%d connections, want %d", len(conns), c.conns)
			}
		})
	}
}

// Two answers to one request: the second must not be taken for that of the next.
func TestAConnectionOutOfStepIsClosed(t *testing.T) {
	host := serveRaw(t, func(n int, conn net.Conn, next func() bool) {
		for next() {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"+string(rune('0'+n))+"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
		}
	})
	r := newRig(t, host, httpuser.Config{}, time.Second)
	for _, want := range []string{"1", "2", "3"} {
		if resp := must(t)(r.Get(r.user.Context(), "/")); string(resp.Body) != want {
			t.Errorf("body %q, want %q", resp.Body, want)
		}
	}
}

package httpuser

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// Each case is served to Locust's own HttpUser and to a session, which must
// record the same: one row in the failures table, whoever sent it.
//
// Conformance: P6
// Conformance (half a body): P10
// Conformance (loop): P13
// Conformance (refused): P7
// Conformance (silent): P9
func TestRecordedAsByHttpUser(t *testing.T) {
	const ample, short = 20 * time.Second, 300 * time.Millisecond
	wait := make(chan struct{})
	answer := func(text string) func(net.Conn) {
		return func(c net.Conn) { io.WriteString(c, text) }
	}
	late := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			io.WriteString(c, text)
			<-wait
		}
	}
	cases := map[string]func(net.Conn){
		"ok":            answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
		"404":           answer("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc"),
		"own reason":    answer("HTTP/1.1 499 It's \"me\"\r\nContent-Length: 3\r\n\r\nabc"),
		"no reason":     answer("HTTP/1.1 503\r\nContent-Length: 3\r\n\r\nabc"),
		"other letters": answer("HTTP/1.1 404 gevond\xc3\xa9n\r\nContent-Length: 0\r\n\r\n"),
		"999":           answer("HTTP/1.1 999 X\r\nContent-Length: 3\r\n\r\nabc"),
		"300":           answer("HTTP/1.1 300 X\r\nContent-Length: 3\r\n\r\nabc"),
		"304":           answer("HTTP/1.1 304 X\r\n\r\n"),
		"204":           answer("HTTP/1.1 204 X\r\n\r\n"),
		"loop":          answer("HTTP/1.1 302 Found\r\nLocation: /again\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab"),
		"closed":        answer(""),
		"reset":         func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) },
		"garbage":       answer("GARBAGE\r\n\r\n"),
		"silent":        late(""),
		"half a header": late("HTTP/1.1 200 OK\r\nContent-"),
		"half a body":   late("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
	}
	requests := map[string]pyRequest{"refused": {refusing(t), ample.Seconds()}}
	for name, end := range cases {
		requests[name] = pyRequest{serveOnce(t, end), ample.Seconds()}
	}
	for _, name := range []string{"silent", "half a header", "half a body"} {
		requests[name] = pyRequest{requests[name][0], short.Seconds()}
	}
	t.Cleanup(func() { close(wait) })

	recordedAlike(t, "requests", requests, (*Session).Do)
}

type pyRequest [2]any // URL and seconds, for Python

// recordedAlike makes the requests by a command of texts.py and by do, and
// compares what is recorded.
func recordedAlike(t *testing.T, command string, requests map[string]pyRequest, do func(*Session, context.Context, string, string, ...Option) (*Response, error)) {
	t.Helper()
	var want map[string][3]any
	python(t, command, requests, &want)
	for name, request := range requests {
		var got [3]any
		if text, ok := want[name][2].(string); ok { // where Python's parser says more
			want[name] = [3]any{want[name][0], want[name][1], parserMessage.ReplaceAllString(text, "${1}the body is not JSON$2")}
		}
		user := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
			Host:   "http://unused.invalid",
			Record: func(s locustworker.Sample) { got[1], got[2] = float64(s.Length), recordedText(s.Err) },
		})
		s, err := New(user, Config{Timeout: time.Duration(request[1].(float64) * float64(time.Second))})
		if err != nil {
			t.Fatal(err)
		}
		r, err := do(s, user.Context(), "GET", request[0].(string), Name("/n"))
		if err != nil {
			t.Fatal(err)
		}
		if got[0] = float64(r.StatusCode); got != want[name] {
			t.Errorf("%s: recorded %v, by HttpUser %v", name, got, want[name])
		}
	}
}

// parserMessage is the text of a body that is not JSON, with that of Python's parser.
var parserMessage = regexp.MustCompile(`(Could not parse response as JSON.*, response code \d+, error ).*(['"]\))$`)

func recordedText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// serveOnce reads one request of each connection, calls end and closes it.
func serveOnce(t *testing.T, end func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					end(c)
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return fmt.Sprintf("http://%s/x?y=1", l.Addr())
}

// refusing is a URL to which nobody listens.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprintf("http://%s/", l.Addr())
}

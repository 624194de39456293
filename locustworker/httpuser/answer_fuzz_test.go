package httpuser

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// A scriptedConn is a connection whose other side says the same to every request
// and then closes.
type scriptedConn struct {
	net.Conn
	answer []byte
}

func (c *scriptedConn) Write(p []byte) (int, error)   { return len(p), nil }
func (c *scriptedConn) Close() error                  { return nil }
func (c *scriptedConn) SetDeadline(t time.Time) error { return nil }

func (c *scriptedConn) Read(p []byte) (int, error) {
	if len(c.answer) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

// Whatever a server answers: one sample, no panic, and what is told to the caller
// is what was recorded.
//
// Conformance: P12
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "H", "GARBAGE\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 404\r\n\r\nabc", "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: %zz://\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00",
		"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
		"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Domain=x; Max-Age=-1\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\nx",
		"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 4\r\n\r\nabcd",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\n{\"a\": 1",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var recorded []locustworker.Sample
		u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
			Host: "http://h", Record: func(s locustworker.Sample) { recorded = append(recorded, s) },
			Cut: func() { t.Error("cut") },
		})
		dial := func(context.Context, string, string) (net.Conn, error) {
			return &scriptedConn{answer: answer}, nil
		}
		s, err := New(u, Config{Dial: dial, MaxBody: 1 << 16, MaxRedirects: 3})
		if err != nil {
			t.Fatal(err)
		}
		readAll := Stream(func(_ *Response, body io.Reader) error {
			_, err := io.Copy(io.Discard, body)
			return err
		})
		readOne := Stream(func(_ *Response, body io.Reader) error {
			_, err := body.Read(make([]byte, 1))
			return err
		})
		for _, opts := range [][]Option{nil, nil, {Discard()}, {readAll}, {readOne}, {func(c *call) { c.rest = true }}} {
			recorded = nil
			r, err := s.Get(u.Context(), "/", opts...)
			if err != nil || len(recorded) != 1 {
				t.Fatalf("%q: %d samples (%v)", answer, len(recorded), err)
			}
			got := recorded[0]
			if !errors.Is(got.Err, r.Err) || got.Length != r.Length || r.Body != nil && r.Length != int64(len(r.Body)) || r.StatusCode == 0 && (r.Err == nil || r.Body != nil || r.Length != 0) {
				t.Errorf("%q: recorded %+v, told %+v", answer, got, r)
			}
		}
	})
}

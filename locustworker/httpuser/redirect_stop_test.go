package httpuser_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// A request whose redirect was answered before the user's stop goes on within
// the drain timeout, but opens no new connection: it is recorded or cut, once.
func TestStopBetweenRedirects(t *testing.T) {
	for name, c := range map[string]struct {
		location      string
		hop           time.Duration // what each answer takes
		samples, cuts int
		at            time.Duration
	}{
		"same server, in time":  {"/end", 300 * time.Millisecond, 1, 0, 600 * time.Millisecond},
		"same server, too late": {"/end", 900 * time.Millisecond, 0, 1, 1200 * time.Millisecond},
		"another server":        {"http://other/end", 300 * time.Millisecond, 0, 1, 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
					if ctx.Err() != nil {
						return nil, ctx.Err()
					}
					client, server := net.Pipe()
					go redirecting(server, c.location, c.hop)
					return client, nil
				}
				r := newRig(t, "http://h", httpuser.Config{Dial: dial}, time.Second)
				time.AfterFunc(200*time.Millisecond, func() { r.kill(errStopped) })
				start := time.Now()
				_, err := r.Get(r.user.Context(), "/")
				if took := time.Since(start); took != c.at {
					t.Errorf("it took %v, want %v", took, c.at)
				}
				if samples, cuts := r.counts(); samples != c.samples || cuts != c.cuts || c.cuts > 0 != errors.Is(err, errStopped) {
					t.Errorf("%d samples, %d cuts, %v; want %d and %d", samples, cuts, err, c.samples, c.cuts)
				}
				time.Sleep(time.Minute) // the server finds its connection closed
			})
		})
	}
}

// redirecting answers every path but /end with a redirect to location.
func redirecting(server net.Conn, location string, takes time.Duration) {
	defer server.Close()
	br := bufio.NewReader(server)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		time.Sleep(takes)
		answer := fmt.Sprintf("HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", location)
		if req.URL.Path == "/end" {
			answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		}
		if _, err := io.WriteString(server, answer); err != nil {
			return
		}
	}
}

func TestEachServerHasAConnection(t *testing.T) {
	conns := map[string]int{}
	count := func(w http.ResponseWriter, r *http.Request) { conns[r.RemoteAddr]++ }
	a, b := serve(t, count), serve(t, count)
	r := newRig(t, a.URL, httpuser.Config{}, 0)
	for range 5 {
		for _, url := range []string{"/", a.URL + "/x", b.URL + "/y"} {
			if resp := must(t)(r.Get(r.user.Context(), url)); !resp.OK() {
				t.Fatal(resp.Err)
			}
		}
	}
	if len(conns) != 2 {
		t.Errorf("%d connections to two servers", len(conns))
	}
}

// More servers than are remembered: the connections to those forgotten are
// closed, which the servers' Close would wait for.
func TestForgottenServersLoseTheirConnection(t *testing.T) {
	r := newRig(t, "http://unused", httpuser.Config{}, 0)
	closed := make(chan string, 100)
	for range 15 {
		host := serveRaw(t, func(_ int, c net.Conn, next func() bool) {
			for next() {
				io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
			}
			closed <- c.LocalAddr().String()
		})
		if resp := must(t)(r.Get(r.user.Context(), host)); !resp.OK() {
			t.Fatal(resp.Err)
		}
	}
	for range 5 {
		recv(t, closed)
	}
}

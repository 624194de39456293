package httpuser_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

const pong = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong"

// What a server sends after its answer, while the connection is idle, is not the
// answer to the next request: another connection is dialled, over TLS too, with
// and without a pool, and the request is sent once.
func TestConnectionsThatAreNotClean(t *testing.T) {
	for name, c := range map[string]struct {
		after string // what follows the answer
		close bool
	}{
		"408 and closed":      {"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true},
		"408":                 {"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", false},
		"stray bytes":         {"\r\n", false},
		"a second last chunk": {"0\r\n\r\n", false},
		"closed":              {"", true},
	} {
		for _, secure := range []bool{false, true} {
			for _, pooled := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, TLS %v, pool %v", name, secure, pooled), func(t *testing.T) {
					notClean(t, c.after, c.close, secure, pooled)
				})
			}
		}
	}
}

func notClean(t *testing.T, after string, closes, secure, pooled bool) {
	t.Helper()
	var served atomic.Int64
	idle, said := make(chan struct{}), make(chan struct{})
	host := serveConn(t, secure, func(n int, c net.Conn, next func() bool) {
		for i := 1; next(); i++ {
			served.Add(1)
			io.WriteString(c, pong)
			if n == 1 && i == 1 {
				<-idle
				io.WriteString(c, after)
				if closes {
					c.Close()
				}
				close(said)
				if closes {
					return
				}
			}
		}
	})
	cfg := httpuser.Config{}
	if pooled {
		cfg.Pool = httpuser.NewPool(httpuser.PoolConfig{MaxConns: 1})
	}
	r := newRig(t, host, cfg, 0)
	must(t)(r.Get(r.user.Context(), "/"))
	close(idle)
	recv(t, said)
	for i := range 2 {
		if resp := must(t)(r.Post(r.user.Context(), "/", httpuser.Body([]byte("x"), ""))); !resp.OK() || string(resp.Body) != "pong" {
			t.Errorf("request %d: %d %q %v", i, resp.StatusCode, resp.Body, resp.Err)
		}
	}
	r.last(t, 3)
	if n := served.Load(); n != 3 {
		t.Errorf("%d requests were served, 3 recorded", n)
	}
}

// serveConn is serveRaw, perhaps over TLS.
func serveConn(t *testing.T, secure bool, handle func(n int, c net.Conn, next func() bool)) string {
	t.Helper()
	if !secure {
		return serveRaw(t, handle)
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.StartTLS()
	cert := srv.TLS.Certificates
	srv.Close()
	host := serveRawOver(t, func(c net.Conn) net.Conn {
		return tls.Server(c, &tls.Config{Certificates: cert, MinVersion: tls.VersionTLS12})
	}, handle)
	return strings.Replace(host, "http:", "https:", 1)
}

// A request that a server has read is never sent again, whatever its method: one
// served, one failed sample.
func TestARequestIsNeverSentTwice(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE"} {
		for _, reset := range []bool{false, true} {
			var served atomic.Int64
			host := serveRaw(t, func(_ int, c net.Conn, next func() bool) {
				for next() {
					if served.Add(1) > 1 {
						if reset {
							c.(*net.TCPConn).SetLinger(0)
						}
						return
					}
					io.WriteString(c, strings.Replace(pong, "pong", "", 1)[:len(pong)-4])
					if method != "HEAD" {
						io.WriteString(c, "pong")
					}
				}
			})
			r := newRig(t, host, httpuser.Config{}, 0)
			must(t)(r.Do(r.user.Context(), method, "/"))
			resp := must(t)(r.Do(r.user.Context(), method, "/"))
			want := "RemoteDisconnected('Remote end closed connection without response')"
			if reset {
				want = "ConnectionResetError(104, 'Connection reset by peer')"
			}
			if s := r.last(t, 2); text(s.Err) != want || text(resp.Err) != want || served.Load() != 2 {
				t.Errorf("%s, reset %v: %d served, recorded %v", method, reset, served.Load(), s.Err)
			}
		}
	}
}

// From http to https of the same host on the usual ports Authorization is kept, as
// requests does; another host or port loses it, and does not get it back.
func TestAuthorizationAcrossRedirects(t *testing.T) {
	const secret = "Basic dTpw"
	type step struct{ location, want string }
	for name, c := range map[string]struct {
		host  string
		steps []step // each answer's Location, and the Authorization of the request after it
	}{
		"to https":        {"http://u:p@a", []step{{"https://a/", secret}}},
		"to http":         {"https://u:p@a", []step{{"http://a/", ""}}},
		"to https, :8443": {"http://u:p@a", []step{{"https://a:8443/", ""}}},
		"another port":    {"http://u:p@a", []step{{"http://a:81/", ""}}},
		"the same port":   {"http://u:p@a", []step{{"http://A:80/x", secret}}},
		"another host":    {"http://u:p@a", []step{{"http://b/", ""}}},
		"and back":        {"http://u:p@a", []step{{"http://b/", ""}, {"http://a/", ""}}},
		"with one's own":  {"http://u:p@a", []step{{"http://x:y@b/", ""}}},
		"relative":        {"http://u:p@a", []step{{"/x", secret}, {"//a/y", secret}}},
	} {
		var got []string
		dial := redirectingDial(t, func(r *http.Request) string {
			got = append(got, r.Header.Get("Authorization"))
			if i := len(got) - 1; i < len(c.steps) {
				return c.steps[i].location
			}
			return ""
		})
		r := newRig(t, c.host, httpuser.Config{Dial: dial}, 0)
		must(t)(r.Get(r.user.Context(), "/"))
		want := []string{secret}
		for _, s := range c.steps {
			want = append(want, s.want)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: sent %q, want %q", name, got, want)
		}
	}
}

// International host names are looked up in punycode.
func TestInternationalHosts(t *testing.T) {
	var hosts []string
	dial := redirectingDial(t, func(r *http.Request) string {
		hosts = append(hosts, r.Host)
		if len(hosts) == 1 {
			return "http://Straße.example/x"
		}
		return ""
	})
	r := newRig(t, "http://BÜCHER.example", httpuser.Config{Dial: dial}, 0)
	must(t)(r.Get(r.user.Context(), "/"))
	if fmt.Sprint(hosts) != "[xn--bcher-kva.example xn--strae-oqa.example]" {
		t.Errorf("sent to %q", hosts)
	}
}

// redirectingDial leads every connection, with TLS for port 443 and 8443, to a
// server that redirects to what location says, if anything.
func redirectingDial(t *testing.T, location func(r *http.Request) string) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := location(r); to != "" {
			w.Header()["Location"] = []string{to}
			w.WriteHeader(http.StatusFound)
		}
	})
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		to := plain.Listener.Addr().String()
		if strings.HasSuffix(address, "443") {
			to = secure.Listener.Addr().String()
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}
}

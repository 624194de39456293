package httpuser_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// A rig is one user with its session and all that it recorded.
type rig struct {
	*httpuser.Session
	user *locustworker.User
	kill context.CancelCauseFunc

	mu      sync.Mutex
	samples []locustworker.Sample
	cuts    int
}

// newRig makes a user of host that ends with the test.
func newRig(t testing.TB, host string, cfg httpuser.Config, drain time.Duration) *rig {
	t.Helper()
	ctx, kill := context.WithCancelCause(context.Background())
	t.Cleanup(func() { kill(nil) })
	r := &rig{kill: kill}
	r.user = locustworker.NewStandaloneUser(ctx, locustworker.StandaloneConfig{
		Host: host, DrainTimeout: drain,
		Record: func(s locustworker.Sample) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.samples = append(r.samples, s)
		},
		Cut: func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.cuts++
		},
	})
	s, err := httpuser.New(r.user, cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Session = s
	return r
}

// counts returns how many samples and cuts there were.
func (r *rig) counts() (samples, cuts int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.samples), r.cuts
}

// last returns the newest sample; there must be n in all, and no cut.
func (r *rig) last(t testing.TB, n int) locustworker.Sample {
	t.Helper()
	if samples, cuts := r.counts(); samples != n || cuts != 0 {
		t.Fatalf("%d samples and %d cuts recorded, want %d and 0", samples, cuts, n)
	}
	return r.samples[n-1]
}

// must fails the test when a request was not recorded.
func must(t testing.TB) func(*httpuser.Response, error) *httpuser.Response {
	return func(r *httpuser.Response, err error) *httpuser.Response {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// serve starts an HTTP server for the test.
func serve(t testing.TB, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// serveRaw starts a TCP server that hands each connection, counted from 1, to
// handle, which reads requests by next. It closes what handle leaves open.
func serveRaw(t testing.TB, handle func(n int, c net.Conn, next func() bool)) (host string) {
	t.Helper()
	return serveRawOver(t, func(c net.Conn) net.Conn { return c }, handle)
}

// serveRawOver is serveRaw over what wrap makes of each connection.
func serveRawOver(t testing.TB, wrap func(net.Conn) net.Conn, handle func(n int, c net.Conn, next func() bool)) (host string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for n := 1; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			c = wrap(c)
			wg.Go(func() {
				defer c.Close()
				br := bufio.NewReader(c)
				handle(n, c, func() bool {
					r, err := http.ReadRequest(br)
					if err != nil {
						return false
					}
					buf := make([]byte, 1024)
					for {
						if _, err := r.Body.Read(buf); err != nil {
							return err.Error() == "EOF"
						}
					}
				})
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

// statusServer says the same to every request.
func statusServer(answer string) func(int, net.Conn, func() bool) {
	return func(_ int, c net.Conn, next func() bool) {
		for next() {
			io.WriteString(c, answer)
		}
	}
}

// recv waits for a value from ch.
func recv[T any](t testing.TB, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came in time")
		panic("unreachable")
	}
}

// roots trusts a test server's certificate.
func roots(srv *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return pool
}

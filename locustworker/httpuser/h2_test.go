package httpuser_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// serveH2 starts a server that speaks HTTP/2, over TLS or not.
func serveH2(t *testing.T, secure bool, h http.HandlerFunc) (host string, protocol httpuser.Protocol) {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	t.Cleanup(srv.Close)
	if secure {
		srv.EnableHTTP2 = true
		srv.StartTLS()
		return srv.URL, httpuser.HTTP2
	}
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	return srv.URL, httpuser.H2C
}

func TestHTTP2(t *testing.T) {
	for _, secure := range []bool{true, false} {
		for _, pool := range []*httpuser.Pool{nil, httpuser.NewPool(httpuser.PoolConfig{})} {
			var mu sync.Mutex
			remotes := map[string]bool{}
			host, protocol := serveH2(t, secure, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				remotes[r.RemoteAddr+r.Proto] = true
				mu.Unlock()
				switch r.URL.Path {
				case "/redirect":
					http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1", Path: "/"})
					http.Redirect(w, r, "/echo?a=[1]", http.StatusTemporaryRedirect)
				case "/gzip":
					w.Header().Set("Content-Encoding", "gzip")
					w.Write(httpuser.Encodings(t, []byte("packed"))["gzip"])
				case "/404":
					http.NotFound(w, r)
				default:
					body, _ := io.ReadAll(r.Body)
					fmt.Fprintf(w, "%s %s %s %s %s %s", r.Proto, r.Method, r.RequestURI, body, r.Header.Get("Cookie"), r.Header.Get("X-Own"))
				}
			})
			r := newRig(t, host, httpuser.Config{Protocol: protocol, Pool: pool}, 0)
			for _, c := range []struct {
				method, path, body, want string
				status                   int
			}{
				{"GET", "/echo", "", "HTTP/2.0 GET /echo   own", 200},
				{"POST", "/redirect", "form", "HTTP/2.0 POST /echo?a=%5B1%5D form sid=1 own", 200},
				{"GET", "/gzip", "", "packed", 200},
				{"HEAD", "/echo", "", "", 200},
				{"GET", "/404", "", "404 page not found\n", 404},
			} {
				resp := must(t)(r.Do(r.user.Context(), c.method, c.path, httpuser.Header("x-own", "own"), httpuser.Body([]byte(c.body), "")))
				if string(resp.Body) != c.want || resp.StatusCode != c.status || resp.Proto != "HTTP/2.0" {
					t.Errorf("%s %s: %d %s %q, want %q", c.method, c.path, resp.StatusCode, resp.Proto, resp.Body, c.want)
				}
			}
			var functions []func(*httpuser.Session) error
			for range 8 {
				functions = append(functions, func(s *httpuser.Session) error { return only(s.Get(r.user.Context(), "/echo")) })
			}
			if err := r.Parallel(functions...); err != nil {
				t.Error(err)
			}
			r.last(t, 13)
			if len(remotes) != 1 {
				t.Errorf("secure %v: connections %v for one user", secure, remotes)
			}
			r.kill(errStopped)
		}
	}
}

// A server that chooses HTTP/1.1 gets that, and one without TLS.
func TestHTTP2WhereThereIsNone(t *testing.T) {
	proto := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }
	secure := httptest.NewTLSServer(http.HandlerFunc(proto))
	t.Cleanup(secure.Close)
	for _, host := range []string{secure.URL, serve(t, proto).URL} {
		r := newRig(t, host, httpuser.Config{Protocol: httpuser.HTTP2}, 0)
		for range 2 {
			if resp := must(t)(r.Get(r.user.Context(), "/")); string(resp.Body) != "HTTP/1.1" || resp.Proto != "HTTP/1.1" {
				t.Errorf("%s: %q %s %v", host, resp.Body, resp.Proto, resp.Err)
			}
		}
	}
	if _, err := httpuser.New(newRig(t, secure.URL, httpuser.Config{}, 0).user, httpuser.Config{Protocol: 9}); !errors.Is(err, httpuser.ErrConfig) {
		t.Errorf("an unknown protocol: %v", err)
	}
}

// Served = recorded + cut, when users are killed at any moment of a request.
func TestHTTP2ServedIsRecordedPlusCut(t *testing.T) {
	for _, pooled := range []bool{false, true} {
		cfg := httpuser.Config{Protocol: httpuser.H2C}
		if pooled {
			cfg.Pool = httpuser.NewPool(httpuser.PoolConfig{})
		}
		served, recorded, cut := killing{
			users: 50, killedAt: 300, lasts: 10 * time.Millisecond, hangs: func(n int64) bool { return n%7 == 0 }, cfg: cfg, h2c: true,
		}.run(t)
		if served != recorded+cut || recorded == 0 || cut == 0 {
			t.Errorf("pooled %v: %d served, %d recorded, %d cut", pooled, served, recorded, cut)
		}
	}
}

func TestHTTP2Limits(t *testing.T) {
	release := make(chan struct{})
	host, protocol := serveH2(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Write(make([]byte, 2000))
			return
		}
		<-release
	})
	defer close(release)
	r := newRig(t, host, httpuser.Config{Protocol: protocol, MaxBody: 1000}, time.Millisecond)
	for path, want := range map[string]string{
		"/large":  "ContentTooLarge('The body is larger than the limit')",
		"/silent": fmt.Sprintf(`ReadTimeout(ReadTimeoutError("HTTPConnectionPool(host='127.0.0.1', port=%s): Read timed out. (read timeout=0.05)"))`, host[len("http://127.0.0.1:"):]),
	} {
		opts := []httpuser.Option{}
		if path == "/silent" {
			opts = append(opts, httpuser.Timeout(50*time.Millisecond))
		}
		if resp := must(t)(r.Get(r.user.Context(), path, opts...)); text(resp.Err) != want {
			t.Errorf("%s: %v, want %s", path, resp.Err, want)
		}
	}
	refused := newRig(t, "http://127.0.0.1:1", httpuser.Config{Protocol: httpuser.H2C}, 0)
	if resp := must(t)(refused.Get(refused.user.Context(), "/")); text(resp.Err) != "ConnectionRefusedError(111, 'Connection refused')" {
		t.Errorf("refused: %v", resp.Err)
	}
	time.AfterFunc(20*time.Millisecond, func() { r.kill(errStopped) })
	if _, err := r.Get(r.user.Context(), "/silent"); !errors.Is(err, errStopped) {
		t.Errorf("stopped: %v", err)
	}
	if samples, cuts := r.counts(); samples != 2 || cuts != 1 {
		t.Errorf("%d samples, %d cuts", samples, cuts)
	}
}

// What a server has refused, or left behind its GOAWAY, it has not served: it is
// asked again. A stream that it resets otherwise is a failure.
func TestHTTP2RefusedStreams(t *testing.T) {
	for name, c := range map[string]struct {
		first func(f *http2.Framer, stream uint32)
		want  string
		asked int64
	}{
		"refused":  {func(f *http2.Framer, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) }, "", 2},
		"goaway":   {func(f *http2.Framer, _ uint32) { f.WriteGoAway(0, http2.ErrCodeNo, nil) }, "", 2},
		"reset":    {func(f *http2.Framer, stream uint32) { f.WriteRSTStream(stream, http2.ErrCodeInternal) }, "StreamError('The server has reset the stream: INTERNAL_ERROR')", 1},
		"answered": {answerFrame, "", 1},
	} {
		var asked atomic.Int64
		host := serveFrames(t, func(f *http2.Framer, stream uint32) {
			if asked.Add(1) == 1 {
				c.first(f, stream)
				return
			}
			answerFrame(f, stream)
		})
		r := newRig(t, host, httpuser.Config{Protocol: httpuser.H2C, Timeout: patience}, 0)
		resp := must(t)(r.Post(r.user.Context(), "/", httpuser.Body([]byte("x"), "")))
		if text(resp.Err) != c.want || asked.Load() != c.asked {
			t.Errorf("%s: asked %d times, %v; want %d, %q", name, asked.Load(), resp.Err, c.asked, c.want)
		}
		r.last(t, 1)
	}
}

// serveFrames starts a server of HTTP/2 frames, without TLS, that calls answer for
// each request.
func serveFrames(t *testing.T, answer func(f *http2.Framer, stream uint32)) (host string) {
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
				readFrames(c, answer)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return "http://" + l.Addr().String()
}

func readFrames(c net.Conn, answer func(f *http2.Framer, stream uint32)) {
	c.SetDeadline(time.Now().Add(2 * patience))
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	f.WriteSettings()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.WriteSettingsAck()
			}
		case *http2.DataFrame:
			if frame.StreamEnded() {
				answer(f, frame.StreamID)
			}
		}
	}
}

func answerFrame(f *http2.Framer, stream uint32) {
	var b bytes.Buffer
	hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: true})
}

package httpuser_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// packedServer answers /<encoding> with a body, whole, or in chunks with ?chunked.
func packedServer(t testing.TB, packed map[string][]byte, remotes map[string]int) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		remotes[r.RemoteAddr]++
		name := r.URL.Path[1:]
		if encoding, _, _ := strings.Cut(name, ","); encoding != "" {
			w.Header().Set("Content-Encoding", encoding)
		}
		half := len(packed[name]) / 2
		w.Write(packed[name][:half])
		if r.URL.RawQuery == "chunked" {
			w.(http.Flusher).Flush()
		} else {
			w.Header().Set("Content-Length", fmt.Sprint(len(packed[name])))
		}
		w.Write(packed[name][half:])
	}).URL
}

// Conformance: P20
func TestBodiesInEveryEncoding(t *testing.T) {
	want := []byte(httpuser.Bandwing)
	for _, body := range [][]byte{want, nil} {
		packed := httpuser.Encodings(t, body)
		remotes := map[string]int{}
		host := packedServer(t, packed, remotes)
		r := newRig(t, host, httpuser.Config{MaxBody: len(want)}, 0)
		tiny := newRig(t, host, httpuser.Config{MaxBody: 1}, 0)
		n := 0
		for name := range packed {
			for _, query := range []string{"", "?chunked"} {
				n++
				resp := must(t)(r.Get(r.user.Context(), "/"+name+query))
				if !bytes.Equal(resp.Body, body) || resp.Length != int64(len(body)) || r.last(t, n).Length != resp.Length || !resp.OK() {
					t.Errorf("%s%s: %d bytes, %d recorded, %v; want %d", name, query, len(resp.Body), resp.Length, resp.Err, len(body))
				}
				if name == "br" {
					continue // cannot be streamed
				}
				resp = must(t)(tiny.Get(tiny.user.Context(), "/"+name+query, httpuser.Discard()))
				if resp.Body != nil || resp.Length != int64(len(body)) || resp.StatusCode != http.StatusOK || !resp.OK() {
					t.Errorf("%s%s discarded: %d bytes kept, length %d, %v; want %d", name, query, len(resp.Body), resp.Length, resp.Err, len(body))
				}
				var got []byte
				resp = must(t)(tiny.Get(tiny.user.Context(), "/"+name+query, httpuser.Stream(func(_ *httpuser.Response, b io.Reader) (err error) {
					got, err = io.ReadAll(b)
					return err
				})))
				if !bytes.Equal(got, body) || resp.Body != nil || resp.Length != int64(len(body)) || !resp.OK() {
					t.Errorf("%s%s streamed: %d bytes, length %d, %v; want %d", name, query, len(got), resp.Length, resp.Err, len(body))
				}
			}
		}
		if len(remotes) != 2 {
			t.Errorf("two users had %d connections", len(remotes))
		}
	}
}

func TestDiscardKeepsNothing(t *testing.T) {
	const size = 64 << 20
	block := make([]byte, 64<<10)
	host := serveRaw(t, func(_ int, c net.Conn, next func() bool) {
		for next() {
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
			for range size / len(block) {
				fmt.Fprintf(c, "%x\r\n%s\r\n", len(block), block)
			}
			io.WriteString(c, "0\r\nX-Trailer: 1\r\n\r\n")
		}
	})
	r := newRig(t, host, httpuser.Config{MaxBody: 1000}, 0)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 2 {
		if resp := must(t)(r.Get(r.user.Context(), "/", httpuser.Discard())); resp.Length != size || !resp.OK() || r.last(t, i+1).Length != size {
			t.Errorf("%d bytes of %d, %v", resp.Length, size, resp.Err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > size/4 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}

func TestStreamsThatEndEarly(t *testing.T) {
	lines := func(n int, then error) func(*httpuser.Response, io.Reader) error {
		return func(r *httpuser.Response, body io.Reader) error {
			if r.StatusCode != http.StatusOK || r.Header("Content-Type") != "text/event-stream" {
				return fmt.Errorf("seen %d %q", r.StatusCode, r.Header("Content-Type"))
			}
			for range n {
				if _, err := io.ReadFull(body, make([]byte, len("line1\n"))); err != nil {
					return err
				}
			}
			return then
		}
	}
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
	const chunked = head + "Transfer-Encoding: chunked\r\n\r\n6\r\nline1\n\r\n6\r\nline2\n\r\n"
	const short = "ChunkedEncodingError('Connection broken: IncompleteRead')"
	for name, c := range map[string]struct {
		answer string
		read   func(*httpuser.Response, io.Reader) error
		want   string
		length int64
	}{
		"enough of an endless one": {chunked, lines(1, nil), "", 6},
		"until it breaks":          {chunked, lines(9, nil), short, 0},
		"until it breaks, ignored": {chunked, func(_ *httpuser.Response, b io.Reader) error { io.ReadAll(b); return nil }, short, 0},
		"with a length":            {head + "Content-Length: 20\r\n\r\nline1\n", lines(9, nil), short, 0},
		"without a length":         {head + "\r\nline1\nline2\n", lines(2, nil), "", 12},
		"its own error":            {chunked, lines(1, errors.New("odd")), "CatchResponseError('odd')", 6},
		"bad chunks":               {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", lines(1, nil), short, 0},
		"bad gzip":                 {head + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", lines(1, nil), "ContentDecodingError(DecodeError('Received response with content-encoding: gzip, but failed to decode it.', error('Error -3 while decompressing data: incorrect header check')))", 0},
		"a failure":                {"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nabc", func(*httpuser.Response, io.Reader) error { panic("read") }, "HTTPError('500 Server Error: Oh for url: /')", 3},
	} {
		t.Run(name, func(t *testing.T) {
			conns := make(chan int, 10)
			host := serveRaw(t, func(n int, conn net.Conn, next func() bool) {
				conns <- n
				next()
				io.WriteString(conn, c.answer)
			})
			r := newRig(t, host, httpuser.Config{}, 0)
			for i := range 2 {
				resp := must(t)(r.Get(r.user.Context(), "/", httpuser.Stream(c.read)))
				if s := r.last(t, i+1); text(s.Err) != c.want || s.Length != c.length || text(resp.Err) != c.want {
					t.Errorf("recorded %+v, want %q and length %d", s, c.want, c.length)
				}
			}
			if len(conns) != 2 {
				t.Errorf("%d connections, want 2", len(conns))
			}
		})
	}
}

// A panic in the reader: one sample, and neither the session nor the pool is
// worse off.
//
// Conformance: P15
func TestPanicInAStreamIsRecordedOnce(t *testing.T) {
	host := serveRaw(t, statusServer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	for name, pool := range map[string]*httpuser.Pool{"own": nil, "pool": httpuser.NewPool(httpuser.PoolConfig{MaxConns: 1})} {
		r := newRig(t, host, httpuser.Config{Pool: pool, Timeout: patience}, 0)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the panic was swallowed", name)
				}
			}()
			r.Get(r.user.Context(), "/", httpuser.Stream(func(*httpuser.Response, io.Reader) error { panic("oh") }))
		}()
		if s := r.last(t, 1); text(s.Err) != "CatchResponseError('the check of the response panicked')" {
			t.Errorf("%s: recorded %+v", name, s)
		}
		if resp := must(t)(r.Get(r.user.Context(), "/")); !resp.OK() || string(resp.Body) != "ok" {
			t.Errorf("%s: then %+v", name, resp)
		}
		r.last(t, 2)
	}
}

// Only the last answer of a chain of redirects is streamed, and a user who is
// stopped meanwhile cuts it.
func TestStreamBehindARedirect(t *testing.T) {
	release := make(chan struct{})
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/end", http.StatusFound)
			return
		}
		io.WriteString(w, "first\n")
		w.(http.Flusher).Flush()
		<-release
	})
	defer close(release)
	r := newRig(t, srv.URL, httpuser.Config{}, time.Millisecond)
	var got string
	_, err := r.Get(r.user.Context(), "/", httpuser.Stream(func(_ *httpuser.Response, body io.Reader) (err error) {
		br := bufio.NewReader(body)
		if got, err = br.ReadString('\n'); err != nil {
			return err
		}
		r.kill(errStopped)
		_, err = br.ReadString('\n')
		return err
	}))
	samples, cuts := r.counts()
	if samples != 0 || cuts != 1 || !errors.Is(err, errStopped) || got != "first\n" {
		t.Errorf("%d samples, %d cuts, %v, read %q", samples, cuts, err, got)
	}
}

// Conformance: P17
func TestCatchMaySetWhatIsRecorded(t *testing.T) {
	host := serveRaw(t, statusServer("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"))
	r := newRig(t, host, httpuser.Config{}, 0)
	must(t)(r.Get(r.user.Context(), "/17", httpuser.Catch(func(resp *httpuser.Response) error {
		if resp.Type != "GET" || resp.Name != "/17" || resp.Length != 2 {
			t.Errorf("seen %+v", resp)
		}
		resp.Type, resp.Name, resp.Length, resp.Duration = "READ", "/[id]", 99, time.Hour
		return resp.Err
	})))
	s := r.last(t, 1)
	if s.Type != "READ" || s.Name != "/[id]" || s.Length != 99 || s.ResponseTime != time.Hour ||
		text(s.Err) != "HTTPError('404 Client Error: Not Found for url: /[id]')" {
		t.Errorf("recorded %+v", s)
	}
}

package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// soon is more than any of these clients may need, on a slow machine too.
const soon = 30 * time.Second

// serveOnTCP serves until the test ends and returns the address.
func serveOnTCP(t *testing.T, cfg Config, store Store) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	s := newServer(t, cfg, store)
	go func() { served <- s.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// drip writes text again and again, with pauses, until the server closes the connection or says something, and returns
// how many bytes it got rid of.
func drip(conn net.Conn, text string, pause time.Duration) (sent int) {
	for {
		n, err := io.WriteString(conn, text)
		if sent += n; err != nil {
			return sent
		}
		time.Sleep(pause)
	}
}

// TestHostileClientsEnd holds that the server gets rid of each of these in time, without taking in much, and answers
// others meanwhile.
func TestHostileClientsEnd(t *testing.T) {
	t.Parallel()
	addr := serveOnTCP(t, Config{
		MaxBody: 1 << 16, ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond, IdleTimeout: 300 * time.Millisecond,
	}, &fakeStore{json: `"` + strings.Repeat("x", 32<<20) + `"`})
	const post = "POST /api/v1/redisjson HTTP/1.1\r\nHost: x\r\n"
	for name, client := range map[string]struct {
		begin, then string
		pause       time.Duration
		says        string // what the reply begins with, if there is one
	}{
		"silent":             {"", "", 0, ""},
		"slow loris":         {"GET / HTTP/1.1\r\nHost: x\r\n", "a: b\r\n", 10 * time.Millisecond, ""},
		"slow request line":  {"", "G", 10 * time.Millisecond, ""},
		"slow body":          {post + "Content-Length: 60000\r\n\r\n", "x", 10 * time.Millisecond, ""},
		"slow chunks":        {post + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 10 * time.Millisecond, ""},
		"header flood":       {"GET / HTTP/1.1\r\nHost: x\r\n", strings.Repeat("a: b\r\n", 100), 0, "HTTP/1.1 431"},
		"endless header":     {"GET / HTTP/1.1\r\nHost: x\r\na: ", strings.Repeat("b", 1000), 0, "HTTP/1.1 431"},
		"endless path":       {"GET /", strings.Repeat("b", 1000), 0, "HTTP/1.1 431"},
		"endless body":       {post + "Transfer-Encoding: chunked\r\n\r\n", "400\r\n" + strings.Repeat("x", 1024) + "\r\n", 0, "HTTP/1.1 413"},
		"announced body":     {post + "Content-Length: 9000000000000000000\r\n\r\n", strings.Repeat("x", 1024), 0, "HTTP/1.1 413"},
		"endless extensions": {post + "Transfer-Encoding: chunked\r\n\r\n", "1;" + strings.Repeat("x", 1024), 0, ""},
		"idle":               {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "", 0, "HTTP/1.1 200"},
		"never reads":        {strings.Repeat("GET /api/v1/doc/k HTTP/1.1\r\nHost: x\r\n\r\n", 20), "", time.Second, "HTTP/1.1 200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, addr)
			if _, err := io.WriteString(conn, client.begin); err != nil {
				t.Fatal(err)
			}
			var sent int
			if client.then == "" {
				time.Sleep(client.pause) // what this client does: it does not read
			} else {
				sent = drip(conn, client.then, client.pause)
			}
			if sent > 20<<20 {
				t.Errorf("the server took %d bytes", sent)
			}
			reply, err := io.ReadAll(conn)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is still open: %v", err)
			}
			if len(reply) > 0 && !bytes.HasPrefix(reply, []byte(client.says)) {
				t.Errorf("the reply is %.100q", reply)
			}
			resp, err := http.Get("http://" + addr + "/healthz")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("another client: %v, %v", resp, err)
			}
			resp.Body.Close()
		})
	}
}

// TestPipelinedRequests holds that each is answered, in order.
func TestPipelinedRequests(t *testing.T) {
	addr := serveOnTCP(t, Config{}, &fakeStore{json: "1"})
	conn := dial(t, addr)
	const requests = 2000
	go func() {
		for i := range requests {
			body := fmt.Sprintf(`{"key":"k","field":"a","str":%d}`, i)
			fmt.Fprintf(conn, "PUT /api/v1/redisjson/update HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			fmt.Fprintf(conn, "GET /api/v1/nope%d HTTP/1.1\r\nHost: x\r\n\r\n", i)
		}
	}()
	replies := bufio.NewReader(conn)
	for i := range requests {
		for _, want := range []string{`{"status":"ok","json":"k"}`, fmt.Sprintf("/api/v1/nope%d;", i)} {
			resp, err := http.ReadResponse(replies, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(body), want) {
				t.Fatalf("reply %d: %s, %v, want %s", i, body, err, want)
			}
		}
	}
}

// TestConnectionFlood holds that connections beyond the limit wait, are logged once, and are served when others close.
func TestConnectionFlood(t *testing.T) {
	var log lockedBuffer
	const limit = 20
	addr := serveOnTCP(t, Config{MaxConnections: limit, Logger: slog.New(slog.NewTextHandler(&log, nil))}, &fakeStore{})
	ask := func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
		}
		return err
	}
	var open []net.Conn
	for range limit {
		conn := dial(t, addr)
		if err := ask(conn); err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
	}
	waiting := make(chan error, limit)
	for range limit {
		conn := dial(t, addr)
		go func() { waiting <- ask(conn); conn.Close() }()
	}
	select {
	case err := <-waiting:
		t.Errorf("a connection beyond the limit was served: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	for _, conn := range open {
		conn.Close()
	}
	for range limit {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
	if text := log.String(); strings.Count(text, "API_MAX_CONNECTIONS") != 1 {
		t.Errorf("the log is %q", text)
	}
}

// lockedBuffer is a buffer that may be read meanwhile.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// TestMemoryOfHostileClients holds what many of them take together: no more than the limits allow.
func TestMemoryOfHostileClients(t *testing.T) {
	addr := serveOnTCP(t, Config{}, &fakeStore{})
	const clients = 300
	before := heapInUse()
	for i := range clients {
		conn := dial(t, addr)
		begin := "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a: b\r\n", 5000) // half of a header
		if i%2 == 0 {
			begin = "POST /api/v1/redisjson HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n{"
		}
		if _, err := io.WriteString(conn, begin); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.Get("http://" + addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	const most = clients * 256 << 10
	if took := int64(heapInUse()) - int64(before); took > most {
		t.Errorf("%d clients took %d bytes, at most %d are expected", clients, took, int64(most))
	}
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tcpPair is a connection that gathers, and its other end.
func tcpPair(t *testing.T) (*conn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err := newConnListener(listener, 1, func() {}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server.(*conn), client
}

func TestConnHoldsOneWrite(t *testing.T) {
	server, client := tcpPair(t)
	first := []byte("first ")
	server.gather()
	if n, err := server.Write(first); n != len(first) || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	copy(first, "XXXXXX") // net/http uses its buffer again
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := client.Read(make([]byte, 1)); n != 0 {
		t.Fatalf("the first write went out alone: %d, %v", n, err)
	}
	for _, part := range []string{"second ", "third"} {
		if n, err := server.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	server.CloseWrite()
	_ = client.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, err := io.ReadAll(client); string(got) != "first second third" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestConnOfAClientThatIsGone(t *testing.T) {
	server, _ := tcpPair(t)
	server.gather()
	_, _ = server.Write([]byte("first"))
	server.Close()
	if n, err := server.Write([]byte("second")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d, %v", n, err)
	}
}

// readByte reads one byte as net/http does in the background; the channel has the outcome.
func readByte(c *conn) <-chan error {
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	return read
}

// awaitReader returns when a reader waits.
func awaitReader(t *testing.T, c *conn) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		c.mu.Lock()
		waiting := c.waiting
		c.mu.Unlock()
		if waiting {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no reader waits")
		}
	}
}

func TestConnReaderGivesUp(t *testing.T) {
	server, client := tcpPair(t)
	past := time.Unix(1, 0)
	for range 3 {
		read := readByte(server)
		awaitReader(t, server)
		if err := server.SetReadDeadline(past); err != nil {
			t.Fatal(err)
		}
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a reader that waited: %v", err)
		}
		if err := <-readByte(server); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a reader that comes too late: %v", err)
		}
		_ = server.SetReadDeadline(time.Time{})
	}
	if _, err := client.Write([]byte("next")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	if _, err := io.ReadFull(server, got); string(got) != "next" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestConnReaderFindsTheClientGone(t *testing.T) {
	server, client := tcpPair(t)
	given := readByte(server) // the timer is armed for it, and it gives up
	awaitReader(t, server)
	_ = server.SetReadDeadline(time.Unix(1, 0))
	<-given
	_ = server.SetReadDeadline(time.Time{})
	client.Close()
	if err := <-readByte(server); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

func TestConnCloseEndsTheWait(t *testing.T) {
	server, _ := tcpPair(t)
	read := readByte(server)
	awaitReader(t, server)
	server.Close()
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestAClientThatHangsUpEndsItsRequest(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	store := &fakeStore{entered: make(chan struct{}), hold: make(chan struct{})}
	s := newServer(t, Config{}, store)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("GET /api/v1/doc/k HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-store.entered
	client.Close()
	awaitCount(t, s, "GET /api/v1/doc/:id 499")
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// sizedStore has strings as long as their keys say.
type sizedStore struct{ fakeStore }

func (*sizedStore) Get(_ context.Context, key string, _ Path) (json.RawMessage, error) {
	size, err := strconv.Atoi(key)
	return json.RawMessage(`"` + strings.Repeat("x", size) + `"`), err
}

// TestRepliesOfAllSizes asks for replies around the sizes of all buffers on the way, over one connection.
func TestRepliesOfAllSizes(t *testing.T) {
	store := &sizedStore{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- newServer(t, Config{}, store).Serve(ctx, listener) }()
	transport := &http.Transport{MaxConnsPerHost: 1}
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	sizes := []int{0, 1, 1900, 2048, 1 << 16, 1 << 20, 5}
	for size := 2000; size < 2060; size++ {
		sizes = append(sizes, size, size+2048, size+2*2048, size+4096)
	}
	for _, size := range sizes {
		resp, err := client.Get("http://" + listener.Addr().String() + "/api/v1/doc/" + strconv.Itoa(size))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := `{"status":"ok","json":"` + strings.Repeat("x", size) + `"}`
		if err != nil || string(body) != want || resp.ContentLength != int64(len(want)) {
			t.Fatalf("%d bytes: %d of them, Content-Length %d, %v", size, len(body), resp.ContentLength, err)
		}
	}
	transport.CloseIdleConnections()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

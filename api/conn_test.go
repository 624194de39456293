package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tcpPair is a connection that gathers, and its other end.
func tcpPair(t *testing.T) (*gatherConn, net.Conn) {
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
	server, err := gatherListener{listener}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server.(*gatherConn), client
}

func TestGatherConnHoldsOneWrite(t *testing.T) {
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

func TestGatherConnOfAClientThatIsGone(t *testing.T) {
	server, _ := tcpPair(t)
	server.gather()
	_, _ = server.Write([]byte("first"))
	server.Close()
	if n, err := server.Write([]byte("second")); n != 0 || !errors.Is(err, net.ErrClosed) {
		t.Errorf("%d, %v", n, err)
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

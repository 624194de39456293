package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNewNamesAllFaults(t *testing.T) {
	_, err := New(Config{MaxBody: -1, ReadTimeout: -1, WriteTimeout: -1, IdleTimeout: -1, ShutdownTimeout: -1, MaxConnections: -1}, nil)
	for _, fault := range []string{"MaxBody", "ReadTimeout", "WriteTimeout", "IdleTimeout", "ShutdownTimeout", "MaxConnections", "Store"} {
		if err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%v does not name %s", err, fault)
		}
	}
}

func TestDefaults(t *testing.T) {
	got := Config{IdleTimeout: time.Second}.withDefaults()
	if got.Logger == nil {
		t.Error("no Logger")
	}
	got.Logger = nil
	want := Config{
		MaxBody: 16 << 20, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: time.Second, ShutdownTimeout: 10 * time.Second, MaxConnections: 16384,
	}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// serving is a Server that serves until stop, and the request that its store holds.
type serving struct {
	url    string
	stop   context.CancelFunc
	served chan error // what Serve returned
	reply  chan error // the error of the request in flight, nil for a 200
	store  *fakeStore
}

func serveWithARequestInFlight(t *testing.T, cfg Config) *serving {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sv := &serving{
		url:    "http://" + listener.Addr().String(),
		stop:   cancel,
		served: make(chan error, 1),
		reply:  make(chan error, 1),
		store:  &fakeStore{json: "1", hold: make(chan struct{}), entered: make(chan struct{}, 1)},
	}
	s := newServer(t, cfg, sv.store)
	go func() { sv.served <- s.Serve(ctx, listener) }()
	go func() {
		resp, err := http.Get(sv.url + "/api/v1/doc/k")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				err = errors.New(resp.Status)
			}
		}
		sv.reply <- err
	}()
	<-sv.store.entered
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return sv
}

func TestServeStopsGracefully(t *testing.T) {
	sv := serveWithARequestInFlight(t, Config{})
	sv.stop()
	awaitRefused(t, sv.url)
	select {
	case err := <-sv.served:
		t.Fatalf("Serve returned %v with a request in flight", err)
	default:
	}
	close(sv.store.hold)
	if err := <-sv.reply; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	if err := <-sv.served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeCutsOffWhatDoesNotFinish(t *testing.T) {
	sv := serveWithARequestInFlight(t, Config{ShutdownTimeout: time.Millisecond})
	sv.stop()
	if err := <-sv.served; !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("Serve: %v", err)
	}
	if err := <-sv.reply; err == nil {
		t.Error("the request was answered")
	}
}

func TestServeReturnsTheFaultOfItsListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := newServer(t, Config{}, &fakeStore{}).Serve(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v", err)
	}
}

// awaitRefused waits until nobody listens any more.
func awaitRefused(t *testing.T, url string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			conn.Close()
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s still accepts connections: %v", url, err)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAClientThatSendsAllFirstSeesThe413 sends a body that is beyond what the kernel and net/http take in unread.
func TestAClientThatSendsAllFirstSeesThe413(t *testing.T) {
	const limit = 8 << 20
	srv := httptest.NewServer(newServer(t, Config{MaxBody: limit}, &fakeStore{}))
	defer srv.Close()
	body := strings.Repeat(" ", 2*limit)
	for name, request := range map[string]string{
		"announced": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body),
		"chunked":   fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body),
	} {
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "POST /api/v1/redisjson HTTP/1.1\r\nHost: x\r\n"+request); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
		conn.Close()
	}
}

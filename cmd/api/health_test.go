package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/redistest"
)

// health runs `api -health` for the service that listens on addr.
func health(t *testing.T, addr string) (code int, stderr string) {
	t.Helper()
	t.Setenv("API_ADDR", addr)
	var text strings.Builder
	code = run(t.Context(), []string{"-health"}, io.Discard, &text)
	return code, text.String()
}

func TestHealthFollowsRedis(t *testing.T) {
	server := redistest.Start(t)
	useRedis(t, server)
	url, stop := start(t)
	defer stop()
	addr := strings.TrimPrefix(url, "http://")
	awaitStatus(t, url+"/readyz", http.StatusOK)
	if code, stderr := health(t, addr); code != 0 || stderr != "" {
		t.Errorf("with Redis: exit code %d, stderr %q", code, stderr)
	}
	server.Stop()
	if code, stderr := health(t, addr); code != 1 || !strings.Contains(stderr, "503") || !strings.Contains(stderr, server.Addr) {
		t.Errorf("without Redis: exit code %d, stderr %q", code, stderr)
	}
}

// TestHealthOfAllInterfaces is about addresses that one can listen on and not connect to, and about a proxy.
func TestHealthOfAllInterfaces(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	for _, host := range []string{"", "0.0.0.0", "[::]", "127.0.0.1"} {
		if code, stderr := health(t, host+":"+port); code != 0 {
			t.Errorf("%s:port: exit code %d, stderr %q", host, code, stderr)
		}
	}
}

func TestHealthOfNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := listener.Addr().String()
	listener.Close()
	for addr, want := range map[string]string{free: "refused", "127.0.0.1:0": "API_ADDR", "5000": "API_ADDR"} {
		if code, stderr := health(t, addr); code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, stderr %q does not say %q", addr, code, stderr, want)
		}
	}
}

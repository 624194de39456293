package main

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bandwing/bandwing/internal/redistest"
)

// startTLS serves Redis with TLS at the address it returns, and writes the CA's certificate to the file it returns.
func startTLS(t *testing.T, server *redistest.Server) (addr, caFile string) {
	t.Helper()
	ca := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate, which is good for 127.0.0.1
	ca.Close()
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: ca.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	var forwarders sync.WaitGroup
	forwarders.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			forwarders.Go(func() { forward(conn, server.Addr) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		server.Stop() // ends what is still forwarded
		forwarders.Wait()
	})
	return listener.Addr().String(), caFile
}

// forward copies between a client and the server until one of them closes.
func forward(client net.Conn, addr string) {
	defer client.Close()
	upstream, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	var copies sync.WaitGroup
	copies.Go(func() {
		io.Copy(upstream, client)
		upstream.Close()
	})
	io.Copy(client, upstream)
	client.Close()
	copies.Wait()
}

func TestTLS(t *testing.T) {
	addr, caFile := startTLS(t, redistest.Start(t))
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		env    map[string]string
		status int
		says   string
	}{
		{"CA", map[string]string{"REDIS_TLS": "true", "REDIS_TLS_CA": caFile}, http.StatusOK, "ok"},
		{"skip verify", map[string]string{"REDIS_TLS": "true", "REDIS_TLS_SKIP_VERIFY": "true"}, http.StatusOK, "ok"},
		{"unknown CA", map[string]string{"REDIS_TLS": "true"}, http.StatusServiceUnavailable, "certificate"},
		{"plain", nil, http.StatusServiceUnavailable, "no answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("REDIS_HOST", host)
			t.Setenv("REDIS_PORT", port)
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			log := new(lockedText)
			url, stop := startLogged(t, log)
			if code, body := status(t, url+"/readyz"); code != tc.status || !strings.Contains(body, tc.says) {
				t.Errorf("/readyz: %d %s, want %d that says %q", code, body, tc.status, tc.says)
			}
			if tc.status != http.StatusOK {
				log.await(t, tc.says)
			}
			code, stderr := stop()
			warned := strings.Contains(stderr, "level=WARN") && strings.Contains(stderr, tc.says) && strings.Count(stderr, "\n") == strings.Count(stderr, "level=WARN")
			if code != 0 || warned != (tc.status != http.StatusOK) || !warned && stderr != "" {
				t.Errorf("exit code %d, stderr %q", code, stderr)
			}
		})
	}
}

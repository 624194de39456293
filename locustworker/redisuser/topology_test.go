package redisuser

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/locustworker"
)

// TestCluster sends commands and pipelines to all nodes of a cluster and compares
// their counts with the samples.
func TestCluster(t *testing.T) {
	nodes := redistest.StartCluster(t, 3)
	hosts := nodes[0].Addr + "," + nodes[1].Addr
	for _, cfg := range []Config{
		{URL: hosts},
		{Pool: newPool(t, PoolConfig{Config: Config{URL: hosts}})},
	} {
		before := total(t, nodes, "incr")
		l := newLab(t, locustworker.StandaloneConfig{}, cfg)
		ctx := l.user.Context()
		for i := range 30 {
			must(t, l.Incr(ctx, fmt.Sprint("k", i)).Err())
		}
		_, err := l.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 30 {
				p.Incr(ctx, fmt.Sprint("k", i))
			}
			return nil
		})
		must(t, err)
		got, cut := l.take()
		if len(got) != 31 || cut != 0 || total(t, nodes, "incr")-before != 60 {
			t.Errorf("%d samples, %d cut, %d served", len(got), cut, total(t, nodes, "incr")-before)
		}
		for _, s := range got {
			if s.Err != nil {
				t.Error(s.Err)
			}
		}
		l.end()
	}
}

func total(t *testing.T, nodes []*redistest.Server, command string) int {
	t.Helper()
	sum := 0
	for _, node := range nodes {
		sum += processed(t, direct(t, node.Addr))[command]
	}
	return sum
}

func TestSentinel(t *testing.T) {
	master := redistest.Start(t)
	sentinel := redistest.StartSentinel(t, "main", master)
	l := newLab(t, locustworker.StandaloneConfig{Host: sentinel.Addr}, Config{SentinelMaster: "main"})
	must(t, l.Set(l.user.Context(), "k", "v", 0).Err())
	if got := direct(t, master.Addr).Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("the master has %q", got)
	}
	got, _ := l.take()
	wantRows(t, got, row{"SET", 5, ""})
	l.end()
	unknown := newLab(t, locustworker.StandaloneConfig{Host: sentinel.Addr}, Config{SentinelMaster: "other", Timeout: time.Second})
	if err := unknown.Ping(unknown.user.Context()).Err(); err == nil {
		t.Error("a master that the Sentinel does not know has answered")
	}
	got, _ = unknown.take()
	wantRows(t, got, row{"PING", 0, "sentinel"})
	unknown.end()
}

func TestPasswordsAndDatabases(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--requirepass", "secret"}, NoProbe: true})
	l := newLab(t, locustworker.StandaloneConfig{Host: "redis://:secret@" + server.Addr + "/2"}, Config{})
	must(t, l.Set(l.user.Context(), "k", "v", 0).Err())
	other := newLab(t, locustworker.StandaloneConfig{Host: "redis://:wrong@" + server.Addr}, Config{Password: "secret"})
	if n := other.DBSize(other.user.Context()).Val(); n != 0 {
		t.Errorf("%d keys in database 0", n)
	}
	wrong := newLab(t, locustworker.StandaloneConfig{Host: server.Addr}, Config{Password: "wrong"})
	if err := wrong.Ping(wrong.user.Context()).Err(); err == nil {
		t.Error("a wrong password was taken")
	}
	got, cut := wrong.take()
	wantRows(t, got, row{"PING", 0, "WRONGPASS"})
	if cut != 0 {
		t.Errorf("%d cut", cut)
	}
}

// TestTLS talks to Redis through a proxy that speaks TLS to the client.
func TestTLS(t *testing.T) {
	https := httptest.NewTLSServer(nil) // for its certificate
	defer https.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", https.TLS)
	must(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", shared.Addr)
			if err != nil {
				t.Error(err)
				return
			}
			go func() { _, _ = io.Copy(server, client); server.Close() }()
			go func() { _, _ = io.Copy(client, server); client.Close() }()
		}
	}()
	trust := &tls.Config{RootCAs: roots(https), ServerName: "example.com"}
	url := "rediss://" + listener.Addr().String()
	l := newLab(t, locustworker.StandaloneConfig{Host: url}, Config{TLS: trust})
	must(t, l.Ping(l.user.Context()).Err())
	pooled := newLab(t, locustworker.StandaloneConfig{}, Config{Pool: newPool(t, PoolConfig{Config: Config{URL: url, TLS: trust}})})
	must(t, pooled.Ping(pooled.user.Context()).Err())
	strict := newLab(t, locustworker.StandaloneConfig{Host: url}, Config{})
	if err := strict.Ping(strict.user.Context()).Err(); err == nil {
		t.Error("an unknown certificate was taken")
	}
	got, cut := strict.take()
	wantRows(t, got, row{"PING", 0, "certificate"})
	if cut != 0 {
		t.Errorf("%d cut", cut)
	}
	l.end()
	pooled.end()
	listener.Close()
	<-done
}

func roots(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

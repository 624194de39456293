package locustworker

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
)

// served is a MetricsServer that notes its address, and what it finds at its end.
type served struct {
	addr  string
	final Counters
	fail  error
}

func (s *served) serve(ctx context.Context, l net.Listener, w *Worker) error {
	s.addr = l.Addr().String()
	if s.fail != nil {
		return s.fail
	}
	<-ctx.Done()
	s.final = w.Snapshot().Counters
	return l.Close()
}

func TestMetricsAreServedWhileTheWorkerRuns(t *testing.T) {
	s := &served{}
	c, sh := testCommand(nil, Config{ServeMetrics: s.serve}, shopClasses(), "--metrics-addr", "127.0.0.1:0")
	if code := runStopped(t, c); code != cli.ExitOK {
		t.Errorf("exit code %d: %s", code, sh.stderr.String())
	}
	if log := sh.stderr.String(); s.addr == "" || !strings.Contains(log, "INFO/locustworker: serving metrics address="+s.addr) {
		t.Errorf("the log does not name %s: %s", s.addr, log)
	}
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}

func TestAMetricsPortInUseIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	s := &served{}
	c, sh := testCommand(map[string]string{"LOCUST_METRICS_ADDR": l.Addr().String()}, Config{ServeMetrics: s.serve}, shopClasses())
	code := runStopped(t, c)
	if log := sh.stderr.String(); code != cli.ExitError || !strings.Contains(log, "ERROR/locustworker: locustworker: metrics cannot be served: ") ||
		!strings.Contains(log, "address already in use") || s.addr != "" {
		t.Errorf("exit code %d: %s", code, log)
	}
	w, err := New(Config{MetricsAddr: l.Addr().String(), ServeMetrics: s.serve}, shopClasses()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Run(t.Context()); !errors.Is(err, ErrMetrics) {
		t.Errorf("Run = %v", err)
	}
}

// TestMetricsThatFailEndNoTest: neither an error nor a panic of the server.
func TestMetricsThatFailEndNoTest(t *testing.T) {
	for _, serve := range []MetricsServer{
		(&served{fail: errors.New("broken")}).serve,
		func(context.Context, net.Listener, *Worker) error { panic("broken") },
	} {
		c, sh := testCommand(nil, Config{ServeMetrics: serve}, shopClasses(), "--metrics-addr", "127.0.0.1:0", "--master-port", closedPort(t))
		ctx, cancel := context.WithCancel(t.Context())
		code := make(chan int, 1)
		go func() { code <- c.Run(ctx) }()
		within(t, "line about it", func() bool {
			return strings.Contains(sh.stderr.String(), "ERROR/locustworker: metrics are not served any more error=")
		})
		cancel() // else it would not end
		if got := <-code; got != cli.ExitOK {
			t.Errorf("exit code %d", got)
		}
	}
}

func TestMetricsAddresses(t *testing.T) {
	s := &served{}
	for addr, ok := range map[string]bool{
		":9646": true, "127.0.0.1:0": true, "[::1]:65535": true, "example.org:1": true,
		"9646": false, "127.0.0.1": false, ":": false, ":x": false, ":-1": false, ":65536": false, "::1:80": false, "a:b:1": false,
	} {
		asked := cli.Settings{MetricsAddr: addr}
		if err := commandLine(Config{ServeMetrics: s.serve}, nil, "", output{}).Check(asked); (err == nil) != ok || (err != nil && !errors.Is(err, ErrConfig)) {
			t.Errorf("%s: %v", addr, err)
		}
		if err := commandLine(Config{}, nil, "", output{}).Check(asked); err == nil {
			t.Errorf("%s is taken by a program that serves no metrics", addr)
		}
	}
	if _, err := New(Config{MetricsAddr: ":1"}, shopClasses()...); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "promworker.Serve") {
		t.Errorf("New = %v", err)
	}
}

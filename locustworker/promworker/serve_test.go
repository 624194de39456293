package promworker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// scrape returns one page of the server.
func scrape(t *testing.T, addr net.Addr, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(fmt.Sprintf("http://%s%s", addr, path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// value returns the value of one series.
func value(t *testing.T, page, series string) float64 {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no series %s in\n%s", series, page)
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A counted user records 3 samples, of which one fails, and ends.
type counted struct {
	user *locustworker.User
	done chan<- struct{}
}

func (c counted) work(context.Context) error {
	for i := range 3 {
		s := locustworker.Sample{Type: "GET", Name: "/a", ResponseTime: time.Duration(i) * time.Second}
		if i == 2 {
			s.Err = io.ErrUnexpectedEOF
		}
		c.user.Record(s)
	}
	c.done <- struct{}{}
	return locustworker.ErrStopUser
}

// TestServe runs a worker that a master gives 5 users, each of which records 3
// samples: the page says so, and the process and Go's runtime are on it.
func TestServe(t *testing.T) {
	done := make(chan struct{})
	at, master, stop := startWorker(t, done)
	id := master.WaitFor("client_ready", time.Minute).Worker
	master.Spawn(id, map[string]int{"Counted": 5})
	for range 5 { // a user that is stopped before its first task records nothing
		<-done
	}
	master.WaitFor("spawning_complete", time.Minute)
	master.Stop(id)
	master.WaitFor("client_ready", time.Minute)
	checkPage(t, delivered(t, at))
	if status, text := scrape(t, at, "/"); status != http.StatusOK || text == "" {
		t.Errorf("/: status %d, %q", status, text)
	}
	if status, _ := scrape(t, at, "/nothing"); status != http.StatusNotFound {
		t.Errorf("/nothing: status %d", status)
	}
	if err := stop(); err != nil {
		t.Errorf("Run = %v", err)
	}
	if c, err := net.Dial("tcp", at.String()); err == nil {
		_ = c.Close()
		t.Error("the port is open after the worker's end")
	}
}

// startWorker runs a worker that serves its metrics, until stop is called. Each user
// that has recorded its samples sends to done.
func startWorker(t *testing.T, done chan<- struct{}) (at net.Addr, master *mastertest.Master, stop func() error) {
	t.Helper()
	master = mastertest.New(t)
	host, portText, _ := net.SplitHostPort(master.Addr())
	port, _ := strconv.Atoi(portText)
	addr := make(chan net.Addr, 1)
	w, err := locustworker.New(locustworker.Config{
		MasterHost: host, MasterPort: port, Logger: slog.New(slog.DiscardHandler), MetricsAddr: "127.0.0.1:0",
		ServeMetrics: func(ctx context.Context, l net.Listener, w *locustworker.Worker) error {
			addr <- l.Addr()
			return Serve(ctx, l, w)
		},
	}, locustworker.NewClass("Counted", func(u *locustworker.User) (counted, error) { return counted{u, done}, nil }).
		Task("work", 1, counted.work))
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	stop = func() error {
		end()
		return <-ended
	}
	return <-addr, master, stop
}

// delivered returns the metrics' page of a worker that has delivered all.
func delivered(t *testing.T, at net.Addr) string {
	t.Helper()
	status, page := scrape(t, at, "/metrics")
	for deadline := time.Now().Add(30 * time.Second); status == http.StatusOK && time.Now().Before(deadline) &&
		value(t, page, "bandwing_worker_samples_pending") > 0; { // until the master's answer is here
		status, page = scrape(t, at, "/metrics")
	}
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	return page
}

// checkPage looks at a worker that 5 users have been through.
func checkPage(t *testing.T, page string) {
	t.Helper()
	for series, want := range map[string]float64{
		`bandwing_worker_requests_total{method="GET",name="/a"}`:                              15,
		`bandwing_worker_failures_total{method="GET",name="/a"}`:                              5,
		`bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a",le="0.0001"}`: 5,
		`bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a",le="0.8192"}`: 5,
		`bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a",le="1.6384"}`: 10,
		`bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a",le="3.2768"}`: 15,
		`bandwing_worker_request_duration_seconds_sum{method="GET",name="/a"}`:                15,
		`bandwing_worker_samples_recorded_total`:                                              15,
		`bandwing_worker_samples_confirmed_total`:                                             15,
		`bandwing_worker_samples_pending`:                                                     0,
		`bandwing_worker_users{user_class="Counted"}`:                                         0,
		`bandwing_worker_link_state{state="registered"}`:                                      1,
		`bandwing_worker_link_state{state="down"}`:                                            0,
	} {
		if got := value(t, page, series); got != want {
			t.Errorf("%s is %v; want %v", series, got, want)
		}
	}
	for _, series := range []string{"process_cpu_seconds_total", "process_resident_memory_bytes", "go_goroutines"} {
		value(t, page, series)
	}
}

// TestServeTellsWhyItEnds: a listener that fails is not silence.
func TestServeTellsWhyItEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := Serve(t.Context(), l, nil); err == nil {
		t.Error("no error")
	}
}

// TestServeEndsInSpiteOfAScrape: a client that does not read holds the worker up
// for stopTimeout at most.
func TestServeEndsInSpiteOfAScrape(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- Serve(ctx, l, nil) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n"); err != nil { // and no end
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Serve = %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
}

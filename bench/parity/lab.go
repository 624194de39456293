package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	benchlab "github.com/bandwing/bandwing/bench/lab"
	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/loadtest"
	"github.com/bandwing/bandwing/locustworker"
)

// A lab is the whole system: Redis, the service, and for each kind of worker a master with one of them.
type lab struct {
	options options
	started *benchlab.Lab
	redis   *redistest.Server
	api     string
	classes []string

	python, goes benchlab.Web // the masters'
}

func newLab(ctx context.Context, o options) (*lab, error) {
	started, err := benchlab.New()
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, started: started}
	if err := l.start(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) start(ctx context.Context) (err error) {
	scenario, err := loadtest.New(loadtest.Config{})
	if err != nil {
		return err
	}
	for _, class := range scenario.Classes() {
		l.classes = append(l.classes, locustworker.Describe(class).Name)
	}
	if l.redis, err = redistest.StartMain(); err != nil {
		return err
	}
	ports, err := proctest.FreePorts(1)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	l.api = "http://" + address
	service := exec.Command(l.options.api)
	service.Env = append(os.Environ(), "API_ADDR="+address, "REDIS_HOST="+l.redis.Host, fmt.Sprintf("REDIS_PORT=%d", l.redis.Port))
	if _, err := l.started.Start("api", service); err != nil {
		return err
	}
	if err := benchlab.Web(l.api).Await(ctx, "/readyz", nil, nil); err != nil {
		return err
	}
	if l.python, err = l.startMaster(ctx, "python", l.options.locust, "-f", "locustfile.py"); err != nil {
		return err
	}
	l.goes, err = l.startMaster(ctx, "go", l.options.worker)
	return err
}

// startMaster starts a master with one worker.
func (l *lab) startMaster(ctx context.Context, name, worker string, args ...string) (benchlab.Web, error) {
	master, err := l.started.StartMaster(name+"-master", l.options.locust, "locustfile.py", "--class-picker", "--host", l.api)
	if err != nil {
		return "", err
	}
	if _, err := l.started.Start(name+"-worker", exec.Command(worker, append(master.Join(), args...)...)); err != nil {
		return "", err
	}
	return master.Web, master.AwaitWorkers(ctx, 1)
}

// close ends everything, the last started first.
func (l *lab) close() {
	l.started.Close()
	if l.redis != nil {
		l.redis.Close()
	}
}

// measure runs a class on fresh documents until enough requests have been made, and returns its rows.
func (l *lab) measure(ctx context.Context, web benchlab.Web, class string) (table, error) {
	if err := l.empty(); err != nil {
		return nil, err
	}
	load := loadtest.Loading{Host: l.api, Each: l.options.documents}
	if _, err := loadtest.Load(ctx, loadtest.Config{Seed: 1}, load); err != nil {
		return nil, err
	}
	documents := strconv.Itoa(l.options.documents)
	err := web.Swarm(ctx, l.options.users, l.api, url.Values{
		"user_classes":      {class},
		"load_gen_wait_min": {"0"}, "load_gen_wait_max": {"10ms"}, "load_gen_data_sample_size": {documents},
		// What is written replaces what is there: the mixture of documents stays, however long a run is.
		"load_gen_random_documents": {documents}, "load_gen_static_documents": {documents},
	})
	if err != nil {
		return nil, err
	}
	running := func(state string, n int) bool { return state == "running" && n >= l.options.requests }
	if _, err := rows(ctx, web, running); err != nil {
		return nil, err
	}
	if err := web.Stop(ctx); err != nil {
		return nil, err
	}
	return rows(ctx, web, func(state string, _ int) bool { return state == "stopped" })
}

// empty removes all documents.
func (l *lab) empty() error {
	conn, err := net.Dial("tcp", net.JoinHostPort(l.redis.Host, strconv.Itoa(l.redis.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	reply := make([]byte, len("+OK\r\n"))
	if _, err = io.WriteString(conn, "FLUSHALL\r\n"); err == nil {
		_, err = io.ReadFull(conn, reply)
	}
	if err == nil && string(reply) != "+OK\r\n" {
		err = fmt.Errorf("FLUSHALL was answered %q", reply)
	}
	return err
}

// rows polls the statistics until they are as wanted.
func rows(ctx context.Context, web benchlab.Web, wanted func(state string, requests int) bool) (table, error) {
	var t table
	var report struct {
		State string `json:"state"`
		Stats []struct {
			Name, Method string
			Requests     int     `json:"num_requests"`
			Failures     int     `json:"num_failures"`
			Size         float64 `json:"avg_content_length"`
		} `json:"stats"`
	}
	err := web.Await(ctx, "/stats/requests", &report, func() error {
		t = table{}
		requests := 0
		for _, r := range report.Stats {
			if r.Name == "Aggregated" || r.Name == "/api/v1/keys" {
				continue
			}
			requests += r.Requests
			t[r.Method+" "+strings.TrimPrefix(r.Name, "/api/v1/")] = line{r.Requests, r.Failures, r.Size}
		}
		if !wanted(report.State, requests) {
			return fmt.Errorf("state %s, %d requests", report.State, requests)
		}
		return nil
	})
	return t, err
}

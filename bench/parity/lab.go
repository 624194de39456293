package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/redisjson"
)

const (
	patience     = 60 * time.Second
	stopPatience = 10 * time.Second
)

// A lab is the whole system: Redis, the service, and for each kind of worker a master with one of them.
type lab struct {
	options   options
	dir       string
	redis     *redistest.Server
	processes []*proctest.Process
	api       string
	classes   []string

	python, goes string // the masters' web UIs
}

func newLab(ctx context.Context, o options) (*lab, error) {
	dir, err := os.MkdirTemp("", "bandwing-parity-")
	if err != nil {
		return nil, err
	}
	l := &lab{options: o, dir: dir}
	if err := l.start(ctx); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) start(ctx context.Context) (err error) {
	scenario, err := redisjson.New(redisjson.Config{})
	if err != nil {
		return err
	}
	for _, class := range scenario.Classes() {
		l.classes = append(l.classes, locustworker.Describe(class).Name)
	}
	if l.redis, err = redistest.StartMain(); err != nil {
		return err
	}
	ports, err := freePorts(5)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	l.api = "http://" + address
	service := exec.Command(l.options.api)
	service.Env = append(os.Environ(), "API_ADDR="+address, "REDIS_HOST="+l.redis.Host, fmt.Sprintf("REDIS_PORT=%d", l.redis.Port))
	if err := l.launch("api", service); err != nil {
		return err
	}
	if err := await(ctx, l.api+"/readyz", func(io.Reader) error { return nil }); err != nil {
		return err
	}
	join := func(master int) []string {
		return []string{"--worker", "--master-host", "127.0.0.1", "--master-port", fmt.Sprint(master)}
	}
	python := exec.Command(l.options.locust, append(join(ports[1]), "-f", "locustfile.py")...)
	if l.python, err = l.startMaster(ctx, "python", ports[1], ports[2], python); err != nil {
		return err
	}
	l.goes, err = l.startMaster(ctx, "go", ports[3], ports[4], exec.Command(l.options.worker, join(ports[3])...))
	return err
}

// startMaster starts a master with one worker, and returns the URL of its web UI.
func (l *lab) startMaster(ctx context.Context, name string, port, webPort int, worker *exec.Cmd) (string, error) {
	web := fmt.Sprintf("http://127.0.0.1:%d", webPort)
	master := exec.Command(l.options.locust, "-f", "locustfile.py", "--master", "--class-picker",
		"--master-bind-host", "127.0.0.1", "--master-bind-port", fmt.Sprint(port),
		"--web-host", "127.0.0.1", "--web-port", fmt.Sprint(webPort), "--host", l.api)
	if err := errors.Join(l.launch(name+"-master", master), l.launch(name+"-worker", worker)); err != nil {
		return "", err
	}
	return web, await(ctx, web+"/worker-count", func(body io.Reader) error {
		var reply struct {
			Count int `json:"worker_count"`
		}
		err := json.NewDecoder(body).Decode(&reply)
		if err == nil && reply.Count != 1 {
			err = fmt.Errorf("%d workers", reply.Count)
		}
		return err
	})
}

func (l *lab) launch(name string, cmd *exec.Cmd) error {
	p, err := proctest.Start(cmd, filepath.Join(l.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("%s: %w (run `make deps build`)", name, err)
	}
	l.processes = append(l.processes, p)
	return nil
}

// close ends everything, the last started first.
func (l *lab) close() {
	for i := len(l.processes) - 1; i >= 0; i-- {
		l.processes[i].Stop(stopPatience)
	}
	if l.redis != nil {
		l.redis.Close()
	}
	_ = os.RemoveAll(l.dir)
}

// measure runs a class on fresh documents until enough requests have been made, and returns its rows.
func (l *lab) measure(ctx context.Context, web, class string) (table, error) {
	if err := l.empty(); err != nil {
		return nil, err
	}
	load := redisjson.Loading{Host: l.api, Each: l.options.documents}
	if _, err := redisjson.Load(ctx, redisjson.Config{Seed: 1}, load); err != nil {
		return nil, err
	}
	users, documents := strconv.Itoa(l.options.users), strconv.Itoa(l.options.documents)
	err := post(web+"/swarm", url.Values{
		"user_count": {users}, "spawn_rate": {users}, "host": {l.api}, "user_classes": {class},
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
	if err := post(web+"/stop", nil); err != nil {
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
func rows(ctx context.Context, web string, wanted func(state string, requests int) bool) (table, error) {
	var t table
	err := await(ctx, web+"/stats/requests", func(body io.Reader) error {
		var report struct {
			State string `json:"state"`
			Stats []struct {
				Name, Method string
				Requests     int     `json:"num_requests"`
				Failures     int     `json:"num_failures"`
				Size         float64 `json:"avg_content_length"`
			} `json:"stats"`
		}
		if err := json.NewDecoder(body).Decode(&report); err != nil {
			return err
		}
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

// await asks url until check takes the answer.
func await(ctx context.Context, url string, check func(io.Reader) error) error {
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		err := get(ctx, url, check)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Now().After(deadline):
			return fmt.Errorf("waited %v for %s: %w", patience, url, err)
		}
	}
}

func get(ctx context.Context, url string, check func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return check(res.Body)
}

// post sends a form of the web UI.
func post(url string, form url.Values) error {
	res, err := http.PostForm(url, form)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var reply struct {
		Success bool
		Message string
	}
	if err := json.NewDecoder(res.Body).Decode(&reply); err != nil {
		return fmt.Errorf("%s: %s: %w", url, res.Status, err)
	}
	if !reply.Success {
		return fmt.Errorf("%s: %s %q", url, res.Status, reply.Message)
	}
	return nil
}

func freePorts(n int) ([]int, error) {
	var ports []int
	var held []net.Listener // until all are found, so that they differ
	var err error
	for len(ports) < n && err == nil {
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err == nil {
			held, ports = append(held, l), append(ports, l.Addr().(*net.TCPAddr).Port)
		}
	}
	for _, l := range held {
		_ = l.Close()
	}
	return ports, err
}

package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/bandwing/bandwing/internal/proctest"
)

// A master is a stock Locust master with its web UI. It may be killed and started again at the same ports.
type master struct {
	*proctest.Process
	t         *testing.T
	port, web string
	class     string
}

// A report is what /stats/requests answers.
type report struct {
	Stats []struct {
		Name        string `json:"name"`
		Method      string `json:"method"`
		NumRequests int    `json:"num_requests"`
		NumFailures int    `json:"num_failures"`
	} `json:"stats"` // the last one is the total
	State     string `json:"state"`
	UserCount int    `json:"user_count"`
}

// requests sums the rows of requests: the rows of dropped arrivals are none.
func (r report) requests() (requests, failures, dropped int) {
	for _, row := range r.Stats[:max(len(r.Stats)-1, 0)] {
		if row.Method == "DROPPED" {
			dropped += row.NumRequests
			continue
		}
		requests += row.NumRequests
		failures += row.NumFailures
	}
	return requests, failures, dropped
}

func newMaster(t *testing.T, class string) *master {
	t.Helper()
	return &master{t: t, port: freePort(t), web: freePort(t), class: class}
}

func (m *master) addr() string { return "127.0.0.1:" + m.port }

// run starts the master and waits for its web UI. Its program can be made to stand still with busy.
func (m *master) run() {
	m.t.Helper()
	files := built.stub + "," + filepath.Join(built.root, "e2e", "testdata", "busy.py")
	m.Process = start(m.t, "master", nil, built.locust, "--master", "-f", files,
		"--master-bind-host", "127.0.0.1", "--master-bind-port", m.port, "--web-host", "127.0.0.1", "--web-port", m.web, m.class)
	awaitHTTP(m.t, m.Process, m.url("/"))
}

func (m *master) url(path string) string { return "http://127.0.0.1:" + m.web + path }

// stats reads the table. The master answers from a cache of up to two seconds, so callers poll.
func (m *master) stats() (report, error) {
	var r report
	err := m.get("/stats/requests", &r)
	if err == nil && len(r.Stats) == 0 {
		err = fmt.Errorf("no total line")
	}
	return r, err
}

func (m *master) get(path string, into any) error {
	res, err := http.Get(m.url(path))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// awaitWorkers waits until so many workers are ready or run.
func (m *master) awaitWorkers(n int) {
	m.t.Helper()
	eventually(m.t, patience, fmt.Sprintf("%d workers", n), func() error {
		var reply struct {
			Count int `json:"worker_count"`
		}
		err := m.get("/worker-count", &reply)
		if err == nil && reply.Count != n {
			err = fmt.Errorf("%d workers", reply.Count)
		}
		return err
	})
}

func (m *master) awaitState(state string) {
	m.t.Helper()
	eventually(m.t, patience, "state "+state, func() error {
		r, err := m.stats()
		if err == nil && r.State != state {
			err = fmt.Errorf("state %q", r.State)
		}
		return err
	})
}

func (m *master) swarm(users int, host string) {
	m.t.Helper()
	m.post("/swarm", url.Values{"user_count": {strconv.Itoa(users)}, "spawn_rate": {strconv.Itoa(users)}, "host": {host}})
}

func (m *master) stop() {
	m.t.Helper()
	m.post("/stop", nil)
}

// busy makes the master's program stand still, as a slow listener does.
func (m *master) busy(seconds int) {
	m.t.Helper()
	res, err := http.Post(m.url(fmt.Sprintf("/busy?seconds=%d", seconds)), "", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		m.t.Fatal(res.Status)
	}
}

// post sends a form and requires the master's consent.
func (m *master) post(path string, form url.Values) {
	m.t.Helper()
	res, err := http.PostForm(m.url(path), form)
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	var reply struct {
		Success bool `json:"success"`
	}
	if err := json.Unmarshal(body, &reply); err != nil || !reply.Success {
		m.t.Fatalf("%s answered %s: %s", path, res.Status, body)
	}
}

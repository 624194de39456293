package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/internal/redistest"
)

const (
	// startPatience is how long a program may take to answer. It bounds a
	// failure, not a success.
	startPatience = 60 * time.Second
	stopPatience  = 20 * time.Second
)

// A cluster is one whole system of a test. Everything in it ends with the test,
// and the logs are shown when the test has failed.
type cluster struct {
	t          *testing.T
	redis      *redistest.Server
	apiURL     string
	web        *webUI
	masterPort int
	masterProc *proctest.Process
	processes  []*proctest.Process
}

// newCluster starts Redis, the API and a stock master whose users load target,
// or the API when target is empty.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, redis: redistest.Start(t)}
	apiPort := freePort(t)
	c.apiURL = fmt.Sprintf("http://127.0.0.1:%d", apiPort)
	c.start("api", []string{
		fmt.Sprintf("API_ADDR=127.0.0.1:%d", apiPort),
		"REDIS_HOST=" + c.redis.Host, fmt.Sprintf("REDIS_PORT=%d", c.redis.Port),
	}, built.api)
	c.awaitHTTP(c.apiURL + "/readyz")
	c.masterPort = freePort(t)
	c.web = &webUI{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", freePort(t))}
	return c
}

// startMaster starts the stock master on the cluster's ports.
func (c *cluster) startMaster(args ...string) {
	c.t.Helper()
	_, webPort, _ := strings.Cut(strings.TrimPrefix(c.web.url, "http://"), ":")
	c.masterProc = c.start("master", nil, built.locust, append([]string{
		"--master", "-f", filepath.Join(built.root, "locustfile.py"),
		"--master-bind-host", "127.0.0.1", "--master-bind-port", fmt.Sprint(c.masterPort),
		"--web-host", "127.0.0.1", "--web-port", webPort,
	}, args...)...)
	c.awaitHTTP(c.web.url + "/")
}

// startWorker starts a Go worker.
func (c *cluster) startWorker(args ...string) *proctest.Process {
	c.t.Helper()
	return c.start("go-worker", nil, built.worker, append([]string{
		"--worker", "--master-host", "127.0.0.1", "--master-port", fmt.Sprint(c.masterPort),
	}, args...)...)
}

// startPythonWorker starts a stock worker on the same locustfile.
func (c *cluster) startPythonWorker() *proctest.Process {
	c.t.Helper()
	return c.start("python-worker", nil, built.locust,
		"--worker", "-f", filepath.Join(built.root, "locustfile.py"),
		"--master-host", "127.0.0.1", "--master-port", fmt.Sprint(c.masterPort))
}

// start runs a program until the test ends.
func (c *cluster) start(name string, env []string, program string, args ...string) *proctest.Process {
	c.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = c.t.TempDir()
	cmd.Env = append(os.Environ(), env...)
	p, err := proctest.Start(cmd, filepath.Join(cmd.Dir, name+".log"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.processes = append(c.processes, p)
	c.t.Cleanup(func() {
		if !p.Stop(stopPatience) {
			c.t.Errorf("%s did not end on SIGTERM within %v", name, stopPatience)
		}
		if strings.Contains(p.Log(), "DATA RACE") {
			c.t.Errorf("%s has a data race", name)
		}
		if c.t.Failed() {
			c.t.Log(p.LogTail())
		}
	})
	return p
}

// forget makes the cluster indifferent to the end of a process.
func (c *cluster) forget(p *proctest.Process) {
	c.processes = slices.DeleteFunc(c.processes, func(other *proctest.Process) bool { return other == p })
}

// awaitHTTP waits until url answers 200.
func (c *cluster) awaitHTTP(url string) {
	c.t.Helper()
	eventually(c.t, startPatience, "an answer of "+url, func() error {
		for _, p := range c.processes {
			if p.Exited() {
				c.t.Fatalf("a process has ended:\n%s", p.LogTail())
			}
		}
		res, err := http.Get(url)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", res.Status)
		}
		return nil
	})
}

// eventually calls check until it returns nil and fails the test with its last
// error when that takes too long.
func eventually(t *testing.T, patience time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s: %v", patience, what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	ports, err := proctest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}

// Package lab runs what benchmarks measure: programs, stock Locust masters, and runs by way of their web UI.
package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

// stopTimeout is how long a program may take to end before it is killed.
const stopTimeout = 10 * time.Second

// A Lab is the programs of one benchmark. It belongs to one goroutine.
type Lab struct {
	dir       string // of their logs
	processes []*proctest.Process
}

// New returns a lab in which nothing runs.
func New() (*Lab, error) {
	dir, err := os.MkdirTemp("", "bandwing-bench-")
	return &Lab{dir: dir}, err
}

// Close ends all programs, the one started last first.
func (l *Lab) Close() {
	for i := len(l.processes) - 1; i >= 0; i-- {
		Stop(l.processes[i])
	}
	_ = os.RemoveAll(l.dir)
}

// Start runs a program until Close.
func (l *Lab) Start(name string, cmd *exec.Cmd) (*proctest.Process, error) {
	p, err := proctest.Start(cmd, filepath.Join(l.dir, name+".log"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w (run `make deps build`)", name, err)
	}
	l.processes = append(l.processes, p)
	return p, nil
}

// Stop ends a program, which may be gone already.
func Stop(p *proctest.Process) { p.Stop(stopTimeout) }

// A Master is a stock Locust master.
type Master struct {
	*proctest.Process
	Web  Web
	port int
}

// StartMaster runs `locust --master` with the locustfile on free ports of this machine. It does not wait for it.
func (l *Lab) StartMaster(name, locust, locustfile string, args ...string) (*Master, error) {
	ports, err := proctest.FreePorts(2)
	if err != nil {
		return nil, err
	}
	args = append([]string{
		"--master", "-f", locustfile, "--master-bind-host", "127.0.0.1", "--master-bind-port", strconv.Itoa(ports[0]),
		"--web-host", "127.0.0.1", "--web-port", strconv.Itoa(ports[1]),
	}, args...)
	p, err := l.Start(name, exec.Command(locust, args...))
	return &Master{Process: p, Web: Web(fmt.Sprintf("http://127.0.0.1:%d", ports[1])), port: ports[0]}, err
}

// Join returns the arguments of a worker of this master.
func (m *Master) Join() []string {
	return []string{"--worker", "--master-host", "127.0.0.1", "--master-port", strconv.Itoa(m.port)}
}

// AwaitWorkers waits until so many workers are ready.
func (m *Master) AwaitWorkers(ctx context.Context, n int) error {
	var reply struct {
		Count int `json:"worker_count"`
	}
	return m.Web.Await(ctx, "/worker-count", &reply, func() error {
		if reply.Count != n {
			return fmt.Errorf("%d workers", reply.Count)
		}
		return nil
	})
}

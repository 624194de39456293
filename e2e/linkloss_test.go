package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/faultproxy"
	"github.com/bandwing/bandwing/internal/proctest"
)

// backInService is how long a worker may take to be back after its master is.
// The limit of the design is 5 s; the rest is for a slow machine.
const backInService = 15 * time.Second

// What a worker logs when a master has taken it in, and when its master has
// recognised it.
const (
	registered = "registered with the Locust master"
	sameMaster = "back with the same master"
)

// A lossCase breaks the link of one of two workers in the middle of a run and
// mends it again.
type lossCase struct {
	name   string
	breaks func(c *cluster, p *faultproxy.Proxy)
	lasts  time.Duration
	mends  func(c *cluster, p *faultproxy.Proxy)
	back   string // what the worker logs once more when it is back; may be empty
}

func lossCases() []lossCase {
	cut := func(_ *cluster, p *faultproxy.Proxy) { p.Cut() }
	restore := func(_ *cluster, p *faultproxy.Proxy) { p.Restore() }
	return []lossCase{
		{"cut for 2 s", cut, 2 * time.Second, restore, sameMaster},
		{"cut for 10 s", cut, 10 * time.Second, restore, sameMaster},
		{"cut for 90 s", cut, 90 * time.Second, restore, registered},
		{"half open", func(c *cluster, p *faultproxy.Proxy) {
			if err := p.Strand(); err != nil {
				c.t.Fatal(err)
			}
		}, 0, func(*cluster, *faultproxy.Proxy) {}, registered},
		{
			"paused master", func(c *cluster, _ *faultproxy.Proxy) { c.masterProc.Signal(syscall.SIGSTOP) },
			15 * time.Second, func(c *cluster, _ *faultproxy.Proxy) { c.masterProc.Signal(syscall.SIGCONT) }, "",
		},
	}
}

// TestLinkLossLosesNothing breaks a worker's link to a master that lives on: the
// rows' sum is what the API has served, whatever happened.
//
// Conformance: T9, B6, D3
func TestLinkLossLosesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range lossCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.startMaster()
			proxy := newProxy(t, c.masterPort)
			c.startWorker()
			worker := c.startWorker("--master-port", proxy.Port())
			c.web.awaitWorkers(2)
			before := c.served()
			c.web.swarm(20, c.apiURL)
			c.web.awaitState("running", 20)
			awaitRequests(c, 200)

			tt.breaks(c, proxy)
			time.Sleep(tt.lasts) // the length of the loss is what the case is about
			tt.mends(c, proxy)

			awaitBack(c, worker, tt)
			c.web.stop()
			finalReport(c, c.served()-before)
			if worker.Exited() {
				t.Error("the worker has ended")
			}
		})
	}
}

// awaitBack waits until the worker serves the master again, and then for one
// more round of reports.
func awaitBack(c *cluster, worker *proctest.Process, tt lossCase) {
	c.t.Helper()
	patience, times := backInService, 1
	if tt.lasts == 0 {
		patience += 15 * time.Second // it must find out first that the link is dead
	}
	if tt.back == registered {
		times = 2
	}
	eventually(c.t, patience, "the worker to be back", func() error {
		if n := strings.Count(worker.Log(), tt.back); n < times {
			return fmt.Errorf("%d lines of %q", n, tt.back)
		}
		return nil
	})
	was := c.served()
	awaitRequests(c, was+100)
}

// TestMasterRestart kills the master in a run and starts another at its address:
// the worker serves it, and the new run holds no sample of the old one.
//
// Conformance: H7
func TestMasterRestart(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	c.startWorker()
	c.web.awaitWorkers(1)
	c.web.swarm(10, c.apiURL)
	awaitRequests(c, 100)
	c.masterProc.Signal(syscall.SIGKILL)
	<-c.masterProc.Done()
	c.forget(c.masterProc)

	c.startMaster()
	c.web.awaitWorkers(1)
	r, err := c.web.stats()
	if err != nil {
		t.Fatal(err)
	}
	if n := r.total().NumRequests; n != 0 {
		t.Errorf("the new master's table begins with %d requests", n)
	}
	before := c.served()
	c.web.swarm(10, c.apiURL)
	awaitRequests(c, 100)
	c.web.stop()
	finalReport(c, c.served()-before)
}

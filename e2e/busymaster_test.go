package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A busyCase is a stock master whose program stands still for a time in some phase of
// a run. A stock worker survives up to 60 s.
type busyCase struct {
	seconds int
	phase   string
	workers int
}

// busyCases are three of them, one for each phase, or all with BUSY_MASTER=all (make
// test-busy-master).
func busyCases() []busyCase {
	if os.Getenv("BUSY_MASTER") != "all" {
		return []busyCase{{12, "running", 2}, {12, "spawning", 1}, {12, "stopping", 2}}
	}
	var cases []busyCase
	for _, seconds := range []int{1, 5, 8, 12, 15, 20, 30, 45, 58} {
		for _, phase := range []string{"running", "spawning", "stopping"} {
			for _, workers := range []int{1, 2} {
				cases = append(cases, busyCase{seconds, phase, workers})
			}
		}
	}
	return cases
}

// TestABusyMasterLosesNothing: the worker keeps the connection, its users go on, and
// the table has exactly what the API has served.
func TestABusyMasterLosesNothing(t *testing.T) {
	t.Parallel()
	for _, tt := range busyCases() {
		t.Run(fmt.Sprintf("%s for %ds with %d workers", tt.phase, tt.seconds, tt.workers), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.startMaster("-f", filepath.Join(built.root, "e2e", "testdata", "busy.py"))
			for range tt.workers {
				c.startWorker()
			}
			c.web.awaitWorkers(tt.workers)
			before := c.served()
			c.web.swarm(10, c.apiURL)
			c.web.awaitState("running", 10)
			awaitRequests(c, 100)
			switch tt.phase {
			case "running":
				c.busy(tt.seconds)
			case "spawning":
				c.busy(tt.seconds)
				c.web.swarm(20, c.apiURL) // taken before the program stands still, or after
			case "stopping":
				c.busy(tt.seconds)
				c.web.stop()
			}
			time.Sleep(time.Duration(tt.seconds) * time.Second) // what the case is about
			if tt.phase != "stopping" {
				c.web.awaitWorkers(tt.workers)
				awaitRequests(c, 200)
				c.web.stop()
			}
			finalReport(c, c.served()-before)
			c.web.awaitWorkers(tt.workers) // no other has come beside them
		})
	}
}

// busy makes the master's program stand still.
func (c *cluster) busy(seconds int) {
	c.t.Helper()
	res, err := http.Post(fmt.Sprintf("%s/busy?seconds=%d", c.web.url, seconds), "", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		c.t.Fatal(res.Status)
	}
}

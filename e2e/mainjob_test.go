package e2e

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kinds are one row of each kind of task that every run must show.
var kinds = map[string]string{
	"READ":   "/api/v1/get_json",
	"WRITE":  "/api/v1/add_random_small_json",
	"UPDATE": "/api/v1/updateField",
	"APPEND": "/api/v1/appendString",
}

// checkKinds fails unless rows of all kinds are there and no request has failed.
func checkKinds(t *testing.T, r report) {
	t.Helper()
	for kind, name := range kinds {
		if !slices.ContainsFunc(r.rows(), func(row row) bool { return row.Name == name && row.NumRequests > 0 }) {
			t.Errorf("no %s row %q in the table", kind, name)
		}
	}
	if n := r.total().NumFailures; n != 0 || len(r.Errors) != 0 {
		t.Errorf("%d failures: %+v", n, r.Errors)
	}
}

// awaitRequests waits until the table shows at least so many requests.
func awaitRequests(c *cluster, n int) {
	c.t.Helper()
	// A second for every 50 requests at least: Python workers on a slow machine.
	limit := startPatience + time.Duration(n/50)*time.Second
	eventually(c.t, limit, fmt.Sprintf("%d requests", n), func() error {
		r, err := c.web.stats()
		if err == nil && r.total().NumRequests < n {
			err = fmt.Errorf("%d requests", r.total().NumRequests)
		}
		return err
	})
}

// finalReport polls until the table holds want requests; the master caches it,
// and tells in the end what is wrong when they never match.
func finalReport(c *cluster, want int) report {
	c.t.Helper()
	var r report
	eventually(c.t, 10*time.Second, fmt.Sprintf("a table of %d requests", want), func() (err error) {
		if r, err = c.web.stats(); err == nil && r.requests(c.t) != want {
			err = fmt.Errorf("the rows sum to %d requests", r.requests(c.t))
		}
		return err
	})
	return r
}

// TestMainJob is the whole system's reason to be: 50 users on two workers fill
// rows of all four kinds without a failure, and the rows' sum is what the API
// itself counted, exactly.
func TestMainJob(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	c.startWorker()
	c.startWorker()
	c.web.awaitWorkers(2)
	for run := range 2 { // the second run must not see a sample of the first
		before := c.served()
		c.web.swarm(50, c.apiURL)
		running := c.web.awaitState("running", 50)
		for _, w := range running.Workers {
			if w.UserCount != 25 {
				t.Errorf("run %d: worker %s has %d users; want 25", run, w.ID, w.UserCount)
			}
		}
		awaitRequests(c, 2000)
		c.web.stop()
		served := c.served() - before
		checkKinds(t, finalReport(c, served))
	}
}

// TestStopInFlight stops while every user waits for an answer that takes 400 ms:
// all of them come back within the drain timeout and are counted.
//
// Conformance: X9
func TestStopInFlight(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	worker := c.startWorker()
	c.web.awaitWorkers(1)
	target := newSlowTarget(t, c.apiURL, 400*time.Millisecond)
	c.web.swarm(30, target.URL)
	c.web.awaitState("running", 30)
	awaitRequests(c, 60)
	target.awaitInFlight(t, 10)
	c.web.stop()
	checkFailures(t, finalReport(c, int(target.served.Load())))
	worker.Signal(syscall.SIGTERM)
	if code := worker.ExitCode(); code != 0 {
		t.Errorf("the worker's exit code is %d; want 0", code)
	}
	if cut, err := logValue(worker.Log(), "requests_cut"); err != nil || cut != 0 {
		t.Errorf("%d requests cut (%v); want 0", cut, err)
	}
}

// TestStopCutsWhatDoesNotComeBack stops while answers take longer than the drain
// timeout: served = reported + cut, and a cut request leaves no row.
//
// Conformance: L12
func TestStopCutsWhatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	worker := c.startWorker("--drain-timeout", "100ms")
	c.web.awaitWorkers(1)
	target := newSlowTarget(t, c.apiURL, 1500*time.Millisecond)
	c.web.swarm(30, target.URL)
	c.web.awaitState("running", 30)
	awaitRequests(c, 30)
	target.awaitInFlight(t, 10)
	c.web.stop()
	worker.Signal(syscall.SIGTERM)
	if code := worker.ExitCode(); code != 0 {
		t.Errorf("the worker's exit code is %d; want 0", code)
	}
	cut, err := logValue(worker.Log(), "requests_cut")
	if err != nil || cut == 0 {
		t.Errorf("%d requests cut (%v); want some", cut, err)
	}
	checkFailures(t, finalReport(c, int(target.served.Load())-cut))
}

func checkFailures(t *testing.T, r report) {
	t.Helper()
	if n := r.total().NumFailures; n != 0 {
		t.Errorf("%d failures: %+v", n, r.Errors)
	}
}

// TestSignalDeliversTheLastSamples ends a worker with SIGTERM in the middle of a
// run: what it had recorded is in the table.
//
// Conformance: Q8
func TestSignalDeliversTheLastSamples(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	worker := c.startWorker()
	c.web.awaitWorkers(1)
	before := c.served()
	c.web.swarm(20, c.apiURL)
	awaitRequests(c, 200)
	worker.Signal(syscall.SIGTERM)
	if code := worker.ExitCode(); code != 0 {
		t.Errorf("the worker's exit code is %d; want 0", code)
	}
	finalReport(c, c.served()-before)
	recorded, err1 := logValue(worker.Log(), "samples_recorded")
	confirmed, err2 := logValue(worker.Log(), "confirmed")
	if recorded != confirmed || err1 != nil || err2 != nil {
		t.Errorf("recorded %d (%v), confirmed %d (%v)", recorded, err1, confirmed, err2)
	}
}

// TestWorkerFirst starts the worker when there is no master yet.
//
// Conformance: H5
func TestWorkerFirst(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startWorker()
	c.startMaster()
	c.web.awaitWorkers(1)
	before := c.served()
	c.web.swarm(5, c.apiURL)
	awaitRequests(c, 50)
	c.web.stop()
	finalReport(c, c.served()-before)
}

// TestPythonAndGoWorkersTogether runs one of each in one run: the table has the
// rows that a Go worker alone makes, no other.
//
// Conformance: D1
func TestPythonAndGoWorkersTogether(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	c.startWorker()
	c.web.awaitWorkers(1)
	c.web.swarm(20, c.apiURL)
	awaitRequests(c, 1500)
	c.web.stop()
	alone := names(c.web.awaitState("stopped", 0))

	c.startPythonWorker()
	c.web.awaitWorkers(2)
	c.web.swarm(20, c.apiURL)
	both := c.web.awaitState("running", 20)
	for _, w := range both.Workers {
		if w.UserCount != 10 {
			t.Errorf("worker %s has %d users; want 10", w.ID, w.UserCount)
		}
	}
	awaitRequests(c, 1500)
	c.web.stop()
	r := c.web.awaitState("stopped", 0)
	checkKinds(t, r)
	if together := names(r); !slices.Equal(alone, together) {
		t.Errorf("rows of a Go worker alone:\n%s\nwith a Python worker beside it:\n%s",
			strings.Join(alone, "\n"), strings.Join(together, "\n"))
	}
}

// names returns the rows' methods and names, sorted.
func names(r report) []string {
	var all []string
	for _, row := range r.rows() {
		all = append(all, row.Method+" "+row.Name)
	}
	slices.Sort(all)
	return all
}

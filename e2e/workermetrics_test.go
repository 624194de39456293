package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// seriesForm is one line of a metrics page.
var seriesForm = regexp.MustCompile(`^(bandwing_worker_[a-z_]+)(\{.*\})? ([-+.0-9eInf]+)$`)

// Worker figures are the metrics of one worker or the sum of several: name and
// labels to value.
type workerFigures map[string]float64

// add reads what a worker shows of itself.
func (f workerFigures) add(port int) error {
	res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		m := seriesForm.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		v, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return err
		}
		f[m[1]+m[2]] += v
	}
	return lines.Err()
}

// sum adds all series of a metric up.
func (f workerFigures) sum(name string) int {
	sum := 0.0
	for series, v := range f {
		if series == name || strings.HasPrefix(series, name+"{") {
			sum += v
		}
	}
	return int(sum)
}

// freePair returns a free port that is followed by another.
func freePair(t *testing.T) int {
	t.Helper()
	for {
		port := freePort(t)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
			_ = l.Close()
			return port
		}
	}
}

// masterRow is the row of the requests that the master itself sends at the start
// of a run.
const masterRow = "/api/v1/keys"

// workersRequests sums the rows that workers fill.
func workersRequests(r report) int {
	sum := 0
	for _, row := range r.rows() {
		if row.Name != masterRow {
			sum += row.NumRequests
		}
	}
	return sum
}

// TestWorkerMetrics runs 40 users on two processes that serve their metrics, twice:
// what they show is what they recorded, what the master's table holds and what the
// API has counted, in each row and in all.
func TestWorkerMetrics(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster()
	port := freePair(t)
	c.startWorker("--processes", "2", "--metrics-addr", fmt.Sprintf("127.0.0.1:%d", port))
	c.web.awaitWorkers(2)
	both := func() (workerFigures, error) {
		f := workerFigures{}
		return f, errors.Join(f.add(port), f.add(port+1))
	}
	before, inAll := c.served(), 0 // the workers' requests of both runs
	for run := range 2 {           // the counters of the second go on where those of the first stopped
		c.web.swarm(40, c.apiURL)
		c.web.awaitState("running", 40)
		awaitRequests(c, 500)
		f, err := both()
		for series, want := range map[string]int{"users": 40, "open_connections": 40, `link_state{state="registered"}`: 2} {
			if got := f.sum("bandwing_worker_" + series); got != want {
				t.Errorf("run %d: %s is %d (%v), want %d", run, series, got, err, want)
			}
		}
		c.web.stop()
		now := c.served()
		table := finalReport(c, now-before)
		before = now
		inAll += workersRequests(table)
		eventually(t, startPatience, "every sample to be confirmed", func() (err error) {
			if f, err = both(); err == nil && f.sum("bandwing_worker_samples_pending") != 0 {
				err = fmt.Errorf("%d pending", f.sum("bandwing_worker_samples_pending"))
			}
			return err
		})
		checkFigures(t, f, inAll)
		for _, row := range table.rows() {
			series := fmt.Sprintf("bandwing_worker_requests_total{method=%q,name=%q}", row.Method, row.Name)
			if got := int(f[series]); row.Name != masterRow && (got < row.NumRequests || (run == 0 && got != row.NumRequests)) {
				t.Errorf("run %d: %s is %d; the master's row %d", run, series, got, row.NumRequests)
			}
		}
	}
}

// checkFigures looks at workers that have delivered all of their n samples and have
// no users.
func checkFigures(t *testing.T, f workerFigures, n int) {
	t.Helper()
	for _, name := range []string{
		"requests_total", "samples_recorded_total", "samples_confirmed_total", "request_duration_seconds_count",
	} {
		if got := f.sum("bandwing_worker_" + name); got != n {
			t.Errorf("%s sums to %d; the master's tables and the API to %d", name, got, n)
		}
	}
	for _, name := range []string{"users", "open_connections", "failures_total", "requests_cut_total", "samples_discarded_total"} {
		if got := f.sum("bandwing_worker_" + name); got != 0 {
			t.Errorf("%s sums to %d at the end", name, got)
		}
	}
	if f.sum("bandwing_worker_scheduler_lateness_seconds_count") == 0 {
		t.Error("nobody woke")
	}
}

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

// A pathTarget answers after a while and counts what it has been asked for, by path.
type pathTarget struct {
	*httptest.Server
	browse, other, inFlight atomic.Int64
}

func newPathTarget(t *testing.T, delay time.Duration) *pathTarget {
	t.Helper()
	p := &pathTarget{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.inFlight.Add(1)
		defer p.inFlight.Add(-1)
		if r.URL.Path == "/browse" {
			p.browse.Add(1)
		} else {
			p.other.Add(1)
		}
		time.Sleep(delay)
		_, _ = w.Write([]byte("ok"))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pathTarget) served() int { return int(p.browse.Load() + p.other.Load()) }

// awaitServed waits until so many more requests have been served.
func (p *pathTarget) awaitServed(t *testing.T, more int) {
	t.Helper()
	want := p.served() + more
	eventually(t, startPatience, fmt.Sprintf("%d requests", want), func() error {
		if n := p.served(); n < want {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
}

// droppedOf returns the requests in rows of type DROPPED, and those in all others.
func droppedOf(r report) (dropped, sent int) {
	for _, row := range r.rows() {
		if row.Method == "DROPPED" {
			dropped += row.NumRequests
		} else {
			sent += row.NumRequests
		}
	}
	return dropped, sent
}

// awaitOpenTable waits until the table has so many requests that are not dropped
// arrivals, and returns the number of those.
func awaitOpenTable(l *lab, want int) (dropped int) {
	l.t.Helper()
	eventually(l.t, startPatience, fmt.Sprintf("a table of %d requests", want), func() error {
		r, err := l.web.stats()
		if err != nil {
			return err
		}
		var sent int
		if dropped, sent = droppedOf(r); sent != want {
			return fmt.Errorf("%d requests and %d dropped", sent, dropped)
		}
		return nil
	})
	return dropped
}

var arrivalsEnded = regexp.MustCompile(`arrivals ended.* due=(\d+) iterations_started=(\d+) dropped=(\d+)`)

// arrivalsOf returns what became of a worker's arrivals since it was started.
func arrivalsOf(t *testing.T, worker *proctest.Process) (due, started, dropped int) {
	t.Helper()
	all := arrivalsEnded.FindAllStringSubmatch(worker.Log(), -1)
	if len(all) == 0 {
		t.Fatalf("no line about arrivals in the log:\n%s", worker.LogTail())
	}
	var n [3]int
	for i, text := range all[len(all)-1][1:] {
		n[i], _ = strconv.Atoi(text) // digits
	}
	return n[0], n[1], n[2]
}

// TestOpenModel: a class with arrivals on two workers of a stock master, through tags,
// --config-users, changes of users and of the rate in the web UI, an edit of the class
// and a restart of the master. What the target has counted is what was started, and
// what the master shows, at the end of each run.
func TestOpenModel(t *testing.T) {
	t.Parallel()
	l := started(t, plan{file: "open.py", master: []string{"--stop-timeout", "10", "--tags", "browse"}})
	target := newPathTarget(t, 200*time.Millisecond)
	config := fmt.Sprintf(`{"user_class_name": "Visitor", "host": %q}`, target.URL)
	workers := make([]*proctest.Process, 2)
	for i := range workers {
		workers[i] = l.start(fmt.Sprint("open-worker-", i), nil, built.openWorker, "--master-host", "127.0.0.1",
			"--master-port", strconv.Itoa(l.masterPort), "--config-users", config, "--drain-timeout", "60")
	}
	l.awaitWorkers(2)
	dropped := openRun(l, target)
	l.awaitWorkers(2) // which are ready again when the stop timeout has passed
	dropped += openRestart(l, target)

	var due, begun, lost int
	for _, worker := range workers {
		worker.Signal(syscall.SIGTERM)
		if code := worker.ExitCode(); code != 0 {
			t.Errorf("a worker's exit code is %d; want 0", code)
		}
		d, s, drop := arrivalsOf(t, worker)
		due, begun, lost = due+d, begun+s, lost+drop
	}
	if due != begun+lost || begun != target.served() || lost < dropped {
		t.Errorf("%d arrivals due, %d iterations started, %d dropped; the target has served %d, and the runs' tables have %d dropped",
			due, begun, lost, target.served(), dropped)
	}
}

// openRun has 4 users at 5 a second, then 8 users at 20: eight times as many arrivals,
// which are more than 16 visitors can serve in 200 ms each. It returns how many were
// dropped.
func openRun(l *lab, target *pathTarget) (dropped int) {
	l.t.Helper()
	l.begin(4, url.Values{"visitor_rate": {"5"}})
	l.web.awaitState("running", 4)
	target.awaitServed(l.t, 40)
	if n := target.other.Load(); n > 0 {
		l.t.Errorf("%d requests of the task that the tags exclude", n)
	}
	l.begin(8, url.Values{"visitor_rate": {"20"}})
	l.web.awaitState("running", 8)
	target.awaitServed(l.t, 100)
	l.web.send("/user", `{"user_class_name": "Visitor", "tasks": ["other"]}`)
	eventually(l.t, startPatience, "the edit of the class", func() error {
		if n := target.other.Load(); n < 50 {
			return fmt.Errorf("%d requests of the task that it names", n)
		}
		return nil
	})
	l.stop()
	l.web.awaitState("stopped", 0)
	if dropped = awaitOpenTable(l, target.served()); dropped == 0 {
		l.t.Error("no arrival was dropped at twice the rate that 16 visitors can serve")
	}
	return dropped
}

// openRestart kills the master in a run. The run under the next one has nothing of
// that run. It returns how many arrivals of it were dropped.
func openRestart(l *lab, target *pathTarget) (dropped int) {
	l.t.Helper()
	l.begin(2, url.Values{"visitor_rate": {"5"}})
	target.awaitServed(l.t, 5)
	l.forget(l.masterProc)
	l.masterProc.Signal(syscall.SIGKILL)
	l.runMaster(l.web.url)
	l.awaitHTTP(l.web.url + "/")
	l.awaitWorkers(2)
	eventually(l.t, startPatience, "the end of the old run's requests", func() error {
		if n := target.inFlight.Load(); n > 0 {
			return fmt.Errorf("%d in flight", n)
		}
		return nil
	})
	before := target.served()
	l.begin(6, url.Values{"visitor_rate": {"5"}})
	l.web.awaitState("running", 6)
	target.awaitServed(l.t, 60)
	l.stop()
	l.web.awaitState("stopped", 0)
	return awaitOpenTable(l, target.served()-before)
}

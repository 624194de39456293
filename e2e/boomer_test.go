package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestBoomerProgram: a program written for boomer serves the classes of a stock
// master. What its target has served is in the table, after a stop with requests in
// flight, and after a lost connection; its panics are exceptions.
func TestBoomerProgram(t *testing.T) {
	t.Parallel()
	l := started(t, plan{file: "boomer.py"})
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("a page"))
	}))
	t.Cleanup(page.Close)
	proxy := newProxy(t, l.masterPort)
	target := newSlowTarget(t, page.URL, 200*time.Millisecond)
	worker := l.start("boomer-worker", nil, built.boomerWorker,
		"-master-host", "127.0.0.1", "--master-port", proxy.Port(), "--target", target.URL, "--max-rps=100000")
	l.awaitWorkers(1)
	for run, isCut := range []bool{false, true} {
		before := target.served.Load()
		l.begin(20, nil)
		l.web.awaitState("running", 20)
		awaitRequests(l.cluster, 60)
		if isCut {
			proxy.Cut()
			time.Sleep(2 * time.Second) // the length of the loss
			proxy.Restore()
			eventually(t, backInService, "the worker to be back", func() error {
				if !strings.Contains(worker.Log(), sameMaster) {
					return fmt.Errorf("no %q in its log", sameMaster)
				}
				return nil
			})
		}
		target.awaitInFlight(t, 10)
		l.stop()
		r := finalReport(l.cluster, int(target.served.Load()-before))
		checkFailures(t, r)
		if rows := r.rows(); len(rows) != 1 || rows[0].Name != "/page" {
			t.Errorf("run %d has the rows %+v", run, rows)
		}
	}
	checkException(t, l, "out of stock")
	worker.Signal(syscall.SIGTERM)
	if code := worker.ExitCode(); code != 0 {
		t.Errorf("the worker's exit code is %d; want 0", code)
	}
}

// checkException fails unless the web UI shows an exception with that text.
func checkException(t *testing.T, l *lab, want string) {
	t.Helper()
	eventually(t, 10*time.Second, "the exception "+want, func() error {
		var page struct {
			Exceptions []struct{ Msg, Traceback string }
		}
		if err := getJSON(l.web.url+"/exceptions", &page); err != nil {
			return err
		}
		for _, e := range page.Exceptions {
			if strings.Contains(e.Msg, want) && strings.Contains(e.Traceback, "main.fail") {
				return nil
			}
		}
		return fmt.Errorf("%+v", page.Exceptions)
	})
}

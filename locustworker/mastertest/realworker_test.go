package mastertest

import (
	"bytes"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// slowly is how long the stock worker may take for anything, its start above all.
const slowly = time.Minute

// startStockWorker runs a Python worker, which must have ended well by itself when
// the test ends.
func startStockWorker(t *testing.T, m *Master) {
	t.Helper()
	host, port, err := net.SplitHostPort(m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(pythontest.Interpreter(t), "-m", "locust", "-f", "locustfile.py", "--worker", "--master-host", host, "--master-port", port)
	cmd.Dir = "testdata"
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			_ = cmd.Process.Kill()
		}
		kill := time.AfterFunc(slowly, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the stock worker: %v\n%s", err, out.String())
		}
	})
}

// A stock Python worker goes through two test runs, a cut and a quit without a
// violation: what the master demands is what the original does.
//
// Conformance: T1, G1
func TestStockWorker(t *testing.T) {
	m := New(t)
	startStockWorker(t, m)
	ready := m.WaitFor("client_ready", slowly)
	if version, ok := ready.Data.(string); !ok || !strings.Contains(version, ".") {
		t.Errorf("version %v", ready.Data)
	}
	id := ready.Worker
	m.Expect("heartbeat", "stats", "logs")

	m.Spawn(id, map[string]int{"Alpha": 2, "Beta": 1}, StopTimeout(300*time.Millisecond))
	got := m.Expect("spawning", "spawning_complete")
	if classes := got[1].UserClasses(); classes["Alpha"] != 2 || classes["Beta"] != 1 || got[1].UserCount() != 3 {
		t.Errorf("users %v, %d", classes, got[1].UserCount())
	}
	m.WaitFor("exception", slowly)
	m.WaitUntil("running heartbeat", slowly, func(message Message) bool { return message.State() == "running" })
	full := func(message Message) bool {
		return message.Type == "stats" && len(message.Report().Entries) == 3 && message.UserCount() == 3
	}
	m.WaitUntil("report of three rows", slowly, full)
	checkStockTotals(t, m.Totals())

	m.Cut(id)
	m.Skip()
	m.WaitUntil("report after the cut", slowly, full)

	m.Stop(id)
	m.WaitFor("client_stopped", slowly)
	m.Expect("client_ready")
	m.Spawn(id, map[string]int{"Alpha": 1})
	if got := m.Totals(); got.All != (Count{}) {
		t.Errorf("a new run begins with %+v", got)
	}
	m.WaitFor("spawning_complete", slowly)
	m.Quit(id)
	m.WaitFor("stats", slowly)
	m.WaitFor("quit", slowly)
	checkStockTotals(t, m.Totals())
}

// checkStockTotals knows that each round of a user records three good samples, an
// untimed and a failed one; a round may be cut by a report.
func checkStockTotals(t *testing.T, got Totals) {
	t.Helper()
	ok, untimed, failed := got.Rows[Row{"GET", "/ok"}], got.Rows[Row{"X", "/untimed"}], got.Rows[Row{"POST", "/fail"}]
	rounds := failed.Requests
	if rounds == 0 || ok != (Count{3 * rounds, 0}) || untimed != (Count{rounds, 0}) || failed.Failures != rounds {
		t.Errorf("rows %+v", got.Rows)
	}
	if got.All != (Count{5 * rounds, rounds}) || got.Errors[Row{"POST", "/fail"}]["Exception('bad')"] != rounds {
		t.Errorf("got %+v", got)
	}
}

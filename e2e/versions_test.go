package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// olderSeries returns the older Locusts of requirements/locust-<series>.txt.
func olderSeries(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(built.root, "requirements", "locust-*.txt"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%d older releases (%v); want two at least", len(files), err)
	}
	var all []string
	for _, file := range files {
		series := strings.TrimPrefix(filepath.Base(file), "locust-")
		all = append(all, strings.TrimSuffix(series, ".txt"))
	}
	return all
}

// TestOlderLocust lets a Go worker and a Python worker of an older Locust share
// two runs of a master of that release; the Go worker leaves in the second.
// `make test-versions` runs all conformance tests against each.
func TestOlderLocust(t *testing.T) {
	t.Parallel()
	for _, series := range olderSeries(t) {
		t.Run(series, func(t *testing.T) {
			t.Parallel()
			l := started(t, plan{classes: []string{"Script", "Returner"}, series: series})
			out, err := exec.Command(l.locust, "--version").Output()
			if err != nil || !strings.HasPrefix(string(out), "locust "+series+".") {
				t.Fatalf("%s is %q (%v)", l.locust, out, err)
			}
			golang := l.joinAs(goWorker)
			l.awaitWorkers(1)
			checkQuiet(l)
			l.joinAs(pythonWorker)
			requests, failures := scriptCounts(t)
			const users = 4 // of each class
			for range 2 {
				l.awaitWorkers(2)
				l.begin(2*users, nil)
				p := l.awaitTotal(users * requests)
				if n := p.total("num_failures"); n != users*failures {
					t.Errorf("%d failures; want %d", n, users*failures)
				}
				l.stop()
				l.awaitUsers("stopped", 0)
			}
			l.awaitWorkers(2)
			golang.Signal(syscall.SIGTERM)
			if code := l.awaitExit(golang); code != 0 {
				t.Errorf("the worker's exit code is %d; want 0", code)
			}
			l.awaitWorkers(1)
		})
	}
}

// checkQuiet fails when the master has complained.
func checkQuiet(l *lab) {
	l.t.Helper()
	for _, word := range []string{"WARNING", "ERROR", "CRITICAL", "Traceback"} {
		if log := l.masterProc.Log(); strings.Contains(log, word) {
			l.t.Errorf("the master complains:\n%s", log)
		}
	}
}

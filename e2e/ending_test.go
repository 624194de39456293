package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// stubLab is a lab whose locustfile is the one that the Go worker's command stub
// prints.
func stubLab(t *testing.T, class string, env ...string) *lab {
	t.Helper()
	l := newLab(t, plan{kind: goWorker, classes: []string{class}, env: env})
	text, err := exec.Command(built.testWorker, "stub").Output()
	if err != nil {
		t.Fatal(err)
	}
	l.file = filepath.Join(l.dir, "locustfile.py")
	if err := os.WriteFile(l.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestAWorkerStopsTheRun: ErrAbortRun of a TestStart or of a task stops the run on
// the master and shows as an exception.
func TestAWorkerStopsTheRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		class, text string
		env         []string
		rows        int
	}{
		"TestStart": {"Ticker", "TestStart failed: locustworker: the run is aborted: no test data", []string{"TESTWORKER_ABORT=1"}, 0},
		"a task":    {"Aborter", "the run is aborted: the service is down", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := stubLab(t, c.class, c.env...)
			l.runMaster(l.web.url)
			l.awaitHTTP(l.web.url + "/")
			l.join()
			l.awaitWorkers(1)
			l.begin(3, url.Values{})
			l.awaitPage("a run that was stopped", func(p page) error {
				if p.State != "stopped" || len(p.names()) != c.rows {
					return fmt.Errorf("%s, rows %q", p.State, p.names())
				}
				return nil
			})
			await(t, "the exception", func() (string, error) { return l.web.text("/exceptions") }, func(text string) error {
				if !strings.Contains(text, c.text) {
					return fmt.Errorf("the page has %s", text)
				}
				return nil
			})
		})
	}
}

// TestAWorkerEndsTheTest: Environment.Quit ends master and worker, with or without
// a web UI, and the master exits with its code; what was recorded before is there.
func TestAWorkerEndsTheTest(t *testing.T) {
	t.Parallel()
	for _, web := range []bool{true, false} {
		t.Run(fmt.Sprint("web UI ", web), func(t *testing.T) {
			t.Parallel()
			l := stubLab(t, "Quitter")
			csv := filepath.Join(l.dir, "out")
			if web {
				l.runMaster(l.web.url, "--csv", csv)
				l.awaitHTTP(l.web.url + "/")
			} else {
				l.runMaster("", "--headless", "-u", "1", "--expect-workers", "1", "--csv", csv)
			}
			worker := l.join()
			if web {
				l.awaitWorkers(1)
				l.begin(1, url.Values{})
			}
			if code := l.awaitExit(l.masterProc); code != 7 {
				t.Errorf("the master exits with %d, want 7", code)
			}
			if code := l.awaitExit(worker); code != 0 {
				t.Errorf("the worker exits with %d, want 0", code)
			}
			stats, err := os.ReadFile(csv + "_stats.csv")
			if err != nil || !strings.Contains(string(stats), "/before the end") {
				t.Errorf("the statistics: %v\n%s", err, stats)
			}
		})
	}
}

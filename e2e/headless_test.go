package e2e

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// headlessRun is what a run without a master has left.
type headlessRun struct {
	code int
	rows map[string]int // requests by method and name
	log  string
	dir  string
}

// runHeadless runs the load test without a master. stop, unless nil, ends it.
func (c *cluster) runHeadless(program string, stop func(*exec.Cmd), args ...string) headlessRun {
	c.t.Helper()
	return c.runHeadlessWith(nil, program, stop, args...)
}

// runHeadlessWith is runHeadless with variables of the environment.
func (c *cluster) runHeadlessWith(env []string, program string, stop func(*exec.Cmd), args ...string) headlessRun {
	c.t.Helper()
	dir := c.t.TempDir()
	cmd := exec.Command(program, append([]string{"--headless", "--only-summary", "-H", c.apiURL, "--csv", "out"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	end := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer end.Stop()
	if stop != nil {
		stop(cmd)
	}
	_ = cmd.Wait() // the exit code tells
	return headlessRun{code: cmd.ProcessState.ExitCode(), rows: readRows(c.t, filepath.Join(dir, "out_stats.csv")), log: log.String(), dir: dir}
}

// readRows reads the requests of each row of a CSV file.
func readRows(t *testing.T, name string) map[string]int {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil || len(lines) < 2 {
		t.Fatalf("%s: %d lines, %v", name, len(lines), err)
	}
	rows := map[string]int{}
	for _, line := range lines[1:] {
		if rows[line[0]+" "+line[1]], err = strconv.Atoi(line[2]); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func (r headlessRun) total() int { return r.rows[" Aggregated"] }

// TestHeadless: a run of the load test without a master counts exactly what the API
// has served, has the rows of a Locust without workers, and is judged.
func TestHeadless(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if out, err := exec.Command(built.worker, "data", "-n", "20", "-host", c.apiURL).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	args := []string{"-u", "20", "-r", "20", "-t", "8s"}
	before := c.served()
	ours := c.runHeadless(built.worker, nil, append(args, "--html", "page.html", "--json-file", "rows", "--junit", "junit.xml",
		"--threshold", "fail_ratio < 1%", "--threshold", "name:/api/v1/keys: count >= 5", "--threshold", "count > 100")...)
	if served := c.served() - before; ours.total() != served || served < 200 {
		t.Errorf("the rows sum to %d requests, the API has served %d", ours.total(), served)
	}
	if ours.code != 0 || !strings.Contains(ours.log, "held      fail_ratio < 1%") {
		t.Errorf("exit code %d\n%s", ours.code, ours.log)
	}
	for _, name := range []string{"page.html", "rows.json", "junit.xml", "out_stats_history.csv", "out_failures.csv", "out_exceptions.csv"} {
		if info, err := os.Stat(filepath.Join(ours.dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var rows []any
	if text, err := os.ReadFile(filepath.Join(ours.dir, "rows.json")); err != nil || json.Unmarshal(text, &rows) != nil || len(rows) != len(ours.rows)-1 {
		t.Errorf("rows.json has %d rows; the CSV file has %d: %v", len(rows), len(ours.rows)-1, err)
	}

	theirs := c.runHeadless(built.locust, nil, append(args, "-f", filepath.Join(built.root, "locustfile.py"))...)
	if a, b := slices.Sorted(maps.Keys(ours.rows)), slices.Sorted(maps.Keys(theirs.rows)); !slices.Equal(a, b) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	if ours.code != theirs.code {
		t.Errorf("exit code %d; Locust has %d", ours.code, theirs.code)
	}
}

// TestHeadlessIsInterrupted: Ctrl-C ends a run with all that it leaves, and nothing
// that was served is missing.
func TestHeadlessIsInterrupted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	before := c.served()
	r := c.runHeadless(built.worker, func(cmd *exec.Cmd) {
		eventually(t, startPatience, "500 requests", func() error {
			if n := c.served() - before; n < 500 {
				return fmt.Errorf("%d requests", n)
			}
			return nil
		})
		_ = cmd.Process.Signal(syscall.SIGINT)
	}, "-u", "30", "-r", "30", "--html", "page.html", "RedisJSONUser", "--threshold", "p(50) < 1us")
	served := c.served() - before
	cut, err := logValue(r.log, "requests_cut")
	if err != nil || r.total()+cut != served {
		t.Errorf("%d requests reported and %d cut (%v), %d served", r.total(), cut, err, served)
	}
	if r.code != 99 {
		t.Errorf("exit code %d\n%s", r.code, r.log)
	}
	page, err := os.ReadFile(filepath.Join(r.dir, "page.html"))
	if err != nil || !strings.Contains(string(page), "The run was interrupted.") {
		t.Errorf("page.html does not say that the run was interrupted: %v", err)
	}
}

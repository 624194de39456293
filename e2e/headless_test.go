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

	"github.com/bandwing/bandwing/internal/proctest"
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

// jsonTotal returns the requests in rows.json.
func (r headlessRun) jsonTotal(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Requests int `json:"num_requests"`
	}
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	total := 0
	for _, row := range rows {
		total += row.Requests
	}
	return total
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

// TestTheSameRowsWithAndWithoutAMaster: the load test without a master, and on two Go
// workers of a stock master that judges it (docs/ci.md): the same rows, and each time
// as many requests as the API has counted.
func TestTheSameRowsWithAndWithoutAMaster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if out, err := exec.Command(built.worker, "data", "-n", "20", "-host", c.apiURL).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	before := c.served()
	alone := c.runHeadless(built.worker, nil, "-u", "20", "-r", "20", "-t", "8s")
	if served := c.served() - before; alone.total() != served || served < 200 {
		t.Errorf("without a master: %d requests in the rows, %d served", alone.total(), served)
	}

	before = c.served()
	dir := t.TempDir()
	var workers []*proctest.Process
	for range 2 {
		workers = append(workers, c.startWorker())
	}
	master := c.start("master", nil, built.locust, "--master", "--headless", "--expect-workers", "2",
		"-f", filepath.Join(built.root, "locustfile.py")+","+filepath.Join(built.root, "master", "thresholds.py"),
		"--master-bind-host", "127.0.0.1", "--master-bind-port", fmt.Sprint(c.masterPort),
		"-H", c.apiURL, "-u", "20", "-r", "20", "-t", "8s", "--csv", filepath.Join(dir, "out"),
		"--threshold", "fail_ratio < 1%", "--threshold", "count < 10", "--junit", filepath.Join(dir, "junit.xml"))
	cut := 0
	for _, p := range append(workers, master) {
		select {
		case <-p.Done():
		case <-time.After(2 * time.Minute):
			t.Fatal("the run has not ended within two minutes")
		}
	}
	for _, p := range workers {
		n, err := logValue(p.Log(), "requests_cut")
		if err != nil {
			t.Error(err)
		}
		cut += n
	}
	rows := readRows(t, filepath.Join(dir, "out_stats.csv"))
	if served := c.served() - before; rows[" Aggregated"]+cut != served || served < 200 {
		t.Errorf("under a master: %d requests in the rows and %d cut, %d served", rows[" Aggregated"], cut, served)
	}
	if a, b := slices.Sorted(maps.Keys(alone.rows)), slices.Sorted(maps.Keys(rows)); !slices.Equal(a, b) {
		t.Errorf("rows without a master\n%s\nunder a master\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	junit, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
	if code := master.ExitCode(); code != 99 || err != nil || !strings.Contains(string(junit), `tests="2" failures="1"`) {
		t.Errorf("the master ends with %d, and thresholds.xml is %s, %v", code, junit, err)
	}
}

// TestReportsOnAFullDisk: what cannot be written is said, with the option, and the
// exit code tells; tables are shown all the same.
func TestReportsOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no /dev/full")
	}
	c := newCluster(t)
	args := []string{"-u", "2", "-r", "2", "-t", "2s", "RedisJSONUser"}
	for _, option := range []string{"--html", "--junit"} {
		r := c.runHeadless(built.worker, nil, append(args, option, "/dev/full", "--threshold", "count > 0")...)
		if r.code != 1 || !strings.Contains(r.log, "a report was not written: "+option+": ") || !strings.Contains(r.log, "Aggregated") {
			t.Errorf("%s: exit code %d\n%s", option, r.code, r.log)
		}
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	cmd := exec.Command(built.worker, append(args, "--headless", "-H", c.apiURL, "--json")...)
	var log strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), full, &log
	_ = cmd.Run() // the exit code tells
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(log.String(), "a report was not written: --json: ") {
		t.Errorf("--json: exit code %d\n%s", code, log.String())
	}
}

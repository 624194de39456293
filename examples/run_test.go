// Package examples has tests that run each example as a user would: without a master
// or under a stock one, against a target that counts what it serves.
package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/internal/pythontest"
)

// patience is how long a run of seconds may take on a machine that does other things.
const patience = 2 * time.Minute

// build compiles an example and returns the program.
func build(t *testing.T, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// result is what a run has left.
type result struct {
	code     int
	requests map[string]int // by method and name
	failures int
	log      string
}

// cut returns how many requests the log says were sent and not recorded.
func (r result) cut(t *testing.T) int {
	t.Helper()
	found := regexp.MustCompile(`requests_cut=(\d+)`).FindStringSubmatch(r.log)
	if found == nil {
		t.Fatalf("no requests_cut in the log:\n%s", r.log)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // the exit code tells
	r := result{code: cmd.ProcessState.ExitCode(), requests: map[string]int{}, log: log.String()}
	var rows []struct {
		Name     string `json:"name"`
		Method   string `json:"method"`
		Requests int    `json:"num_requests"`
		Failures int    `json:"num_failures"`
	}
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	for _, row := range rows {
		r.requests[row.Method+" "+row.Name] += row.Requests
		r.failures += row.Failures
	}
	return r
}

// alone runs a program without a master.
func alone(t *testing.T, program, host string, args ...string) result {
	t.Helper()
	args = append([]string{"--headless", "--json", "--only-summary", "-H", host, "--drain-timeout", "30"}, args...)
	return finish(t, exec.Command(program, args...))
}

// underMaster runs a program as two workers of a stock master without a web UI,
// whose locustfile stands beside the example.
func underMaster(t *testing.T, program, host string, args ...string) result {
	t.Helper()
	ports, err := proctest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(ports[0])
	for i := range 2 {
		worker, err := proctest.Start(exec.Command(program, "--worker", "--master-port", port, "--drain-timeout", "30"),
			filepath.Join(t.TempDir(), fmt.Sprintf("worker%d.log", i)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(worker.LogTail())
			}
			worker.Stop(patience)
		})
	}
	args = append([]string{
		"-m", "locust", "-f", filepath.Join(filepath.Base(program), "locustfile.py"), "--master", "--master-bind-port", port,
		"--expect-workers", "2", "--headless", "--json", "--only-summary", "-H", host,
	}, args...)
	cmd := exec.Command(pythontest.Interpreter(t), args...)
	cmd.Env = append(os.Environ(), "PYTHONUNBUFFERED=1")
	return finish(t, cmd)
}

// wantRows compares the rows of a run with what the target has served.
func wantRows(t *testing.T, r result, served map[string]int) {
	t.Helper()
	if !maps.Equal(r.requests, served) {
		t.Errorf("rows\n%v\nserved\n%v\n%s", r.requests, served, r.log)
	}
	if strings.Contains(r.log, "uncaught") {
		t.Errorf("exceptions:\n%s", r.log)
	}
}

package locustworker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/locustworker/internal/cli"
)

// programVariable makes the test binary a worker program: testProgram runs in
// place of the tests.
const programVariable = "LOCUSTWORKER_TEST_PROGRAM"

// testProgram is a program that calls MainConfig. Told to be stubborn, it does
// not end when it is asked to.
func testProgram() {
	var base Config
	switch os.Getenv(programVariable) {
	case "tapper":
		MainConfig(base, tapperClass("A"))
	case "panicking":
		base.Shapes = map[string]LoadShape{"bad": badShape{}}
		MainConfig(base, tapperClass("A"))
	}
	if os.Getenv(programVariable) == "stubborn" {
		base.Events.Init = func(e *Environment) error {
			e.Logger().Info("stubborn")
			return nil
		}
		base.Events.Quitting = func(e *Environment) error {
			e.Logger().Info("not ending")
			select {}
		}
	}
	MainConfig(base, shopClass("Buyer"))
}

// startProgram runs the program until the test ends.
func startProgram(t *testing.T, kind string, args ...string) *proctest.Process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--master-port", closedPort(t), "--loglevel", "debug"}, args...)
	cmd := exec.Command(self, args...)
	if kind == "few files" {
		cmd = exec.Command("sh", append([]string{"-c", `ulimit -S -n 64 && exec "$0" "$@"`, self}, args...)...)
	}
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), programVariable+"="+kind, "HOME="+cmd.Dir, "GORACE=atexit_sleep_ms=0")
	p, err := proctest.Start(cmd, filepath.Join(cmd.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(10 * time.Second)
		if t.Failed() {
			t.Log(p.Log())
		}
	})
	return p
}

// awaitLog waits until the program has logged the text n times.
func awaitLog(t *testing.T, p *proctest.Process, text string, n int) {
	t.Helper()
	within(t, fmt.Sprintf("%q in the log", text), func() bool { return strings.Count(p.Log(), text) >= n })
}

// within polls until done says yes.
func within(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s within 30 s", what)
		}
	}
}

func TestSignalsEndTheProgram(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startProgram(t, "plain")
			awaitLog(t, p, "Starting", 1)
			p.Signal(sig)
			if code := p.ExitCode(); code != cli.ExitOK || !strings.Contains(p.Log(), "Shutting down (exit code 0)") {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// Conformance: Q10
func TestASecondSignalEndsTheProgramAtOnce(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			p := startProgram(t, "stubborn")
			awaitLog(t, p, "Starting", 1)
			p.Signal(syscall.SIGTERM)
			awaitLog(t, p, "not ending", 1)
			p.Signal(sig)
			if code := p.ExitCode(); code != cli.ExitSignal+int(sig) {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

var startedPid = regexp.MustCompile(`started a worker process pid=(\d+)`)

// startFamily starts the program with --processes 2 and returns the children's
// numbers when both are at work.
func startFamily(t *testing.T, kind, ready string) (*proctest.Process, []int) {
	t.Helper()
	p := startProgram(t, kind, "--processes", "2")
	awaitLog(t, p, ready, 2)
	var pids []int
	for _, match := range startedPid.FindAllStringSubmatch(p.Log(), -1) {
		pid, err := strconv.Atoi(match[1])
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 {
		t.Fatalf("%d children", len(pids))
	}
	return p, pids
}

// gone reports whether a process has ended; nobody may have asked how.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		_, state, _ := strings.Cut(string(stat), ") ")
		return strings.HasPrefix(state, "Z")
	}
	return syscall.Kill(pid, 0) != nil
}

// Conformance: C3
func TestProcessesEndWithTheirParent(t *testing.T) {
	p, pids := startFamily(t, "plain", "Starting")
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(); code != cli.ExitOK || strings.Count(p.Log(), "Shutting down (exit code 0)") != 2 {
		t.Errorf("exit code %d", code)
	}
	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("child %d is still there", pid)
		}
	}
}

func TestProcessesEndWhenTheirParentIsKilled(t *testing.T) {
	p, _ := startFamily(t, "plain", "Starting")
	p.Signal(syscall.SIGKILL)
	p.ExitCode()
	awaitLog(t, p, "Shutting down (exit code 0)", 2)
}

func TestASecondSignalKillsTheProcesses(t *testing.T) {
	p, pids := startFamily(t, "stubborn", "Starting")
	p.Signal(syscall.SIGTERM)
	awaitLog(t, p, "not ending", 2)
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(); code != cli.ExitSignal+int(syscall.SIGTERM) {
		t.Errorf("exit code %d", code)
	}
	for _, pid := range pids {
		within(t, "end of a child", func() bool { return gone(pid) })
	}
}

func TestAKilledProcessIsAFailure(t *testing.T) {
	p, pids := startFamily(t, "plain", "Starting")
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, "end of a child", func() bool { return gone(pids[0]) })
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(); code != cli.ExitError {
		t.Errorf("exit code %d", code)
	}
}

// Go raises the soft limit of open files to the hard one, which Locust tries to
// do itself.
//
// Conformance: C16
func TestTheLimitOfOpenFilesIsRaised(t *testing.T) {
	p := startProgram(t, "few files")
	awaitLog(t, p, "Starting", 1)
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(limits)) {
		if numbers, ok := strings.CutPrefix(line, "Max open files"); ok {
			var soft, hard int
			if n, err := fmt.Sscan(numbers, &soft, &hard); n != 2 || soft < hard-1 { // Go leaves one
				t.Errorf("soft and hard limit: %s, %v", numbers, err)
			}
			return
		}
	}
	t.Errorf("no limit of open files in\n%s", limits)
}

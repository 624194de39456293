package proctest

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(exec.Command("sh", "-c", script), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p
}

func TestExitCodeAndLog(t *testing.T) {
	p := start(t, "echo out; echo err >&2; exit 7")
	if code := p.ExitCode(); code != 7 {
		t.Errorf("exit code %d; want 7", code)
	}
	if got := p.Log(); got != "out\nerr\n" {
		t.Errorf("log %q", got)
	}
	if tail := p.LogTail(); !strings.Contains(tail, "--- sh (pid ") || !strings.HasSuffix(tail, "out\nerr") {
		t.Errorf("log tail %q", tail)
	}
	if !p.Exited() {
		t.Error("Exited is false after ExitCode returned")
	}
}

func TestStopAsksBeforeItKills(t *testing.T) {
	kind := start(t, "trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done")
	awaitLog(t, kind, "ready")
	if !kind.Stop(20*time.Second) || kind.ExitCode() != 3 {
		t.Errorf("a process that obeys SIGTERM was killed; exit code %d", kind.ExitCode())
	}
	deaf := start(t, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
	awaitLog(t, deaf, "ready")
	if deaf.Stop(10*time.Millisecond) || deaf.ExitCode() != -1 {
		t.Errorf("a process that ignores SIGTERM was not killed; exit code %d", deaf.ExitCode())
	}
}

func TestStartOfNothing(t *testing.T) {
	_, err := Start(exec.Command(filepath.Join(t.TempDir(), "absent")), filepath.Join(t.TempDir(), "log"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Start = %v; want a file that does not exist", err)
	}
}

func awaitLog(t *testing.T, p *Process, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(p.Log(), text); {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the log:\n%s", text, p.LogTail())
		}
		time.Sleep(time.Millisecond)
	}
}

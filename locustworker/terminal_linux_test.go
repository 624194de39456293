package locustworker

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/locustworker/internal/cli"
)

// startInTerminal runs a program without a master in a terminal, until the test ends.
func startInTerminal(t *testing.T, kind string, args ...string) (*proctest.Process, *proctest.Terminal, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"--headless", "-r", "100", "--json-file", "rows", "--html", "page.html"}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), programVariable+"="+kind, "HOME="+cmd.Dir, "TERM=xterm", "GORACE=atexit_sleep_ms=0")
	p, screen, err := proctest.StartInTerminal(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop(10 * time.Second)
		screen.Close()
		if t.Failed() {
			t.Log(screen.Shown())
		}
	})
	return p, screen, cmd.Dir
}

// press presses a key once the terminal shows a text, and waits for another one.
func press(t *testing.T, screen *proctest.Terminal, key, want string) {
	t.Helper()
	if err := screen.Type(key); err != nil {
		t.Fatal(err)
	}
	within(t, fmt.Sprintf("%q after the key %q", want, key), func() bool { return strings.Contains(screen.Shown(), want) })
}

func checkCooked(t *testing.T, screen *proctest.Terminal, want bool) {
	t.Helper()
	if cooked, err := screen.Cooked(); err != nil || cooked != want {
		t.Errorf("the terminal shows what is typed: %t, %v; want %t", cooked, err, want)
	}
}

// TestKeysChangeTheUsers: w, W, s and S are Locust's. Ctrl-C still ends the run, and
// the terminal is then as it was.
func TestKeysChangeTheUsers(t *testing.T) {
	p, screen, dir := startInTerminal(t, "tapper", "-u", "3")
	press(t, screen, "", `{"A":3} (3 total users)`)
	within(t, "help for the keys", func() bool { return strings.Contains(screen.Shown(), "w +1 user") })
	checkCooked(t, screen, false)
	press(t, screen, "w", `{"A":4} (4 total users)`)
	press(t, screen, "xW", `{"A":14} (14 total users)`)
	press(t, screen, "s", `{"A":13} (13 total users)`)
	before := strings.Count(screen.Shown(), `{"A":3} (3 total users)`)
	press(t, screen, "S", `{"A":3} (3 total users)`)
	within(t, "three users again", func() bool { return strings.Count(screen.Shown(), `{"A":3} (3 total users)`) > before })
	press(t, screen, "S", `{"A":0} (0 total users)`)
	press(t, screen, "W", `{"A":10} (10 total users)`)
	press(t, screen, "\x03", "Shutting down (exit code 0)")
	if code := p.ExitCode(); code != cli.ExitOK {
		t.Errorf("exit code %d", code)
	}
	checkCooked(t, screen, true)
	checkReports(t, dir)
}

// TestASecondCtrlCEndsARunAtOnce: also when a user does not end, and the terminal is
// as it was.
func TestASecondCtrlCEndsARunAtOnce(t *testing.T) {
	p, screen, _ := startInTerminal(t, "stubborn", "-u", "1")
	press(t, screen, "", "(1 total users)")
	press(t, screen, "\x03", "not ending")
	if p.Exited() {
		t.Fatal("the first Ctrl-C ended the program")
	}
	if err := screen.Type("\x03"); err != nil {
		t.Fatal(err)
	}
	if code := p.ExitCode(); code != cli.ExitSignal+int(syscall.SIGINT) {
		t.Errorf("exit code %d", code)
	}
	checkCooked(t, screen, true)
}

// A badShape panics after a second.
type badShape struct{}

func (badShape) Tick(m ShapeMoment) (ShapeStage, bool) {
	if m.RunTime >= time.Second {
		panic("all wrong")
	}
	return ShapeStage{Users: 1, SpawnRate: 1}, true
}

// TestAShapeThatPanicsEndsTheRun: with its reports, and the terminal as it was.
func TestAShapeThatPanicsEndsTheRun(t *testing.T) {
	p, screen, dir := startInTerminal(t, "panicking", "--shape", "bad")
	if code := p.ExitCode(); code != cli.ExitUsage || !strings.Contains(screen.Shown(), "all wrong") {
		t.Errorf("exit code %d", code)
	}
	checkCooked(t, screen, true)
	checkReports(t, dir)
}

// TestAClosedTerminalEndsARun: with its reports, as Ctrl-C does.
func TestAClosedTerminalEndsARun(t *testing.T) {
	p, screen, dir := startInTerminal(t, "tapper", "-u", "3")
	press(t, screen, "", "(3 total users)")
	screen.Close()
	if code := p.ExitCode(); code != cli.ExitOK {
		t.Errorf("exit code %d", code)
	}
	checkReports(t, dir)
}

// checkReports reads what a run has left.
func checkReports(t *testing.T, dir string) {
	t.Helper()
	var rows []headlessRow
	text, err := os.ReadFile(filepath.Join(dir, "rows.json"))
	if err != nil || json.Unmarshal(text, &rows) != nil || len(rows) != 1 || rows[0].Requests == 0 {
		t.Errorf("rows.json: %s, %v", text, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "page.html"))
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(page)), "</html>") {
		t.Errorf("page.html has %d bytes, %v", len(page), err)
	}
}

// TestARunGoesOnWhenNobodyReadsItsLog: its reports are written all the same.
func TestARunGoesOnWhenNobodyReadsItsLog(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `"$0" --headless -t 3s --json-file rows --html page.html 2>&1 | head -n 1; wait`, self)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), programVariable+"=tapper", "HOME="+cmd.Dir, "GORACE=atexit_sleep_ms=0")
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "\n") != 1 {
		t.Errorf("%v: %s", err, out)
	}
	checkReports(t, cmd.Dir)
}

package locustworker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
)

// A shell is what a command under test touches.
type shell struct {
	stdout, stderr lockedBuffer
	files          map[string]string
}

// A lockedBuffer takes what several goroutines log.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// testCommand returns a command line in an environment of its own, with its files
// in memory.
func testCommand(env map[string]string, base Config, classes []Class, args ...string) (*cli.Command, *shell) {
	sh := &shell{files: map[string]string{}}
	return cli.New(cli.System{
		Args:      append([]string{"/usr/bin/shoptest"}, args...),
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(name string) ([]byte, error) {
			text, ok := sh.files[name]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
		Stdout: &sh.stdout,
		Stderr: &sh.stderr,
		Build:  &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}},
		Cores:  4,
	}, commandLine(base, classes, "box.example.org", output{&sh.stdout, terminal.NewScreen(&sh.stderr, ""), nil})), sh
}

// A shopper is a user without a purpose.
type shopper struct{}

func newShopper(*User) (*shopper, error) { return &shopper{}, nil }

func (*shopper) buy(context.Context) error { return nil }

func shopClass(name string) *ClassOf[*shopper] {
	return NewClass(name, newShopper).Task("buy", 1, (*shopper).buy)
}

func shopClasses() []Class {
	return []Class{shopClass("Buyer").Weight(3), shopClass("Looker"), shopClass("Idle").Weight(0)}
}

// readyDelay is the variable of Config.ReadyDelay.
const readyDelay = "LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP"

// closedPort is a port of this machine that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// runStopped runs a command whose worker is told to end at once.
func runStopped(t *testing.T, c *cli.Command) int {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.Args = append(c.Args, "--master-port", closedPort(t))
	return c.Run(ctx)
}

// Conformance (master): C1
// Conformance (unknown class): C6
// Conformance (unknown option): C17
func TestCommandsThatRunNothing(t *testing.T) {
	tests := []struct {
		name   string
		args   string
		env    map[string]string
		code   int
		stdout string // what it says, "" nothing
		stderr string
	}{
		{"help", "--help", nil, cli.ExitOK, "Usage: shoptest [options] [UserClass ...]", ""},
		{"help before a fault", "-h --nope", nil, cli.ExitOK, "--master-host <hostname>", ""},
		{"version", "--version", nil, cli.ExitOK, "shoptest v1.2.3 (go1.", ""},
		{"short version", "-V", nil, cli.ExitOK, "shoptest v1.2.3 (go1.", ""},
		{"list", "--worker -l", nil, cli.ExitOK, "Available Users:\n    Buyer\n    Looker\n    Idle\n", ""},
		{"ratio", "--show-task-ratio -u 3 Looker", nil, cli.ExitOK, " Task ratio per User class\n---", ""},
		{"ratio as JSON", "--show-task-ratio-json", nil, cli.ExitOK, "{\n    \"per_class\": {\n        \"Buyer\": {\n            \"ratio\": 0.75,", ""},
		{"ratio of nothing", "--show-task-ratio Idle", nil, cli.ExitError, "", "ERROR/locustworker: locustworker: invalid configuration: no user class"},
		{"unknown option", "--mastr-host x", nil, cli.ExitUsage, "", "shoptest: error: unrecognized arguments: --mastr-host\nDid you mean '--master-host'?\n"},
		{"bad value", "--master-port 0", nil, cli.ExitUsage, "", "shoptest: error: argument --master-port: 0 is no port"},
		{"bad variable", "", map[string]string{"LOCUST_STOP_TIMEOUT": "1d"}, cli.ExitUsage, "", "environment variable LOCUST_STOP_TIMEOUT: "},
		{"bad delay", "", map[string]string{readyDelay: "2s"}, cli.ExitUsage, "", readyDelay},
		{"negative delay", "", map[string]string{readyDelay: "-1"}, cli.ExitUsage, "", "delay before client_ready"},
		{"bad JSON", "--config-users {", nil, cli.ExitUsage, "", "must be JSON objects"},
		{"unknown class", "Buyer Nobody Noone Nobody", nil, cli.ExitError, "", "box/ERROR/locustworker: Unknown User(s): Nobody, Noone\n"},
		{"unknown class of a variable", "", map[string]string{"LOCUST_USER_CLASSES": "Nobody"}, cli.ExitError, "", "Unknown User(s): Nobody"},
		{
			"configuration of an unknown class", `--config-users {"user_class_name":"Nobody"}`, nil, cli.ExitFatal, "",
			"--config-users: no such user class: Nobody",
		},
		{"master", "--master --worker", nil, cli.ExitFatal, "", "--master cannot be combined with --worker"},
		{"master by a variable", "--worker", map[string]string{"LOCUST_MODE_MASTER": "1"}, cli.ExitFatal, "", "--master cannot"},
		{"too few processes", "--processes -2", nil, cli.ExitError, "", "Invalid --processes count -2"},
		{"no config file", "--config none.conf", nil, cli.ExitUsage, "", "argument --config: cannot read the configuration file none.conf"},
		{"replaced option", "--slave", nil, cli.ExitUsage, "", "argument --slave: is called --worker now"},
		{"stub's help", "stub -h", nil, cli.ExitOK, "", "Usage: shoptest stub [UserClass ...]"},
		{"stub's usage", "stub --nope", nil, cli.ExitUsage, "", "Usage: shoptest stub [UserClass ...]"},
		{"stub of an unknown class", "stub Nobody", nil, cli.ExitError, "", "unknown user class: Nobody"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, sh := testCommand(test.env, Config{}, shopClasses(), strings.Fields(test.args)...)
			code := c.Run(t.Context())
			out, log := sh.stdout.String(), sh.stderr.String()
			if code != test.code || !strings.Contains(out, test.stdout) || test.stdout == "" && out != "" ||
				!strings.Contains(log, test.stderr) || test.stderr == "" && log != "" {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, out, log)
			}
		})
	}
}

func TestVersionOfTheProgram(t *testing.T) {
	c, sh := testCommand(nil, Config{Version: "2026.11"}, nil, "-V")
	if code := c.Run(t.Context()); code != cli.ExitOK || !strings.HasPrefix(sh.stdout.String(), "shoptest 2026.11 (go") {
		t.Errorf("exit code %d, %s", code, sh.stdout.String())
	}
}

func TestNoClasses(t *testing.T) {
	for _, args := range [][]string{nil, {"stub"}} {
		c, sh := testCommand(nil, Config{}, nil, args...)
		if code := c.Run(t.Context()); code != cli.ExitError || !strings.Contains(strings.ToLower(sh.stderr.String()), "no user class") {
			t.Errorf("%v: exit code %d, %s", args, code, sh.stderr.String())
		}
	}
}

func TestFaultsOfClasses(t *testing.T) {
	for _, args := range [][]string{nil, {"stub"}} {
		bad := NewClass("Buyer", newShopper) // has no task
		c, sh := testCommand(nil, Config{}, []Class{bad}, args...)
		if code := c.Run(t.Context()); code != cli.ExitError || !strings.Contains(sh.stderr.String(), `"Buyer" has no task`) {
			t.Errorf("%v: exit code %d, %s", args, code, sh.stderr.String())
		}
	}
}

// Conformance: H3, B5, Q9, C11
func TestExitCodes(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{ErrNoMaster, 255},
		{ErrMasterLost, 0},
		{ErrListener, 2},
		{ErrUndelivered, 7},
		{errors.Join(ErrMasterLost, ErrListener), 2},
		{errors.Join(ErrListener, ErrUndelivered, ErrMasterLost), 7},
		{ErrRunning, 1},
		{io.EOF, 1},
	}
	for _, test := range tests {
		if got := exitCode(test.err, 7); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
	}
	if got := exitCode(ErrUndelivered, -1); got != 255 {
		t.Errorf("--exit-code-on-error -1 is %d", got)
	}
	if got := exitCode(ErrUndelivered, 0); got != 0 {
		t.Errorf("--exit-code-on-error 0 is %d", got)
	}
}

func TestRunEndsCleanly(t *testing.T) {
	c, sh := testCommand(nil, Config{}, shopClasses(), "--worker")
	if code := runStopped(t, c); code != cli.ExitOK {
		t.Errorf("exit code %d", code)
	}
	log := sh.stderr.String()
	for _, want := range []string{"box/INFO/locustworker: Starting shoptest v1.2.3", "box/INFO/locustworker: Shutting down (exit code 0)\n"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	if strings.Contains(log, "WARNING") || sh.stdout.String() != "" {
		t.Errorf("it warns of something: %s%s", log, sh.stdout.String())
	}
}

// Conformance: Q9
func TestFailingListenerIsAnExitCode(t *testing.T) {
	base := Config{Events: Events{Quitting: func(*Environment) error { return errors.New("not now") }}}
	c, sh := testCommand(nil, base, shopClasses())
	if code := runStopped(t, c); code != cli.ExitUsage || !strings.Contains(sh.stderr.String(), "Shutting down (exit code 2)") {
		t.Errorf("exit code %d: %s", code, sh.stderr.String())
	}
}

// Conformance: H8, C15
func TestOneWarningNamesWhatIsIgnored(t *testing.T) {
	env := map[string]string{"LOCUST_RUN_TIME": "5m", "LOCUST_AUTOQUIT": "5", "LOCUST_HEADLESS": "true", "LOCUST_LOCUSTFILE": "a.py"}
	c, sh := testCommand(env, Config{}, shopClasses(), "--worker", "-f", "locustfile.py", "--headless", "--autostart", "-u", "5", "-L", "debug", "Buyer")
	sh.files["locust.conf"] = "web-port = 80\nmy-argument = 1"
	if code := runStopped(t, c); code != cli.ExitOK {
		t.Errorf("exit code %d", code)
	}
	var warnings []string
	for line := range strings.Lines(sh.stderr.String()) {
		if _, text, found := strings.Cut(line, "/WARNING/locustworker: "); found {
			warnings = append(warnings, strings.TrimSpace(text))
		}
	}
	want := []string{
		"options without a meaning for a worker are ignored, as there is no --headless: --users",
		"options without a meaning for a Go program are ignored: --locustfile, --autostart",
		"configuration files set what is no option of Locust; the master sends custom arguments: locust.conf: my-argument",
	}
	if strings.Join(warnings, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(warnings, "\n"))
	}
	debugged := "DEBUG/locustworker: settings without a meaning for a Go worker: locust.conf: web-port, environment variable LOCUST_AUTOQUIT\n"
	if !strings.Contains(sh.stderr.String(), debugged) {
		t.Errorf("the log lacks %q:\n%s", debugged, sh.stderr.String())
	}
}

// Conformance: C10
func TestLogGoesWhereItIsAskedTo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "folder", "worker.log")
	for range 2 { // appended to
		base := Config{Events: Events{Quitting: func(*Environment) error { return errors.New("not now") }}}
		c, sh := testCommand(map[string]string{"LOCUST_LOGLEVEL": "error"}, base, shopClasses(), "--logfile", file)
		if code := runStopped(t, c); code != cli.ExitUsage || sh.stderr.String() != "" {
			t.Errorf("exit code %d, %s", code, sh.stderr.String())
		}
	}
	log, err := os.ReadFile(file)
	if err != nil || strings.Count(string(log), "box/ERROR/locustworker: "+ErrListener.Error()) != 2 || bytes.Contains(log, []byte("INFO")) {
		t.Errorf("%v\n%s", err, log)
	}
	c, sh := testCommand(nil, Config{}, shopClasses(), "--logfile", filepath.Dir(file))
	if code := runStopped(t, c); code != cli.ExitError || !strings.Contains(sh.stderr.String(), "shoptest: error: cannot open the log file") {
		t.Errorf("a folder as log file: exit code %d, %s", code, sh.stderr.String())
	}
}

func TestWhoseLoggerIsUsed(t *testing.T) {
	for args, own := range map[string]bool{"": true, "-L INFO": false, "--skip-log-setup": true, "--skip-log-setup -L INFO": true} {
		var mine lockedBuffer
		base := Config{Logger: slog.New(slog.NewTextHandler(&mine, nil))}
		c, sh := testCommand(nil, base, shopClasses(), strings.Fields(args)...)
		if code := runStopped(t, c); code != cli.ExitOK {
			t.Fatalf("exit code %d", code)
		}
		if (mine.String() != "") != own || (sh.stderr.String() == "") != own {
			t.Errorf("%q: the program's log\n%s\nthe worker's\n%s", args, mine.String(), sh.stderr.String())
		}
	}
}

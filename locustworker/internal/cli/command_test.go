package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
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

// A work is the worker of a command under test: it notes its settings and ends
// with the code, or when its context does.
type work struct {
	code     int
	settings []Settings
	ended    bool
}

func (w *work) run(ctx context.Context, s Settings, log *slog.Logger) int {
	w.settings = append(w.settings, s)
	log.Warn("at work")
	w.ended = ctx.Err() != nil
	return w.code
}

// testCommand returns a command line in an environment of its own, with its files
// in memory.
func testCommand(env map[string]string, args ...string) (*Command, *shell) {
	sh := &shell{files: map[string]string{}}
	c := New(System{
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
	}, Program{
		Classes: shopClasses(),
		Check:   func(Settings) error { return nil },
		Live:    func(Settings) ([]Class, error) { return shopClasses()[:2], nil },
		Logger:  slog.New(slog.DiscardHandler),
		NewHandler: func(w io.Writer, level slog.Leveler) slog.Handler {
			return slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
		},
		Work: (&work{}).run,
	})
	c.spawn = func([]string) (child, error) { return nil, errors.New("not in this test") }
	return c, sh
}

func shopClass(name string, weight int) Class {
	return Class{Name: name, Weight: weight, Tasks: Set{Waits: true, Wait: "constant(0)", Tasks: []Task{{Name: "buy", Weight: 1}}}}
}

func shopClasses() []Class {
	return []Class{shopClass("Buyer", 3), shopClass("Looker", 1), shopClass("Idle", 0)}
}

func TestCommandsThatRunNothing(t *testing.T) {
	const there = `This program has the user classes Buyer, Looker, Idle and the commands stub, try, completion`
	tests := []struct {
		name   string
		args   string
		env    map[string]string
		code   int
		stdout string // what it says, "" nothing
		stderr string
	}{
		{"help", "--help", nil, ExitOK, "Usage: shoptest [options] [UserClass ...]", ""},
		{"help before a fault", "-h --nope", nil, ExitOK, "--master-host <hostname>", ""},
		{"version", "--version", nil, ExitOK, "shoptest v1.2.3 (go1.", ""},
		{"list", "--worker -l", nil, ExitOK, "Available Users:\n    Buyer\n    Looker\n    Idle\n", ""},
		{"ratio", "--show-task-ratio -u 3 Looker", nil, ExitOK, " Task ratio per User class\n---", ""},
		{"unknown option", "--mastr-host x", nil, ExitUsage, "", "shoptest: error: unrecognized arguments: --mastr-host\nDid you mean '--master-host'?\n"},
		{"bad value", "--master-port 0", nil, ExitUsage, "", "shoptest: error: argument --master-port: 0 is no port"},
		{"bad delay", "", map[string]string{readyDelayVariable: "2s"}, ExitUsage, "", readyDelayVariable},
		{"unknown class", "Buyer Nobody", nil, ExitError, "", `Unknown User(s): Nobody\n` + there},
		{"nearly a class", "Boyer", nil, ExitError, "", "Did you mean 'Buyer'?"},
		{"nearly a command", "stup", nil, ExitError, "", "Did you mean 'stub'?"},
		{"nearly the program's command", "fil", nil, ExitError, "", "Did you mean 'fill'?"},
		{
			"configuration of an unknown class", `--config-users {"user_class_name":"Lokker"}`, nil, ExitFatal, "",
			`--config-users: no such user class: Lokker\n` + there,
		},
		{"stub of an unknown class", "stub Nobody", nil, ExitError, "", "unknown user class: Nobody\n" + there},
		{"the program's command", "fill a -b", nil, 9, "", "filling [a -b]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, sh := testCommand(test.env, strings.Fields(test.args)...)
			c.Commands = []Subcommand{{Name: "fill", Help: "Fill.", Run: func(_ context.Context, args []string) int {
				_, _ = io.WriteString(c.Stderr, "filling ["+strings.Join(args, " ")+"]")
				return 9
			}}}
			code := c.Run(t.Context())
			out, log := sh.stdout.String(), sh.stderr.String()
			if code != test.code || !strings.Contains(out, test.stdout) || test.stdout == "" && out != "" ||
				!strings.Contains(log, test.stderr) || test.stderr == "" && log != "" {
				t.Errorf("exit code %d, want %d\n%s\n%s", code, test.code, out, log)
			}
		})
	}
}

func TestHelpListsTheCommands(t *testing.T) {
	c, sh := testCommand(nil, "--help")
	c.Commands = []Subcommand{{Name: "fill", Help: "Fill the shop."}}
	c.Run(t.Context())
	for _, want := range []string{"\nCommands:\n", "  stub ", "Print the locustfile for the master.", "  fill ", "Fill the shop."} {
		if !strings.Contains(sh.stdout.String(), want) {
			t.Errorf("--help lacks %q", want)
		}
	}
}

func TestWorkGetsTheSettings(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, sh := testCommand(nil, "--worker", "--host", "http://a", "Looker")
	w := &work{code: 7}
	c.Work = w.run
	if code := c.Run(ctx); code != 7 || len(w.settings) != 1 || !w.ended {
		t.Fatalf("exit code %d, %+v", code, w)
	}
	if s := w.settings[0]; s.Host != "http://a" || s.UserClasses[0] != "Looker" || s.ExitCodeOnError != 1 {
		t.Errorf("%+v", s)
	}
	for _, want := range []string{"Starting shoptest v1.2.3", "at work", "Shutting down (exit code 7)"} {
		if !strings.Contains(sh.stderr.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
}

func TestSettingsThatTheProgramRefuses(t *testing.T) {
	c, sh := testCommand(nil)
	c.Check = func(Settings) error { return errors.New("not so") }
	if code := c.Run(t.Context()); code != ExitUsage || sh.stderr.String() != "shoptest: error: not so\n" {
		t.Errorf("exit code %d, %q", code, sh.stderr.String())
	}
}

func TestUsersMeanSomethingForRatios(t *testing.T) {
	c, sh := testCommand(nil, "-u", "5", "--show-task-ratio")
	if in, err := c.read(); err != nil || in.Users != 5 || len(in.ignored) > 0 {
		t.Errorf("%+v, %v, %s", in, err, sh.stderr.String())
	}
}

// Package pythontest lets tests ask Python: it runs scripts with the interpreter
// that has the project's Locust installed (make deps).
package pythontest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

// limit ends a script that a faulty test leaves running.
const limit = 5 * time.Minute

// Interpreter returns the absolute path of the Python that has Locust installed. It
// fails the test if there is none.
func Interpreter(t testing.TB) string {
	t.Helper()
	root, err := proctest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(root, ".local", "venv", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("no Python with Locust: %v; run make deps", err)
	}
	return python
}

// Run runs a script of the test's folder and returns what it prints. It fails the
// test if the script does.
func Run(t testing.TB, stdin []byte, script string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, Interpreter(t), append([]string{script}, args...)...) //nolint:gosec // the test names it
	cmd.Stdin = bytes.NewReader(stdin)
	printed, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%s: %v: %s", script, err, exit.Stderr)
		}
		t.Fatalf("%s: %v", script, err)
	}
	return printed
}

// Ask is Run with JSON as the input and the output, which is decoded into out.
func Ask(t testing.TB, in, out any, script string, args ...string) {
	t.Helper()
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	printed := Run(t, input, script, args...)
	if err := json.Unmarshal(printed, out); err != nil {
		t.Fatalf("%s: %v: %s", script, err, printed)
	}
}

// A Peer is a script that answers questions until the test ends: each is a line of
// JSON, as is its answer. It belongs to one goroutine.
type Peer struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

// Start starts a script of the test's folder as a peer. The test fails in the end
// if the script did, or printed anything to its standard error.
func Start(t testing.TB, script string) *Peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit) // the cleanup ends it in good order
	cmd := exec.CommandContext(ctx, Interpreter(t), "-u", script)   //nolint:gosec // the test names it
	var problems strings.Builder
	cmd.Stderr = &problems
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		_ = in.Close()
		if err := cmd.Wait(); err != nil || problems.Len() > 0 {
			t.Errorf("%s ended with %v:\n%s", script, err, problems.String())
		}
	})
	return &Peer{t: t, in: in, out: bufio.NewReader(out)}
}

// Call asks the script to call a function of its own, under the key "call", with
// these arguments beside it, and decodes the answer.
func (p *Peer) Call(function string, arguments map[string]any, answer any) {
	p.t.Helper()
	question := map[string]any{"call": function}
	maps.Copy(question, arguments)
	if err := json.NewEncoder(p.in).Encode(question); err != nil {
		p.t.Fatalf("ask %s: %v", function, err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("answer of %s: %v", function, err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		p.t.Fatalf("answer of %s: %v", function, err)
	}
}

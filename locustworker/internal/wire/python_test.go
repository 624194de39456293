package wire

import (
	"bytes"
	"context"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// python runs a script of testdata with the Python that has Locust installed,
// and returns the lines that it prints.
func python(t *testing.T, script, stdin string, args ...string) []string {
	t.Helper()
	interpreter, err := filepath.Abs("../../../.local/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, append([]string{filepath.Join("testdata", script)}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s(run make deps if something is missing)", script, err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// shapes describes frames as Python's msgpack sees them.
func shapes(t *testing.T, frames ...[]byte) []string {
	t.Helper()
	var in strings.Builder
	for _, frame := range frames {
		in.WriteString(hex.EncodeToString(frame) + "\n")
	}
	return python(t, "shapes.py", in.String())
}

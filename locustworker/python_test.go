package locustworker

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"
)

// python runs testdata/commandline.py with the project's Locust and decodes what
// it prints.
func python(t *testing.T, command string, in, out any) {
	t.Helper()
	const program = "../.local/venv/bin/python"
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("no Python with Locust: %v; run make deps", err)
	}
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "testdata/commandline.py", command)
	cmd.Stdin = bytes.NewReader(input)
	printed, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	if err := json.Unmarshal(printed, out); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
}

package cmdline

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// python asks testdata/peer.py, which runs Locust's own code. An answer that is
// refused leaves its place in answers nil.
func python[Q, A any](t *testing.T, command string, questions []Q) []*A {
	t.Helper()
	const program = "../../../.local/venv/bin/python"
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("no Python with Locust: %v; run make deps", err)
	}
	input, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "testdata/peer.py", command)
	cmd.Stdin = bytes.NewReader(input)
	printed, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var answers []*A
	if err := json.Unmarshal(printed, &answers); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

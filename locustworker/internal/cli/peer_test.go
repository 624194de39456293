package cli

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/internal/pythontest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// locust runs a command of testdata/commandline.py.
func locust(t *testing.T, command string, in, out any) {
	t.Helper()
	pythontest.Ask(t, in, out, "testdata/commandline.py", command)
}

// peer asks testdata/peer.py, which runs Locust's own code. An answer that is
// refused leaves its place in answers nil.
func peer[Q, A any](t *testing.T, command string, questions []Q) []*A {
	t.Helper()
	var answers []*A
	pythontest.Ask(t, questions, &answers, "testdata/peer.py", command)
	if len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions", len(answers), len(questions))
	}
	return answers
}

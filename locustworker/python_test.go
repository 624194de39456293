package locustworker

import (
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// python runs a command of testdata/commandline.py.
func python(t *testing.T, command string, in, out any) {
	t.Helper()
	pythontest.Ask(t, in, out, "testdata/commandline.py", command)
}

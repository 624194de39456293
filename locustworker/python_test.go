package locustworker

import (
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// python runs a command of internal/cli/testdata/commandline.py.
func python(t *testing.T, command string, in, out any) {
	t.Helper()
	pythontest.Ask(t, in, out, "internal/cli/testdata/commandline.py", command)
}

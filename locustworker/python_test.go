package locustworker

import (
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// locust runs a command of internal/cli/testdata/commandline.py.
func locust(t *testing.T, command string, in, out any) {
	t.Helper()
	pythontest.Ask(t, in, out, "internal/cli/testdata/commandline.py", command)
}

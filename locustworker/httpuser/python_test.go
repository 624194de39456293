package httpuser

import (
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// python runs a command of testdata/texts.py.
func python(t testing.TB, command string, in, out any) {
	t.Helper()
	pythontest.Ask(t, in, out, "testdata/texts.py", command)
}

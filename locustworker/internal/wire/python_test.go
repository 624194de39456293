package wire

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/internal/pythontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script runs a script of testdata and returns the lines that it prints.
func script(t *testing.T, name, stdin string, args ...string) []string {
	t.Helper()
	out := pythontest.Run(t, []byte(stdin), filepath.Join("testdata", name), args...)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// shapes describes frames as Python's msgpack sees them.
func shapes(t *testing.T, frames ...[]byte) []string {
	t.Helper()
	var in strings.Builder
	for _, frame := range frames {
		in.WriteString(hex.EncodeToString(frame) + "\n")
	}
	return script(t, "shapes.py", in.String())
}

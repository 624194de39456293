package proctest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestModuleRoot(t *testing.T) {
	root, err := ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Error(err)
	}
	t.Chdir(t.TempDir())
	if root, err := ModuleRoot(); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("outside of a module: %q, %v", root, err)
	}
}

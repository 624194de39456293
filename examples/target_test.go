package examples

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/bandwing/bandwing/examples/internal/target"
)

// A server is the target of a test.
type server struct {
	*target.Target

	url string
}

func startTarget(t *testing.T) server {
	t.Helper()
	x := target.New()
	s := httptest.NewServer(x)
	t.Cleanup(s.Close)
	return server{x, s.URL}
}

// examples returns the folders of all examples.
func examples(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, pattern := range []string{"*/main.go", "protocols/*/main.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if dir := filepath.ToSlash(filepath.Dir(file)); filepath.Base(dir) != "target" {
				found[dir] = true
			}
		}
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

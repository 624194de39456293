package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/proctest"
)

const module = "github.com/bandwing/bandwing"

// listed is what `go list -json` says about a package.
type listed struct {
	ImportPath string
	Imports    []string // without those of the tests
	Standard   bool
	DepOnly    bool // a dependency, not of this module
}

// graph is the import graph: every package of the module and all that they need, by import path.
type graph map[string]listed

// loadGraph asks the go command. Packages that do not build are in it too, with the imports that they name.
func loadGraph(t *testing.T) graph {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Imports,Standard,DepOnly", "./...")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	g := graph{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		g[p.ImportPath] = p
	}
}

// own returns the import paths of the module's packages, sorted.
func (g graph) own() []string {
	var paths []string
	for path, p := range g {
		if !p.DepOnly && within(path, module) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// chain returns the shortest way from one package to the first that match accepts, both included; nil when none is
// reachable. from itself is not asked.
func (g graph) chain(from string, match func(path string) bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]].Imports {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			if match(next) {
				way := []string{next}
				for at := queue[0]; at != ""; at = before[at] {
					way = append(way, at)
				}
				slices.Reverse(way)
				return way
			}
			queue = append(queue, next)
		}
	}
	return nil
}

// standard reports whether the path is of the standard library (whose first element has no dot).
func (g graph) standard(path string) bool {
	if p, known := g[path]; known {
		return p.Standard
	}
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within reports whether path is the parent or lies below it.
func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// root returns the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := proctest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

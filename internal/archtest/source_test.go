package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// source is one parsed Go file.
type source struct {
	fset  *token.FileSet
	file  *ast.File
	path  string // slashes, from the root of the module
	lines int
}

// dir is the folder of the file, "." for the root.
func (s source) dir() string { return path.Dir(s.path) }

func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// line is the line of a position.
func (s source) line(at token.Pos) int { return s.fset.Position(at).Line }

// parse parses a file; path is where it stands, or stands for.
func parse(t *testing.T, path string, text []byte) source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{fset: fset, file: file, path: path, lines: strings.Count(string(text), "\n")}
}

// loadSources parses every Go file of the module, those of packages that do not build included.
func loadSources(t *testing.T) []source {
	t.Helper()
	top := root(t)
	var sources []source
	err := filepath.WalkDir(top, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if file != top && (strings.HasPrefix(name, ".") || name == "testdata" || name == "vendor") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(top, file)
		if err != nil {
			return err
		}
		sources = append(sources, parse(t, filepath.ToSlash(rel), text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) < 10 {
		t.Fatalf("found %d Go files below %s", len(sources), top)
	}
	return sources
}

package boomer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryNameIsInTheTable: docs/from-boomer.md says of each name of the package what
// takes its place.
func TestEveryNameIsInTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/from-boomer.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## Each name")
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, object := range exported(parsed) {
			if !strings.Contains(table, "`"+name+"`") && !strings.Contains(table, "`Boomer."+name+"`") {
				t.Errorf("the table does not have the %s %s", object, name)
			}
		}
	}
}

// exported returns the exported names of a file: functions, methods of Boomer that are
// no functions too, types, constants and variables.
func exported(file *ast.File) map[string]string {
	names := make(map[string]string)
	add := func(id *ast.Ident, kind string) {
		if id.IsExported() {
			names[id.Name] = kind
		}
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				add(d.Name, "function")
			} else if star, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
				if of, ok := star.X.(*ast.Ident); ok && of.Name == "Boomer" {
					add(d.Name, "method")
				}
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name, "type")
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(id, "value")
					}
				}
			}
		}
	}
	return names
}

package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// public reports whether others may import the packages of this folder.
func public(dir string) bool {
	parts := strings.Split(dir, "/")
	return !slices.Contains(parts, "internal") && !slices.Contains([]string{"cmd", "e2e", "bench", "."}, parts[0])
}

// docFaults finds exported identifiers without a comment. A comment above a group of constants or variables is enough
// for all of them.
func docFaults(s source) []string {
	var faults []string
	missing := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		if id.IsExported() && !slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc.Text() != "" }) {
			faults = append(faults, fmt.Sprintf("%s:%d: %s is exported and has no comment", s.path, s.line(id.Pos()), id.Name))
		}
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) {
				missing(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch sp := spec.(type) {
				case *ast.TypeSpec:
					missing(sp.Name, sp.Doc, d.Doc)
				case *ast.ValueSpec:
					for _, name := range sp.Names {
						missing(name, sp.Doc, sp.Comment, d.Doc)
					}
				}
			}
		}
	}
	return faults
}

// receiver returns the name of the type that a method belongs to.
func receiver(fn *ast.FuncDecl) string {
	expr := fn.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// rimFaults finds what only the rim of the system may do: read the environment, end the process, catch signals. The rim
// is the programs, and locustworker.Main and boomer.Run, which are whole programs for somebody's main to call; and one
// file reads the OTEL_* variables, because OpenTelemetry's SDK reads the process's own by itself.
func rimFaults(s source) []string {
	rimFiles := []string{"locustworker/main.go", "boomer/program.go", "locustworker/otelworker/environment.go"}
	if s.file.Name.Name == "main" || slices.Contains(rimFiles, s.path) {
		return nil
	}
	rim := []string{
		"os.Getenv", "os.LookupEnv", "os.Environ", "os.Exit", "os.Args", "signal.Notify", "signal.NotifyContext",
		"log.Fatal", "log.Fatalf", "log.Fatalln",
	}
	var faults []string
	ast.Inspect(s.file, func(node ast.Node) bool {
		if expr, ok := node.(ast.Expr); ok && slices.Contains(rim, selector(expr)) {
			faults = append(faults, fmt.Sprintf("%s:%d: %s belongs into main", s.path, s.line(expr.Pos()), selector(expr)))
		}
		return true
	})
	return faults
}

func TestPublicPackages(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range loadSources(t) {
		if s.isTest() || !public(s.dir()) {
			continue
		}
		documented[s.dir()] = documented[s.dir()] || s.file.Doc.Text() != ""
		for _, fault := range docFaults(s) {
			t.Error(fault)
		}
	}
	for dir, has := range documented {
		if !has {
			t.Errorf("%s: the package has no comment", dir)
		}
	}
}

func TestOnlyTheRimTouchesTheProcess(t *testing.T) {
	for _, s := range loadSources(t) {
		if s.isTest() || strings.HasPrefix(s.path, "internal/") || strings.HasPrefix(s.path, "bench/") {
			continue
		}
		for _, fault := range rimFaults(s) {
			t.Error(fault)
		}
	}
}

func TestPublic(t *testing.T) {
	for dir, want := range map[string]bool{
		"api": true, "locustworker/httpuser": true, "boomer": true,
		"locustworker/internal/wire": false, "internal/archtest": false, "cmd/api": false, "e2e": false, ".": false,
	} {
		if public(dir) != want {
			t.Errorf("public(%q) is not %v", dir, want)
		}
	}
}

func TestDocFaults(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"documented", "// T is.\ntype T struct{}\n// M does.\nfunc (t *T) M() {}\n// F does.\nfunc F() {}\n", nil},
		{"unexported", "type t struct{}\nfunc (t *t) M() {}\nfunc f() {}\nvar x = 1\n", nil},
		{"type", "type T struct{}\n", []string{"a.go:2: T is exported and has no comment"}},
		{"func", "func F() {}\n", []string{"a.go:2: F is exported and has no comment"}},
		{"method", "// T is.\ntype T struct{}\nfunc (t T) M() {}\n", []string{"a.go:4: M is exported and has no comment"}},
		{"generic method", "func (t *T[K, V]) M() {}\n", []string{"a.go:2: M is exported and has no comment"}},
		{"directive only", "//go:noinline\nfunc F() {}\n", []string{"a.go:3: F is exported and has no comment"}},
		{"group", "// Limits.\nconst (\n\tA = 1\n\tB = 2\n)\n", nil},
		{"at the end of the line", "const A = 1 // one\n", nil},
		{"const", "const (\n\tA = 1 // one\n\tB = 2\n)\n", []string{"a.go:4: B is exported and has no comment"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := docFaults(parse(t, "a.go", []byte("package p\n"+test.text))); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRimFaults(t *testing.T) {
	const body = "func f() { _ = os.Getenv(\"A\"); g(os.Exit); _ = os.ReadFile }\n"
	tests := []struct {
		name, path, text string
		want             []string
	}{
		{"library", "api/a.go", "package api\n" + body, []string{
			"api/a.go:2: os.Getenv belongs into main", "api/a.go:2: os.Exit belongs into main",
		}},
		{"program", "cmd/api/main.go", "package main\n" + body, nil},
		{"program in a function", "locustworker/main.go", "package locustworker\n" + body, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := rimFaults(parse(t, test.path, []byte(test.text))); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

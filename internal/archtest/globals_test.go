package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// The rule on package-level variables: they are constants that Go cannot write as such. So
//
//  1. a variable has an initial value, and that value is a literal (a table, a struct, a text), or comes from one of
//     the functions of fixedBy, which make things that nobody can change afterwards;
//  2. nothing in its package assigns to it, to a part of it, or takes its address.
//
// Besides: `_`, embedded files, sync.Pool (a cache without a state that anybody could see), `version` of a program,
// which the linker sets, and everything in boomer, whose API demands a global instance. Tests are free.

// fixedBy are the functions whose results are as good as constants.
func fixedBy() []string {
	return []string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer", "reflect.TypeFor", "math.Inf"}
}

// globalFaults holds the files of one package against the rule.
func globalFaults(files []source) []string {
	var faults []string
	globals := map[string]bool{}
	for _, s := range files {
		for _, spec := range packageVars(s.file) {
			for i, name := range spec.Names {
				globals[name.Name] = true
				if fault := initialFault(s, spec, i); fault != "" {
					faults = append(faults, fmt.Sprintf("%s:%d: variable %s %s", s.path, s.line(name.Pos()), name.Name, fault))
				}
			}
		}
	}
	for _, s := range files {
		faults = append(faults, writeFaults(s, globals)...)
	}
	return faults
}

// packageVars returns the variables that a file declares outside functions, but for embedded files.
func packageVars(file *ast.File) []*ast.ValueSpec {
	var specs []*ast.ValueSpec
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR || embeds(gen.Doc) {
			continue
		}
		for _, spec := range gen.Specs {
			if vars, ok := spec.(*ast.ValueSpec); ok && !embeds(vars.Doc) {
				specs = append(specs, vars)
			}
		}
	}
	return specs
}

func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// initialFault says what is wrong with the declaration of the i-th variable of a spec; "" when nothing is.
func initialFault(s source, spec *ast.ValueSpec, i int) string {
	name := spec.Names[i].Name
	switch {
	case name == "_", name == "version" && s.file.Name.Name == "main", selector(spec.Type) == "sync.Pool":
		return ""
	case len(spec.Values) != len(spec.Names):
		return "has no initial value of its own: state belongs into a struct"
	case !fixed(spec.Values[i]):
		return "is not set to a literal or a fixed value: state belongs into a struct"
	}
	return ""
}

// fixed reports whether the expression is a literal, or a call to one of fixedBy.
func fixed(value ast.Expr) bool {
	switch v := value.(type) {
	case *ast.BasicLit, *ast.CompositeLit, *ast.Ident, *ast.SelectorExpr:
		return true
	case *ast.BinaryExpr:
		return fixed(v.X) && fixed(v.Y)
	case *ast.UnaryExpr:
		return v.Op != token.AND && v.Op != token.ARROW && fixed(v.X)
	case *ast.ParenExpr:
		return fixed(v.X)
	case *ast.CallExpr:
		if _, conversion := v.Fun.(*ast.ArrayType); conversion { // as in `[]byte(text)`
			return len(v.Args) == 1 && fixed(v.Args[0])
		}
		called := v.Fun
		if generic, ok := called.(*ast.IndexExpr); ok {
			called = generic.X
		}
		return slices.Contains(fixedBy(), selector(called))
	}
	return false
}

// writeFaults finds what changes a package-level variable, or could: by name, so that a local variable of the same name
// counts too, which is a reason to rename it.
func writeFaults(s source, globals map[string]bool) []string {
	found := map[token.Pos]string{}
	check := func(target ast.Expr) {
		if id := base(target); id != nil && globals[id.Name] && id.Name != "_" {
			found[target.Pos()] = id.Name
		}
	}
	ast.Inspect(s.file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, target := range n.Lhs {
					check(target)
				}
			}
		case *ast.IncDecStmt:
			check(n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				check(n.X)
			}
		}
		return true
	})
	var faults []string
	for _, at := range slices.Sorted(maps.Keys(found)) {
		faults = append(faults, fmt.Sprintf("%s:%d: package-level variable %s is changed or its address taken", s.path, s.line(at), found[at]))
	}
	return faults
}

// base returns the variable that an expression is a part of: x for x[i].f.
func base(expr ast.Expr) *ast.Ident {
	switch e := expr.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return base(e.X)
	case *ast.SelectorExpr:
		return base(e.X)
	case *ast.ParenExpr:
		return base(e.X)
	case *ast.StarExpr:
		return base(e.X)
	}
	return nil
}

// selector returns "pkg.Name" for such an expression, "" for any other.
func selector(expr ast.Expr) string {
	if sel, ok := expr.(*ast.SelectorExpr); ok {
		if pkg, ok := sel.X.(*ast.Ident); ok {
			return pkg.Name + "." + sel.Sel.Name
		}
	}
	return ""
}

func TestPackageVariables(t *testing.T) {
	packages := map[string][]source{}
	for _, s := range loadSources(t) {
		if !s.isTest() && s.dir() != "boomer" {
			packages[s.dir()] = append(packages[s.dir()], s)
		}
	}
	for _, files := range packages {
		for _, fault := range globalFaults(files) {
			t.Error(fault)
		}
	}
}

func TestGlobalFaults(t *testing.T) {
	tests := []struct {
		name, text string
		want       string // the faults, each without the file; "" for none
	}{
		{"sentinel", `var ErrX = errors.New("x")`, ""},
		{"group", `var ( a = errors.New("a"); b = fmt.Errorf("%w", a) )`, ""},
		{"interface check", `var _ I = (*T)(nil)`, ""},
		{"regexp", `var re = regexp.MustCompile("a")`, ""},
		{"table", `var t = map[string]int{"a": 1}`, ""},
		{"bytes", `var t = []byte("a")`, ""},
		{"type", `var t = reflect.TypeFor[time.Time]()`, ""},
		{"arithmetic", `var limit = 3 * time.Second`, ""},
		{"embed", "//go:embed page.html\nvar page string", ""},
		{"pool", `var p sync.Pool`, ""},
		{"pool with New", `var p = sync.Pool{New: f}`, ""},
		{"no value", `var n int`, ":2: variable n has no initial value of its own: state belongs into a struct"},
		{"mutex", `var mu sync.Mutex`, ":2: variable mu has no initial value of its own: state belongs into a struct"},
		{"two of one call", `var a, b = f()`, ":2: variable a has no initial value of its own: state belongs into a struct\n" +
			":2: variable b has no initial value of its own: state belongs into a struct"},
		{"instance", `var d = New()`, ":2: variable d is not set to a literal or a fixed value: state belongs into a struct"},
		{"pointer", `var d = &T{}`, ":2: variable d is not set to a literal or a fixed value: state belongs into a struct"},
		{"make", `var d = make(map[int]int)`, ":2: variable d is not set to a literal or a fixed value: state belongs into a struct"},
		{"func", `var now = func() int { return 1 }`, ":2: variable now is not set to a literal or a fixed value: state belongs into a struct"},
		{"assigned", "var t = 1\nfunc f() { t = 2 }", ":3: package-level variable t is changed or its address taken"},
		{"counted", "var t = 1\nfunc f() { t++ }", ":3: package-level variable t is changed or its address taken"},
		{"filled", "var t = M{}\nfunc f() { t[1] = 2 }", ":3: package-level variable t is changed or its address taken"},
		{"field", "var t = T{}\nfunc f() { t.a.b += 2 }", ":3: package-level variable t is changed or its address taken"},
		{"address", "var t = T{}\nfunc f() *T { return &t }", ":3: package-level variable t is changed or its address taken"},
		{"read", "var t = M{}\nfunc f() int { x := t[1]; return x }", ""},
		{"local", "var t = M{}\nfunc f() { u := 1; u = 2; _ = u }", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := parse(t, "a.go", []byte("package p\n"+test.text+"\n"))
			got := strings.ReplaceAll(strings.Join(globalFaults([]source{s}), "\n"), "a.go", "")
			if got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestGlobalFaultsAcrossFiles(t *testing.T) {
	files := []source{
		parse(t, "a.go", []byte("package main\nvar version = \"dev\"\nvar t = 1\n")),
		parse(t, "b.go", []byte("package main\nfunc f() { t = 2 }\n")),
	}
	want := []string{"b.go:2: package-level variable t is changed or its address taken"}
	if got := globalFaults(files); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A mark says which items a test, or a subtest of it, holds the worker to.
type mark struct {
	test  string // package.TestName/subtest
	items []string
}

var (
	markForm = regexp.MustCompile(`^// Conformance(?: \((.+)\))?: ([A-Z]+[0-9]+(?:, [A-Z]+[0-9]+)*)$`)
	testForm = regexp.MustCompile(`^(Test|Fuzz)[A-Z]`)
)

// readMarks returns the marks of all Go tests below a folder.
func readMarks(t *testing.T, top string) []mark {
	t.Helper()
	subtests := make(map[string][]string) // texts that subtests may be named by, by folder
	var marks []marked
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != top && (name == "testdata" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		found, wrong := marksOf(file, filepath.Base(dir))
		for _, fault := range wrong {
			t.Errorf("%s: %s", path, fault)
		}
		for _, m := range found {
			m.dir = dir
			marks = append(marks, m)
		}
		subtests[dir] = append(subtests[dir], literals(file)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := make([]mark, 0, len(marks))
	for _, m := range marks {
		if m.subtest != "" && !slices.Contains(subtests[m.dir], m.subtest) {
			t.Errorf("%s: no subtest can be named %q", m.test, m.subtest)
		}
		all = append(all, m.mark)
	}
	return all
}

type marked struct {
	mark
	dir, subtest string
}

// marksOf returns the marks of a file's tests, and what is wrong with them.
func marksOf(file *ast.File, pkg string) (marks []marked, wrong []string) {
	placed := make(map[*ast.Comment]bool)
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !testForm.MatchString(f.Name.Name) {
			continue
		}
		name := pkg + "." + f.Name.Name
		before := len(marks)
		for _, c := range commentsOf(f) {
			m := markForm.FindStringSubmatch(c.Text)
			if m == nil {
				continue
			}
			placed[c] = true
			found := marked{mark: mark{test: name, items: strings.Split(m[2], ", ")}, subtest: m[1]}
			if m[1] != "" {
				found.test += "/" + m[1]
			}
			marks = append(marks, found)
		}
		if strings.HasPrefix(f.Name.Name, "TestConformance") && len(marks) == before {
			wrong = append(wrong, name+" is marked with no item")
		}
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "// Conformance:") && !placed[c] || strings.HasPrefix(c.Text, "// Conformance (") && !placed[c] {
				wrong = append(wrong, "a mark with a fault, or not in the comment of a test: "+c.Text)
			}
		}
	}
	return marks, wrong
}

func commentsOf(f *ast.FuncDecl) []*ast.Comment {
	if f.Doc == nil {
		return nil
	}
	return f.Doc.List
}

// literals returns the string literals of a file.
func literals(file *ast.File) []string {
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				all = append(all, text)
			}
		}
		return true
	})
	return all
}

func TestMarks(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "a_test.go", `package a
// TestA tests.
//
// `+`Conformance: A1, B12
// Conformance (a sub test): C1
func TestA() {}
// `+`Conformance: A 1
func TestB() {}
func TestConformanceC() {}
`, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	marks, wrong := marksOf(file, "a")
	if len(marks) != 2 || marks[0].test != "a.TestA" || !slices.Equal(marks[0].items, []string{"A1", "B12"}) ||
		marks[1].test != "a.TestA/a sub test" || !slices.Equal(marks[1].items, []string{"C1"}) {
		t.Errorf("%+v", marks)
	}
	if len(wrong) != 2 {
		t.Errorf("%q; want a mark with a fault, and a test without one", wrong)
	}
}

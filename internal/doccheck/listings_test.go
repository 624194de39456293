package doccheck

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// packages are what listings that are no whole file import without saying so.
var packages = map[string]string{
	"context": "context", "errors": "errors", "exec": "os/exec", "fmt": "fmt", "json": "encoding/json", "net": "net", "http": "net/http", "httptest": "net/http/httptest",
	"os": "os", "slog": "log/slog", "strings": "strings", "testing": "testing", "time": "time", "tls": "crypto/tls", "url": "net/url",
	"boomer": "github.com/bandwing/bandwing/boomer", "locustworker": "github.com/bandwing/bandwing/locustworker",
	"httpuser": "github.com/bandwing/bandwing/locustworker/httpuser", "redisuser": "github.com/bandwing/bandwing/locustworker/redisuser",
	"loadshape": "github.com/bandwing/bandwing/locustworker/loadshape", "promworker": "github.com/bandwing/bandwing/locustworker/promworker",
	"otelworker": "github.com/bandwing/bandwing/locustworker/otelworker",
}

// withImports makes a file of declarations.
func withImports(declarations string) (string, error) {
	text := "package main\n\n" + declarations
	file, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution)
	if err != nil {
		return text, err
	}
	if len(file.Decls) == 1 && len(file.Imports) == 1 { // the listing shows an import
		return "package main\n\nimport _ " + file.Imports[0].Path.Value + "\n", nil
	}
	used := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && packages[x.Name] != "" {
				used[packages[x.Name]] = true
			}
		}
		return true
	})
	imports := ""
	for _, path := range slices.Sorted(maps.Keys(used)) {
		imports += fmt.Sprintf("import %q\n", path)
	}
	return "package main\n\n" + imports + declarations, nil
}

// A prelude is testdata/<page>.go. Its comments that begin with "doccheck:" have the parameters of the functions that
// rows and statements of the page are compiled in, and what in the table of the page is no Go.
type prelude struct {
	text       string
	parameters string
	skip       *regexp.Regexp
	rows       bool // whether rows of tables are compiled
}

func readPrelude(t *testing.T, p *page) prelude {
	t.Helper()
	name := strings.TrimSuffix(filepath.Base(p.path), ".md") + ".go"
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if os.IsNotExist(err) {
		return prelude{}
	}
	if err != nil {
		t.Fatal(err)
	}
	made := prelude{text: string(text)}
	for line := range strings.Lines(made.text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "// doccheck:parameters "); ok {
			made.parameters = rest
		}
		if rest, ok := strings.CutPrefix(line, "// doccheck:rows-but "); ok {
			made.rows, made.skip = true, regexp.MustCompile(rest)
		}
	}
	return made
}

// program returns the files of a package with all Go of a page, and how many rows of tables are in it.
func program(t *testing.T, p *page) (files map[string]string, rows int) {
	t.Helper()
	pre := readPrelude(t, p)
	files = map[string]string{}
	if pre.text != "" {
		files["prelude.go"] = pre.text
	}
	add := func(line int, declarations string) {
		text, err := withImports(declarations)
		if err != nil {
			t.Errorf("%s: %v\n%s", p.place(line), err, declarations)
			return
		}
		files[fmt.Sprintf("line%d.go", line)] = fmt.Sprintf("//line %s:%d\n", filepath.Base(p.path), line) + text
	}
	whole := false
	for _, listing := range p.fences {
		if listing.lang != "go" {
			continue
		}
		if strings.HasPrefix(listing.text, "package ") {
			files[fmt.Sprintf("line%d.go", listing.line)] = listing.text
			whole = whole || strings.Contains(listing.text, "func main()")
		} else if _, err := parser.ParseFile(token.NewFileSet(), "", "package main\n"+listing.text, 0); err == nil {
			add(listing.line, listing.text)
		} else {
			add(listing.line, function(pre, statement(strings.TrimSpace(listing.text))))
		}
	}
	if pre.rows {
		for line, code := range rowsOf(p, pre.skip) {
			all := ""
			for _, c := range code {
				rows++
				all += function(pre, c)
			}
			add(line, all)
		}
	}
	if len(files) > 0 && !whole && !strings.Contains(pre.text, "func main()") {
		files["main.go"] = "package main\n\nfunc main() {}\n"
	}
	return files, rows
}

// rowsOf returns the statements in the last cells of a page's tables, by their lines.
func rowsOf(p *page, skip *regexp.Regexp) map[int][]string {
	found := map[int][]string{}
	number := 0
	for line := range strings.Lines(p.text) {
		number++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "|") || len(cells) != 2 || strings.HasPrefix(cells[0], " ---") {
			continue
		}
		for _, span := range spanMark.FindAllStringSubmatch(cells[1], -1) {
			if !skip.MatchString(span[1]) {
				found[number] = append(found[number], statement(span[1]))
			}
		}
	}
	return found
}

// statement makes statements of what a page shows: an expression is assigned to nothing, and names that it declares are
// used.
func statement(code string) string {
	if e, err := parser.ParseExpr(code); err == nil {
		switch e := e.(type) {
		case *ast.CallExpr:
			return code
		case *ast.SelectorExpr:
			if e.Sel.Name == "LoadShape" || e.Sel.Name == "Client" { // types
				return "var _ " + code
			}
		}
		return "_ = " + code
	}
	if left, _, declared := strings.Cut(code, " := "); declared && !strings.Contains(left, "\n") && !strings.ContainsAny(left, "({") {
		code = "{\n" + code + "\n_" + strings.Repeat(", _", strings.Count(left, ",")) + " = " + left + "\n}"
	}
	return code
}

// function is a function that may return an error, as a task does.
func function(pre prelude, code string) string {
	if !strings.HasPrefix(code, "return ") {
		code += "\nreturn err"
	}
	return "func _(" + pre.parameters + ") (err error) {\n" + code + "\n}\n\n"
}

// TestGoCompiles compiles every listing of Go, and the rows of the tables of the pages for which a prelude says so.
func TestGoCompiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	arguments := []string{"build", "-trimpath", "-gcflags=-e", "-overlay", filepath.Join(dir, "overlay.json")}
	listings, rows := 0, 0
	for _, p := range pages(t) {
		files, n := program(t, p)
		rows += n
		if len(files) == 0 {
			continue
		}
		folder := "docs/" + strings.NewReplacer("/", "_", ".md", "").Replace(p.path)
		arguments = append(arguments, "./"+folder)
		for name, text := range files {
			listings++
			file := filepath.Join(dir, fmt.Sprintf("%d.go", listings))
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			overlay["Replace"][filepath.Join(root(t), folder, name)] = file
		}
	}
	if listings < 10 || rows < 90 {
		t.Errorf("found %d files and %d rows", listings, rows)
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", arguments...)
	cmd.Dir = root(t)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0") // as make build, whose cache this uses
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOtherListings reads those of Python, YAML and JSON.
func TestOtherListings(t *testing.T) {
	python := map[string]string{}
	for _, p := range pages(t) {
		for _, listing := range p.fences {
			var into any
			var err error
			switch listing.lang {
			case "python":
				python[p.place(listing.line)] = listing.text
			case "yaml":
				err = yaml.Unmarshal([]byte(listing.text), &into)
			case "json":
				err = json.Unmarshal([]byte(listing.text), &into)
			case "", "go", "console", "sh", "js", "toml", "ini":
			default:
				t.Errorf("%s: a listing of %s, which nothing checks", p.place(listing.line), listing.lang)
			}
			if err != nil {
				t.Errorf("%s: %v", p.place(listing.line), err)
			}
		}
	}
	faults := map[string]string{}
	pythontest.Ask(t, python, &faults, "testdata/listings.py")
	for place, fault := range faults {
		t.Errorf("%s: %s", place, fault)
	}
}

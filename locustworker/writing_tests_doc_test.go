package locustworker

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/proctest"
)

// head goes before the listings of docs/writing-tests.md that are no whole file, and
// declares what its rows name.
const head = `package main

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

var (
	_ = errors.New
	_ net.Conn
	_ httpuser.Config
)

func prepare(context.Context, *locustworker.Environment) error { return nil }

func greet(*locustworker.Environment, locustworker.Message) error { return nil }

`

// row is a function with the names that a row may use.
const row = `func row%d(ctx context.Context, s *shop, c *checkout, class *locustworker.ClassOf[*shop], cfg *locustworker.Config, took time.Duration, n int64) error {
	env := s.Environment()
	_ = env
	var err error
	_ = err
	%s
}

`

// names are words of Go in the page that are no code by themselves.
var names = regexp.MustCompile(`^(OnStart|OnStop)\(|^-|^(MainConfig|StopRun|Quit)$|^Config\.`)

// statement makes a span of code a statement; "" for one that is none.
func statement(span string) string {
	if names.MatchString(span) {
		return ""
	}
	if e, err := parser.ParseExpr(span); err == nil {
		switch e := e.(type) {
		case *ast.CallExpr:
			return span
		case *ast.SelectorExpr:
			if e.Sel.Name == "LoadShape" || e.Sel.Name == "Client" { // types
				return "var _ " + span
			}
		}
		return "_ = " + span
	}
	if left, _, declared := strings.Cut(span, " := "); declared {
		span += "\n\t_" + strings.Repeat(", _", strings.Count(left, ",")) + " = " + left
		if strings.Contains(left, "err") { // which the function has already
			span = "{\n\t" + span + "\n\t}"
		}
	}
	return span
}

// programOf returns the files of a program with all Go of a page: the listings, and
// a function for each row of a table.
func programOf(page string) (files map[string]string, rows int) {
	files = map[string]string{}
	rest := head
	for _, listing := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(listing[1], "package ") {
			files["main.go"] = listing[1]
		} else {
			rest += listing[1] + "\n"
		}
	}
	spans := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "|") || len(cells) != 2 || strings.HasPrefix(cells[0], " ---") || strings.Contains(cells[1], "stays in the master's") {
			continue
		}
		for _, span := range spans.FindAllStringSubmatch(cells[1], -1) {
			code := statement(span[1])
			if code == "" {
				continue
			}
			if !strings.HasPrefix(code, "return ") {
				code += "\n\treturn err"
			}
			rows++
			rest += fmt.Sprintf(row, rows, code)
		}
	}
	files["rest.go"] = rest
	return files, rows
}

// TestWritingTestsCompiles compiles every line of Go in docs/writing-tests.md.
func TestWritingTestsCompiles(t *testing.T) {
	page, err := os.ReadFile("../docs/writing-tests.md")
	if err != nil {
		t.Fatal(err)
	}
	files, rows := programOf(string(page))
	if rows < 35 || files["main.go"] == "" {
		t.Fatalf("found %d rows and %d files", rows, len(files))
	}
	root, err := proctest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(root, "docs", "writingtests", name)] = file
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", file, "-gcflags=-e", "-o", filepath.Join(dir, "program"), "./docs/writingtests")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, files["rest.go"])
	}
}

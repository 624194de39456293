package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	maxFileLines = 400
	maxFuncLines = 60
	maxMainLines = 60
)

// styleFaults holds one file against the rules on sizes, names and init functions.
func styleFaults(s source) []string {
	var faults []string
	if s.lines > maxFileLines {
		faults = append(faults, fmt.Sprintf("%s: %d lines, at most %d: split it by topic", s.path, s.lines, maxFileLines))
	}
	if strings.HasPrefix(s.path, "cmd/") && path.Base(s.path) == "main.go" && s.lines > maxMainLines {
		faults = append(faults, fmt.Sprintf("%s: %d lines, a main has at most %d: no logic lives here", s.path, s.lines, maxMainLines))
	}
	for _, name := range []string{strings.TrimSuffix(path.Base(s.path), ".go"), s.file.Name.Name} {
		if saysNothing(name) {
			faults = append(faults, fmt.Sprintf("%s: %q says nothing about what is in it", s.path, name))
		}
	}
	for _, decl := range s.file.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			faults = append(faults, funcFaults(s, fn)...)
		}
	}
	return faults
}

func funcFaults(s source, fn *ast.FuncDecl) []string {
	var faults []string
	if lines := s.line(fn.End()) - s.line(fn.Pos()) - 1; lines > maxFuncLines {
		faults = append(faults, fmt.Sprintf("%s:%d: %s has %d lines, at most %d", s.path, s.line(fn.Pos()), fn.Name.Name, lines, maxFuncLines))
	}
	if fn.Recv == nil && fn.Name.Name == "init" && s.dir() != "boomer" {
		faults = append(faults, fmt.Sprintf("%s:%d: no init functions", s.path, s.line(fn.Pos())))
	}
	return faults
}

// saysNothing reports whether a word of the name is one of those that fit any code.
func saysNothing(name string) bool {
	empty := []string{"util", "utils", "common", "helper", "helpers", "misc", "shared"}
	return slices.ContainsFunc(strings.Split(strings.ToLower(name), "_"), func(word string) bool {
		return slices.Contains(empty, word)
	})
}

func TestStyle(t *testing.T) {
	for _, s := range loadSources(t) {
		for _, fault := range styleFaults(s) {
			t.Error(fault)
		}
	}
}

func TestStyleFaults(t *testing.T) {
	function := func(lines int) string { return "package x\n\nfunc f() {\n" + strings.Repeat("\tg()\n", lines) + "}\n" }
	tests := []struct {
		name, path, text string
		want             []string
	}{
		{"small", "api/a.go", "package api\n", nil},
		{"60 lines of function", "api/a.go", function(60), nil},
		{"61 lines of function", "api/a.go", function(61), []string{"api/a.go:3: f has 61 lines, at most 60"}},
		{"400 lines", "api/a_test.go", "package x\n" + strings.Repeat("//\n", 399), nil},
		{
			"401 lines", "api/a_test.go", "package x\n" + strings.Repeat("//\n", 400),
			[]string{"api/a_test.go: 401 lines, at most 400: split it by topic"},
		},
		{"long main", "cmd/api/main.go", "package main\n" + strings.Repeat("//\n", 60), []string{
			"cmd/api/main.go: 61 lines, a main has at most 60: no logic lives here",
		}},
		{"settings beside it", "cmd/api/settings.go", "package main\n" + strings.Repeat("//\n", 60), nil},
		{"file", "api/test_helpers.go", "package api\n", []string{`api/test_helpers.go: "test_helpers" says nothing about what is in it`}},
		{"package", "api/a.go", "package util\n", []string{`api/a.go: "util" says nothing about what is in it`}},
		{"no such word", "api/commonality.go", "package httputil\n", nil},
		{"init", "api/a.go", "package api\nfunc init() {}\n", []string{"api/a.go:2: no init functions"}},
		{"init of boomer", "boomer/a.go", "package boomer\nfunc init() {}\n", nil},
		{"init as a method", "api/a.go", "package api\nfunc (t T) init() {}\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := styleFaults(parse(t, test.path, []byte(test.text))); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

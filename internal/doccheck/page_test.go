package doccheck

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/internal/proctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A page is one Markdown file.
type page struct {
	path   string // below the module's root
	text   string
	fences []fence
}

// A fence is a block of code.
type fence struct {
	line int // of its first line of code, from 1
	lang string
	text string
}

// place names a line of the page in messages.
func (p *page) place(line int) string { return fmt.Sprintf("%s:%d", p.path, line) }

func root(t *testing.T) string {
	t.Helper()
	dir, err := proctest.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// pages reads all pages: those at the root, in docs and beside the code.
func pages(t *testing.T) []*page {
	t.Helper()
	var all []*page
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md", "examples/*/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			rel, err := filepath.Rel(root(t), path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, read(t, rel))
		}
	}
	if len(all) < 20 {
		t.Fatalf("found %d pages", len(all))
	}
	return all
}

// read reads the page of a path below the module's root.
func read(t *testing.T, path string) *page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	p := parse(path, string(text))
	if p == nil {
		t.Fatalf("%s: a block of code has no end", path)
	}
	return p
}

var fenceMark = regexp.MustCompile("^( *)```([a-z]*)$")

// parse finds the blocks of code of a page, and returns nil when the last one has no end.
func parse(path, text string) *page {
	p := &page{path: path, text: text}
	var open *fence
	indent, number := "", 0
	for line := range strings.Lines(text) {
		number++
		mark := fenceMark.FindStringSubmatch(strings.TrimRight(line, "\n"))
		switch {
		case mark != nil && open == nil:
			open, indent = &fence{line: number + 1, lang: mark[2]}, mark[1]
		case mark != nil:
			p.fences = append(p.fences, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent)
		}
	}
	if open != nil {
		return nil
	}
	return p
}

var spanMark = regexp.MustCompile("`([^`\n]+)`")

// code calls f with each piece of code in the page: lines of blocks that are no Go or Python, commands that go over
// several lines as one, and spans between backquotes.
func (p *page) code(f func(line int, code string)) {
	inside := map[int]bool{}
	for _, block := range p.fences {
		number, begun, start := block.line, "", 0
		for line := range strings.Lines(block.text) {
			inside[number] = true
			line = strings.TrimRight(line, "\n")
			if begun == "" {
				start = number
			}
			rest, goesOn := strings.CutSuffix(line, `\`)
			begun += rest
			if !goesOn {
				if block.lang != "go" && block.lang != "python" {
					f(start, strings.TrimPrefix(begun, "$ "))
				}
				begun = ""
			}
			number++
		}
	}
	number := 0
	for line := range strings.Lines(p.text) {
		number++
		if inside[number] {
			continue
		}
		for _, span := range spanMark.FindAllStringSubmatch(line, -1) {
			f(number, span[1])
		}
	}
}

func TestParse(t *testing.T) {
	p := parse("x.md", "a `span` and\n```console\n$ make up \\\n  A=1\nup: ok\n```\n- item\n  ```go\n  x()\n  ```\n")
	want := []fence{{3, "console", "$ make up \\\n  A=1\nup: ok\n"}, {9, "go", "x()\n"}}
	if p == nil || len(p.fences) != 2 || p.fences[0] != want[0] || p.fences[1] != want[1] {
		t.Fatalf("found %+v", p)
	}
	var got []string
	p.code(func(line int, code string) { got = append(got, fmt.Sprint(line, " ", code)) })
	if strings.Join(got, "|") != "3 make up   A=1|5 up: ok|1 span" {
		t.Errorf("code is %q", got)
	}
	if parse("x.md", "```go\n") != nil {
		t.Error("a block without an end is none")
	}
}

package doccheck

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	linkMark    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingMark = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	pathMark    = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.*-]+)+/?$`)
)

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func anchors(text string) []string {
	var all []string
	for _, heading := range headingMark.FindAllStringSubmatch(text, -1) {
		all = append(all, anchor(heading[1]))
	}
	return all
}

// TestLinks: each link to a file leads to one, and to a heading of it.
func TestLinks(t *testing.T) {
	found := 0
	for _, p := range pages(t) {
		number := 0
		for line := range strings.Lines(p.text) {
			number++
			for _, link := range linkMark.FindAllStringSubmatch(spanMark.ReplaceAllString(line, "x"), -1) {
				if strings.Contains(link[1], "://") {
					continue
				}
				found++
				if fault := linkFault(t, p, link[1]); fault != "" {
					t.Errorf("%s: (%s) %s", p.place(number), link[1], fault)
				}
			}
		}
	}
	if found < 50 {
		t.Errorf("found %d links", found)
	}
}

func linkFault(t *testing.T, p *page, link string) string {
	t.Helper()
	name, heading, _ := strings.Cut(link, "#")
	text := p.text
	if name != "" {
		file := filepath.Join(root(t), filepath.Dir(p.path), name)
		info, err := os.Stat(file)
		if err != nil {
			return "leads to no file"
		}
		if info.IsDir() {
			return ""
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err.Error()
		}
		text = string(content)
	}
	if heading != "" && !slices.Contains(anchors(text), heading) {
		return "leads to no heading"
	}
	return ""
}

// TestPaths: each file or folder of this repository that a page names in code exists. A path may begin at the root, at
// the page's folder, or at locustworker or locustworker/internal, as in the tables of docs/internals/design.md.
func TestPaths(t *testing.T) {
	top, err := os.ReadDir(root(t))
	if err != nil {
		t.Fatal(err)
	}
	var first []string
	for _, dir := range []string{".", "locustworker", "locustworker/internal"} {
		entries, err := os.ReadDir(filepath.Join(root(t), dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range append(entries, top...) {
			first = append(first, e.Name())
		}
	}
	found := 0
	for _, p := range pages(t) {
		p.code(func(line int, code string) {
			if !pathMark.MatchString(code) || !slices.Contains(first, strings.Split(code, "/")[0]) || !ours(code) {
				return
			}
			found++
			for _, dir := range []string{".", filepath.Dir(p.path), "locustworker", "locustworker/internal"} {
				if matches, err := filepath.Glob(filepath.Join(root(t), dir, code)); err == nil && len(matches) > 0 {
					return
				}
			}
			t.Errorf("%s: there is no %s", p.place(line), code)
		})
	}
	if found < 50 {
		t.Errorf("found %d paths", found)
	}
}

// ours tells paths of the repository from what is built, and from images, which have names such as bandwing/api.
func ours(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "bin" && first != ".local" && first != ".git"
}

func TestAnchor(t *testing.T) {
	for heading, want := range map[string]string{
		"Exit codes":                           "exit-codes",
		"What differs, and `--why`":            "what-differs-and---why",
		"Each name, and what does the same in": "each-name-and-what-does-the-same-in",
	} {
		if got := anchor(heading); got != want {
			t.Errorf("anchor(%q) = %q, want %q", heading, got, want)
		}
	}
}

package doccheck

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/pythontest"
)

var (
	makeMark     = regexp.MustCompile(`(?:^|[ (])make ([a-z][a-z-]*)(?:$|[ )])`)
	targetMark   = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	flagMark     = regexp.MustCompile(`(?:^|[\s'"(\[])(--[a-z][a-z-]+)`)
	addedMark    = regexp.MustCompile(`["'](--[a-z][a-z-]+)["']`)
	testMark     = regexp.MustCompile(`\b((?:Test|Fuzz|Benchmark)[A-Z]\w+)`)
	functionMark = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w*)\(`)
	variableMark = regexp.MustCompile(`\b(API_[A-Z_]+[A-Z])\b`)
	foreignMark  = regexp.MustCompile(`\b(k6|COPY|docker|kubectl|kustomize|buildah|kind|minikube|cosign|sha256sum|git|complete|pip|helm|http\.server|podman)\b`)
)

// others are options of docker compose, k6, cosign and an example. Those that begin with --load-gen- are made of the settings of the
// load test, and held by its own test.
var others = []string{
	"--no-recreate", "--no-deps", "--rmi", "--out", "--summary-export", "--target", "--bundle",
	"--certificate-oidc-issuer", "--certificate-identity-regexp",
}

// TestMakeTargets: each make target that a page names is one.
func TestMakeTargets(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root(t), "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range targetMark.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	found := 0
	for _, p := range pages(t) {
		p.code(func(line int, code string) {
			for _, m := range makeMark.FindAllStringSubmatch(code, -1) {
				found++
				if !slices.Contains(targets, m[1]) {
					t.Errorf("%s: the Makefile has no target %s", p.place(line), m[1])
				}
			}
		})
	}
	if found < 30 || len(targets) < 20 {
		t.Errorf("found %d uses of %d targets", found, len(targets))
	}
}

// options returns all long options of the worker's and boomer's programs, of Locust, and of what the master loads.
func options(t *testing.T, programs string) []string {
	t.Helper()
	boomer := filepath.Join(programs, "boomer")
	texts := []string{
		output(t, filepath.Join(programs, "locustworker"), "--help"),
		strings.ReplaceAll(output(t, boomer, "-h"), "\n  -", "\n  --"), // the flag package takes both
		output(t, pythontest.Interpreter(t), "-m", "locust", "--help"),
		output(t, pythontest.Interpreter(t), "scripts/up.py", "--help"),
	}
	var all []string
	for _, text := range texts {
		for _, m := range flagMark.FindAllStringSubmatch(strings.ReplaceAll(text, ",", " "), -1) {
			all = append(all, m[1])
		}
	}
	for _, pattern := range []string{"master/*.py", "loadtest/*.py", "locustworker/internal/cli/options_*.go", "examples/*/*.py"} {
		files, err := filepath.Glob(filepath.Join(root(t), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range addedMark.FindAllStringSubmatch(string(text), -1) {
				all = append(all, m[1])
			}
		}
	}
	return all
}

// output is what a program prints on both of its outputs. The exit code of a help text differs from program to program.
func output(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = root(t)
	text, _ := cmd.CombinedOutput()
	if len(text) < 500 {
		t.Fatalf("%s %q prints %q", program, args, text)
	}
	return string(text)
}

// build compiles the programs whose options the pages name into a folder.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", dir, "./cmd/api", "./cmd/locustworker", "./internal/doccheck/testdata/boomer")
	cmd.Dir = root(t)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0") // as make build, whose cache this uses
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return dir
}

// TestOptions: each long option that a page names is one of a program, and each API_ variable one of the service.
func TestOptions(t *testing.T) {
	t.Parallel()
	programs := build(t)
	known := options(t, programs)
	service := output(t, filepath.Join(programs, "api"), "-h")
	found := 0
	for _, p := range pages(t) {
		p.code(func(line int, code string) {
			if foreignMark.MatchString(code) || strings.HasPrefix(code, "parser.add_argument") {
				return
			}
			for _, m := range flagMark.FindAllStringSubmatch(code, -1) {
				found++
				if !slices.Contains(known, m[1]) && !strings.HasPrefix(m[1], "--load-gen-") && !slices.Contains(others, m[1]) {
					t.Errorf("%s: no program has the option %s", p.place(line), m[1])
				}
			}
			for _, m := range variableMark.FindAllStringSubmatch(code, -1) {
				if !strings.Contains(service, m[1]) && m[1] != "API_PORT" && m[1] != "API_ENDPOINT" { // of make up, of the load test
					t.Errorf("%s: the service has no variable %s", p.place(line), m[1])
				}
			}
		})
	}
	if found < 100 {
		t.Errorf("found %d options", found)
	}
}

// TestNamesOfTests: each test that a page names is one.
func TestNamesOfTests(t *testing.T) {
	known := map[string]bool{}
	err := filepath.WalkDir(root(t), func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() != "." && strings.HasPrefix(e.Name(), ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range functionMark.FindAllStringSubmatch(string(text), -1) {
			known[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, p := range pages(t) {
		p.code(func(line int, code string) {
			for _, m := range testMark.FindAllStringSubmatch(code, -1) {
				if m[1] == "TestStart" || m[1] == "TestStop" || m[1] == "TestStopping" { // events
					continue
				}
				found++
				if !known[m[1]] && !beginning(known, m[1]) {
					t.Errorf("%s: there is no %s", p.place(line), m[1])
				}
			}
		})
	}
	if found < 30 {
		t.Errorf("found %d names", found)
	}
}

// beginning tells whether -run with this text runs something.
func beginning(names map[string]bool, text string) bool {
	for name := range names {
		if strings.HasPrefix(name, text) {
			return true
		}
	}
	return false
}

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script is what `completion` prints for a shell.
func script(t *testing.T, shell string) string {
	t.Helper()
	c, sh := testCommand(nil, "completion", shell)
	if code := c.Run(t.Context()); code != ExitOK || sh.stderr.String() != "" {
		t.Fatalf("exit code %d: %s", code, sh.stderr.String())
	}
	return sh.stdout.String()
}

// bash asks bash what it offers for a command line whose last word is being
// written.
func bash(t *testing.T, file string, words ...string) []string {
	t.Helper()
	const ask = `source "$1"; shift; COMP_WORDS=(shoptest "$@"); COMP_CWORD=$#; _shoptest; printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.CommandContext(t.Context(), "bash", append([]string{"-uc", ask, "bash", file}, words...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", words, err)
	}
	return strings.Fields(string(out))
}

func TestBashCompletes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(file, []byte(script(t, "bash")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(file))
	for _, test := range []struct {
		words []string
		want  []string
	}{
		{[]string{"--master-h"}, []string{"--master-host"}},
		{[]string{"--exclude"}, []string{"--exclude-tags"}},
		{[]string{"st"}, []string{"stub"}},
		{[]string{"--worker", "Lo"}, []string{"Looker"}},
		{[]string{"--loglevel", "D"}, []string{"DEBUG"}},
		{[]string{"-L", "CR"}, []string{"CRITICAL"}},
		{[]string{"--logfile", "comp"}, []string{"completion"}},
		{[]string{"--host", "St"}, nil},
		{[]string{"--slav"}, nil},
	} {
		if got := bash(t, file, test.words...); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.words, got, test.want)
		}
	}
	if got := bash(t, file, "-"); len(got) < 30 {
		t.Errorf("- is completed with %q only", got)
	}
}

// Every option that does something is in every script, and every class and command.
func TestCompletionLeavesNothingOut(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text := script(t, shell)
		for _, o := range completable() {
			if name := strings.TrimLeft(o.Name(), "-"); !strings.Contains(text, name) {
				t.Errorf("%s: no %s", shell, name)
			}
		}
		for _, name := range []string{"Buyer", "Looker", "Idle", "stub", "completion"} {
			if !strings.Contains(text, name) {
				t.Errorf("%s: no %s", shell, name)
			}
		}
	}
}

func TestCompletionUsage(t *testing.T) {
	for args, want := range map[string]int{"completion": ExitUsage, "completion sh": ExitUsage, "completion -h": ExitOK, "completion bash zsh": ExitUsage} {
		c, sh := testCommand(nil, strings.Fields(args)...)
		if code := c.Run(t.Context()); code != want || !strings.Contains(sh.stderr.String(), "Usage: shoptest completion bash|zsh|fish") {
			t.Errorf("%s: exit code %d, %s", args, code, sh.stderr.String())
		}
	}
}

func TestShellQuote(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+shellQuote(`it's "$HOME" \ `+"`x`")).Output()
	if err != nil || string(out) != `it's "$HOME" \ `+"`x`" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestFunctionNames(t *testing.T) {
	for program, want := range map[string]string{"/usr/bin/shop": "_shop", "my-shop.exe": "_my_shop_exe", "étal": "__tal"} {
		c, _ := testCommand(nil)
		c.Args[0] = program
		if got := c.function(); got != want {
			t.Errorf("%s: %s, want %s", program, got, want)
		}
	}
}

package doccheck

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	module  = "github.com/bandwing/bandwing"
	release = "v0.0.1" // as which the proxy has the working tree
)

// moduleProxy makes a GOPROXY that has this working tree as the latest release, and returns the environment of a go
// command that has an empty module cache and takes all else from what this machine has downloaded already.
func moduleProxy(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	versions := filepath.Join(dir, module, "@v")
	if err := os.MkdirAll(versions, 0o700); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(versions, "list"), release+"\n")
	write(t, filepath.Join(versions, release+".info"), `{"Version":"`+release+`"}`)
	write(t, filepath.Join(versions, release+".mod"), string(mod))
	archive(t, filepath.Join(versions, release+".zip"))
	cache := strings.TrimSpace(run(t, "go", "env", "GOMODCACHE"))
	return append(os.Environ(),
		"GOPROXY=file://"+dir+",file://"+filepath.Join(cache, "cache", "download"), "GOMODCACHE="+filepath.Join(dir, "cache"),
		"GONOSUMDB="+module, "GOSUMDB=off", "GOFLAGS=-modcacherw -trimpath", "GOWORK=off", "CGO_ENABLED=0",
		"GOBIN="+filepath.Join(dir, "bin"))
}

// archive writes the module's zip: the files that git has or would take, without those of modules below.
func archive(t *testing.T, path string) {
	t.Helper()
	files := strings.Split(strings.TrimRight(run(t, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"), "\x00"), "\x00")
	var others []string // folders of other modules
	for _, file := range files {
		if filepath.Base(file) == "go.mod" && file != "go.mod" {
			others = append(others, filepath.Dir(file)+"/")
		}
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	z := zip.NewWriter(out)
	seen := map[string]bool{}
	for _, file := range files {
		if seen[file] || hasPrefix(file, others) {
			continue
		}
		seen[file] = true
		content, err := os.Open(filepath.Join(root(t), file))
		if os.IsNotExist(err) { // deleted and not committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(module + "@" + release + "/" + file)
		if err == nil {
			_, err = io.Copy(w, content)
		}
		content.Close()
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

func hasPrefix(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run returns the output of a command at the module's root.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}

// TestInstall: the worker's program can be installed with an empty module cache.
func TestInstall(t *testing.T) {
	t.Parallel()
	env := moduleProxy(t)
	cmd := exec.CommandContext(t.Context(), "go", "install", module+"/cmd/locustworker@latest")
	cmd.Dir, cmd.Env = t.TempDir(), env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	version := exec.CommandContext(t.Context(), filepath.Join(strings.TrimPrefix(env[len(env)-1], "GOBIN="), "locustworker"), "--version")
	out, err := version.CombinedOutput()
	if err != nil || !strings.Contains(string(out), release) {
		t.Errorf("--version says %q, %v", out, err)
	}
}

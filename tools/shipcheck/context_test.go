package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// maxContext bounds in bytes what a build sends to the engine.
const maxContext = 3 << 20

// TestBuildContext holds .dockerignore against the Dockerfiles: what they copy, and nothing else of the project, makes
// the programs and the locustfile run.
func TestBuildContext(t *testing.T) {
	files := contextFiles(t)
	t.Run("size", func(t *testing.T) {
		var size int64
		for _, file := range files {
			info, err := os.Stat(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
			if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "docs/") {
				t.Errorf("the context has %s", file)
			}
		}
		t.Logf("%d files, %d bytes", len(files), size)
		if size > maxContext {
			t.Errorf("%d bytes, at most %d", size, maxContext)
		}
	})
	for file, command := range map[string][]string{
		"Dockerfile.api":    {"go", "build", "-trimpath", "-o", os.DevNull, "./cmd/api"},
		"Dockerfile.worker": {"go", "build", "-trimpath", "-o", os.DevNull, "./cmd/locustworker"},
		"master/Dockerfile": {locust(t), "-f", "locustfile.py,master/load_shapes.py", "--list"},
	} {
		t.Run(file, func(t *testing.T) {
			dir := t.TempDir()
			copyAsDockerfile(t, filepath.Join(root, file), files, dir)
			cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH=")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", command, err, text)
			}
		})
	}
}

// locust is the program that `make deps` has installed.
func locust(t *testing.T) string {
	t.Helper()
	local := os.Getenv("LOCAL")
	if local == "" {
		local = filepath.Join(root, ".local")
	}
	file, err := filepath.Abs(filepath.Join(local, "venv", "bin", "locust"))
	if err == nil {
		_, err = os.Stat(file)
	}
	if err != nil {
		t.Fatalf("run make deps: %v", err)
	}
	return file
}

// dockerignore reads the project's, as the engine does.
func dockerignore(t *testing.T) *patternmatcher.PatternMatcher {
	t.Helper()
	ignore, err := os.Open(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer ignore.Close()
	patterns, err := ignorefile.ReadAll(ignore)
	if err != nil {
		t.Fatal(err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return matcher
}

// contextFiles returns the files that .dockerignore leaves, relative to the root.
func contextFiles(t *testing.T) []string {
	t.Helper()
	matcher := dockerignore(t)
	var files []string
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		ignored, err := matcher.MatchesOrParentMatches(rel)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && ignored && (rel == ".git" || rel == ".local"): // many files
			return filepath.SkipDir
		case !entry.IsDir() && !ignored:
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// copied and mounted find what a Dockerfile takes from the context.
var (
	copied  = regexp.MustCompile(`(?m)^COPY (?:--chmod=\S+ )?([^-].*)$`)
	mounted = regexp.MustCompile(`--mount=type=bind,source=([^,]+),`)
)

// copyAsDockerfile does what the COPY lines of a Dockerfile do.
func copyAsDockerfile(t *testing.T, dockerfile string, files []string, dir string) {
	t.Helper()
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	for _, mount := range mounted.FindAllStringSubmatch(string(text), -1) {
		if !slices.Contains(files, mount[1]) {
			t.Errorf("%s mounts %s, which .dockerignore leaves out", dockerfile, mount[1])
		}
	}
	for _, line := range copied.FindAllStringSubmatch(string(text), -1) {
		words := strings.Fields(line[1])
		sources, target := words[:len(words)-1], words[len(words)-1]
		for _, source := range sources {
			if !copySource(t, source, target, files, dir) && !strings.Contains(source, "*") {
				t.Errorf("%s copies %s, of which .dockerignore leaves nothing", dockerfile, source)
			}
		}
	}
}

// copySource copies a file, the files of a folder, or those that a pattern matches, and reports whether there were any.
func copySource(t *testing.T, source, target string, files []string, dir string) bool {
	t.Helper()
	found := false
	for _, file := range files {
		to := path.Join(target, path.Base(file))
		if rest, inside := strings.CutPrefix(file, source+"/"); inside {
			to = path.Join(target, rest)
		} else if match, err := path.Match(source, file); err != nil || !match {
			continue
		}
		found = true
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		to = filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestContextHasNoSecrets: what lies around in a working folder stays out, whether it is there today or not.
func TestContextHasNoSecrets(t *testing.T) {
	matcher := dockerignore(t)
	for file, want := range map[string]bool{
		".env": true, "local_conf/app.conf": true, "local_conf/redis.conf": true, ".git/HEAD": true, "key.pem": true,
		"api/server_test.go": true, "api/server.go": false, "go.mod": false,
	} {
		if ignored, err := matcher.MatchesOrParentMatches(file); err != nil || ignored != want {
			t.Errorf("%s is ignored: %v, %v", file, ignored, err)
		}
	}
}

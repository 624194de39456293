package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPasswordsStayOut: the password of a host is in no file, log or error of a run.
func TestPasswordsStayOut(t *testing.T) {
	const password = "s3cr3tpw"
	program := filepath.Join(t.TempDir(), "locustworker")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tt := range []struct {
		name, host, class string
		files             int // of a whole run, or its output alone
	}{
		{"nobody listens", "http://ann:" + password + "@127.0.0.1:1", "JSONGet", 7},
		{"bad port", "http://ann:" + password + "@127.0.0.1:bad", "JSONGet", 7},
		{"bad address", "http://ann:" + password + "@[::1", "JSONGet", 7},
		{"another scheme", "redis://ann:" + password + "@127.0.0.1:1", "JSONGet", 7},
		{"a slash in it", "http://ann:/" + password + "@127.0.0.1:1", "JSONGet", 7},
		{"Redis, nobody listens", "redis://ann:" + password + "@127.0.0.1:1", "DirectJSONGet", 7},
		{"Redis, a slash in it", "redis://ann:/" + password + "@127.0.0.1:1", "DirectJSONGet", 1},
		{"Redis, bad port", "redis://ann:" + password + "@127.0.0.1:bad", "DirectJSONGet", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.CommandContext(t.Context(), program, "--headless", "-H", tt.host, "-u", "2", "-t", "1s", "--loglevel", "DEBUG",
				"--html", "r.html", "--csv", "c", "--csv-full-history", "--json-file", "j", "--junit", "u.xml", "--threshold", "p(95) < 200ms", tt.class)
			cmd.Dir = dir
			if tt.class == "DirectJSONGet" {
				cmd.Env = append(os.Environ(), "LOAD_GEN_REDIS_URL="+tt.host)
			}
			out, _ := cmd.CombinedOutput() // fails, as it should
			if err := os.WriteFile(filepath.Join(dir, "output"), out, 0o600); err != nil {
				t.Fatal(err)
			}
			search(t, dir, password, tt.files)
		})
	}
}

// search fails the test if a file in dir holds the password, or there are fewer than
// least.
func search(t *testing.T, dir, password string, least int) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < least {
		text, _ := os.ReadFile(filepath.Join(dir, "output"))
		t.Errorf("the run wrote %d files: %v; it said\n%s", len(files), files, text)
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(text, []byte(password)); at >= 0 {
			t.Errorf("%s has the password: …%s…", f.Name(), text[max(at-80, 0):min(at+40, len(text))])
		}
	}
}

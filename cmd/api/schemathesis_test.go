package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/redistest"
)

// TestSchemathesis sends what schemathesis makes up from the OpenAPI document, right and wrong, to the service on a real
// Redis, always the same. Every reply must keep the document, and none may be a 5xx.
func TestSchemathesis(t *testing.T) {
	local := os.Getenv("LOCAL")
	if local == "" {
		local = filepath.Join("..", "..", ".local")
	}
	program, err := filepath.Abs(filepath.Join(local, "venv", "bin", "schemathesis"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("schemathesis is not installed, run `make deps-dev`: %v", err)
	}
	useRedis(t, redistest.Start(t))
	url, stop := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "run", url+"/openapi.yaml",
		"--seed", "1", "--max-examples", "40", "--no-color", "--request-timeout", "10", "--continue-on-failure",
		// A path is described as a text, while its grammar is more narrow: no text that keeps the schema is wrong here.
		// And Allow rightly names GET for /api/v1/hash/update, which reads the hash "update".
		"--exclude-checks", "positive_data_acceptance,allow_header_conformance")
	cmd.Dir = t.TempDir() // it writes a folder of its own
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if code, stderr := stop(); code != 0 || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A build is where TestMain has put the programs under test, and where the
// checkout is.
type build struct {
	root   string
	api    string
	worker string
	// testWorker is e2e/testworker.
	testWorker string
	// boomerWorker is e2e/boomerworker.
	boomerWorker string
	// openWorker is e2e/openworker.
	openWorker string
	locust     string // the stock one, from the venv that the Makefile makes
}

// built is set once by TestMain, before any test runs.
var built build

// parallelTests is how many tests run at once unless -parallel says otherwise:
// they wait for other programs most of the time.
const parallelTests = "8"

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "bandwing-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if built, err = buildAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", parallelTests); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
	}
	return m.Run()
}

// buildAll compiles the programs, with the race detector, into dir.
func buildAll(dir string) (build, error) {
	here, err := os.Getwd()
	if err != nil {
		return build{}, err
	}
	b := build{
		root:   filepath.Dir(here),
		api:    filepath.Join(dir, "api"),
		worker: filepath.Join(dir, "locustworker"),

		testWorker:   filepath.Join(dir, "testworker"),
		boomerWorker: filepath.Join(dir, "boomerworker"),
		openWorker:   filepath.Join(dir, "openworker"),
	}
	b.locust = filepath.Join(b.root, ".local", "venv", "bin", "locust")
	if _, err := os.Stat(b.locust); errors.Is(err, os.ErrNotExist) {
		return b, fmt.Errorf("there is no %s: run `make deps`", b.locust)
	}
	cmd := exec.Command("go", "build", "-race", "-o", dir, "./cmd/api", "./cmd/locustworker", "./e2e/testworker", "./e2e/boomerworker", "./e2e/openworker")
	cmd.Dir = b.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return b, nil
}

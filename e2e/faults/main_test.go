package faults

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

var (
	all    = flag.Bool("faults.all", false, "run all cases, not only the quick ones")
	seed   = flag.Uint64("faults.seed", 0, "seed of the random moments; 0: another each time")
	soak   = flag.Duration("faults.soak", 0, "how long TestSoak runs; 0: not at all")
	rounds = flag.Int("faults.rounds", 1, "how many times each case runs, each time at other moments")
)

// A build is what TestMain has put where.
type build struct {
	root, dir      string
	worker, locust string
	stub           string // the locustfile that the worker prints
}

// built, results are set or made by TestMain, before any test runs.
var (
	built   build
	results = &table{}
)

// parallelTests is how many cases run at once unless -parallel says otherwise.
const parallelTests = "6"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano()) % 1_000_000_007
	}
	dir, err := os.MkdirTemp("", "bandwing-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if built, err = buildAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		return 1
	}
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", parallelTests); err != nil {
			fmt.Fprintln(os.Stderr, "faults:", err)
			return 1
		}
	}
	fmt.Printf("faults: -faults.seed=%d\n", *seed)
	code := m.Run()
	results.print(os.Stdout)
	return code
}

// buildAll compiles the programs into dir.
func buildAll(dir string) (build, error) {
	root, err := proctest.ModuleRoot()
	if err != nil {
		return build{}, err
	}
	b := build{
		root: root, dir: dir, worker: filepath.Join(dir, "worker"),
		stub: filepath.Join(dir, "locustfile.py"), locust: filepath.Join(root, ".local", "venv", "bin", "locust"),
	}
	if _, err := os.Stat(b.locust); errors.Is(err, os.ErrNotExist) {
		return b, fmt.Errorf("there is no %s: run `make deps`", b.locust)
	}
	cmd := exec.Command("go", "build", "-race", "-o", dir, "./e2e/faults/worker")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build: %w\n%s", err, out)
	}
	text, err := exec.Command(b.worker, "stub").Output()
	if err != nil {
		return b, fmt.Errorf("worker stub: %w", err)
	}
	return b, os.WriteFile(b.stub, text, 0o600)
}

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

// locustSeries chooses the Locust that the conformance tests run against: the
// one of .local/venv, or that of .local/venv-<series>.
var locustSeries = flag.String("locust", "", "Locust `series` to test against, as 2.37; default the one of .local/venv")

// A kind is what a worker is written in.
type kind string

const (
	pythonWorker kind = "python"
	goWorker     kind = "go"
)

// A plan says how a lab is set up.
type plan struct {
	kind    kind     // of the workers that join
	classes []string // the user classes that master and workers name; none for all
	master  []string // further arguments of the master
	env     []string // further environment of the workers
	series  string   // of the Locust; default -locust
	file    string   // the locustfile in testdata; default conformance.py
}

// A lab is a stock master without a system under test: its users record samples
// by themselves. Its workers are of one kind, and are started with the same
// command line whatever the kind is.
type lab struct {
	*cluster
	plan
	locust string
	dir    string // for files that the master writes
}

func newLab(t *testing.T, p plan) *lab {
	t.Helper()
	if p.series == "" {
		p.series = *locustSeries
	}
	if p.file == "" {
		p.file = "conformance.py"
	}
	p.file = filepath.Join(built.root, "e2e", "testdata", p.file)
	l := &lab{
		cluster: &cluster{t: t, masterPort: freePort(t)},
		plan:    p,
		locust:  built.locust,
		dir:     t.TempDir(),
	}
	l.web = &webUI{t: t, url: fmt.Sprintf("http://127.0.0.1:%d", freePort(t))}
	if p.series != "" {
		l.locust = filepath.Join(built.root, ".local", "venv-"+p.series, "bin", "locust")
		if _, err := os.Stat(l.locust); err != nil {
			t.Fatalf("%v: run `make deps-dev`", err)
		}
	}
	return l
}

// started is newLab with its master running and showing its web UI.
func started(t *testing.T, p plan) *lab {
	t.Helper()
	l := newLab(t, p)
	l.runMaster(l.web.url)
	l.awaitHTTP(l.web.url + "/")
	return l
}

// runMaster starts the master, with a web UI unless webURL is empty.
func (l *lab) runMaster(webURL string, args ...string) {
	l.t.Helper()
	line := []string{"--master", "-f", l.file, "--master-bind-host", "127.0.0.1", "--master-bind-port", strconv.Itoa(l.masterPort)}
	if webURL != "" {
		_, port, _ := strings.Cut(strings.TrimPrefix(webURL, "http://"), ":")
		line = append(line, "--web-host", "127.0.0.1", "--web-port", port)
	}
	line = append(append(append(line, l.master...), args...), l.classes...)
	l.masterProc = l.start("master", nil, l.locust, line...)
}

// join starts a worker of the lab's kind.
func (l *lab) join(args ...string) *proctest.Process {
	l.t.Helper()
	return l.joinAs(l.kind, args...)
}

func (l *lab) joinAs(k kind, args ...string) *proctest.Process {
	l.t.Helper()
	program := l.locust
	if k == goWorker {
		program = built.testWorker
	}
	line := append([]string{
		"--worker", "-f", l.file, "--master-host", "127.0.0.1", "--master-port", strconv.Itoa(l.masterPort),
	}, args...)
	return l.start(string(k)+"-worker", l.env, program, append(line, l.classes...)...)
}

// begin starts or changes the run with a form of the web UI.
func (l *lab) begin(users int, more url.Values) {
	l.t.Helper()
	form := url.Values{"user_count": {strconv.Itoa(users)}, "spawn_rate": {strconv.Itoa(max(users, 1))}, "host": {""}}
	for key, values := range more {
		form[key] = values
	}
	l.web.post("/swarm", form)
}

// newest reports whether the lab's Locust is the one of .local/venv, and not an
// older one.
func (l *lab) newest() bool { return l.series == "" }

// awaitWorkers waits until so many workers are ready. Older masters tell only in
// the table.
func (l *lab) awaitWorkers(n int) {
	l.t.Helper()
	if res, err := http.Get(l.web.url + "/worker-count"); err == nil {
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			l.web.awaitWorkers(n)
			return
		}
	}
	l.awaitPage(fmt.Sprintf("%d workers", n), func(p page) error {
		ready := slices.DeleteFunc(p.Workers, func(w columns) bool { return w.text("state") == "missing" })
		if len(ready) != n {
			return fmt.Errorf("%d workers", len(ready))
		}
		return nil
	})
}

// stop ends the run; it returns when the master says so.
func (l *lab) stop() {
	l.t.Helper()
	l.press("/stop")
}

// press is what a button of the web UI does: a POST, or a GET where the master is
// older.
func (l *lab) press(path string) {
	l.t.Helper()
	res, err := http.Post(l.web.url+path, "", nil)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusMethodNotAllowed:
		if _, err := l.web.text(path); err != nil {
			l.t.Fatal(err)
		}
	default:
		l.t.Fatalf("%s answered %s", path, res.Status)
	}
}

// twins sets up the lab twice at once, for a Python worker and for a Go worker,
// and returns what observe has seen with each.
func twins[T any](t *testing.T, p plan, observe func(l *lab) T) (python, golang T) {
	t.Helper()
	var mu sync.Mutex
	seen := make(map[kind]T)
	ok := t.Run("worker", func(t *testing.T) {
		for _, k := range []kind{pythonWorker, goWorker} {
			t.Run(string(k), func(t *testing.T) {
				t.Parallel()
				p := p
				p.kind = k
				result := observe(newLab(t, p))
				mu.Lock()
				defer mu.Unlock()
				seen[k] = result
			})
		}
	})
	if !ok || len(seen) != 2 { // one may have been left out by -run
		t.FailNow()
	}
	return seen[pythonWorker], seen[goWorker]
}

// same fails unless what a Python worker has led to reads as what a Go worker
// has.
func same(t *testing.T, what string, python, golang any) {
	t.Helper()
	want, got := readable(t, python), readable(t, golang)
	if want == got {
		return
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	t.Errorf("%s differ:\nwith the Python worker: … %s\nwith the Go worker: … %s",
		what, strings.Join(a[:min(12, len(a))], "\n"), strings.Join(b[:min(12, len(b))], "\n"))
}

func readable(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// await polls get until check finds nothing wrong, and returns the value.
func await[T any](t *testing.T, what string, get func() (T, error), check func(T) error) T {
	t.Helper()
	var value T
	eventually(t, startPatience, what, func() (err error) {
		if value, err = get(); err != nil {
			return err
		}
		return check(value)
	})
	return value
}

// text reads a page.
func (w *webUI) text(path string) (string, error) {
	res, err := http.Get(w.url + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", path, res.Status, body)
	}
	return string(body), err
}

// send posts a body and requires a status below 300.
func (w *webUI) send(path, body string) {
	w.t.Helper()
	res, err := http.Post(w.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusMultipleChoices {
		answer, _ := io.ReadAll(res.Body)
		w.t.Fatalf("%s answered %s: %s", path, res.Status, answer)
	}
}

// awaitExit returns a process's exit code and fails when it runs on.
func (l *lab) awaitExit(p *proctest.Process) int {
	l.t.Helper()
	select {
	case <-p.Done():
	case <-time.After(startPatience):
		l.t.Fatalf("a process runs on:\n%s", p.LogTail())
	}
	l.forget(p)
	return p.ExitCode()
}

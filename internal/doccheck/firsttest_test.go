package doccheck

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/internal/pythontest"
)

// patience is how long a program may take for what it does at once on a machine that is not busy.
const patience = 60 * time.Second

// A terminal runs the commands of a section, each in the folder that those before have changed to.
type terminal struct {
	t       *testing.T
	dir     string
	env     []string
	ports   *strings.Replacer
	web     int // port of Locust's web UI
	service int // port of what is tested
	server  *proctest.Process
	master  *proctest.Process
	worker  *proctest.Process
	ran     []string
}

// TestFirstTest does what the section "A first test" of the README says, and compares the tables with the log of the
// web server that is tested.
func TestFirstTest(t *testing.T) {
	t.Parallel()
	p := read(t, "README.md")
	begin, end := section(t, p, "A first test")
	term := newTerminal(t)
	for _, block := range p.fences {
		if block.line < begin || block.line >= end {
			continue
		}
		switch block.lang {
		case "go":
			write(t, filepath.Join(term.dir, "main.go"), block.text)
		case "console":
			for line := range strings.Lines(block.text) {
				if command, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
					term.do(command)
				}
			}
		default:
			t.Fatalf("%s: a listing of %q", p.place(block.line), block.lang)
		}
	}
	if term.master == nil || term.worker == nil || term.server == nil {
		t.Fatalf("the section starts too little: %q", term.ran)
	}
	term.runUnderLocust()
	if !term.master.Stop(patience) {
		t.Error("the master did not end:", term.master.LogTail())
	}
	waitFor(t, "the end of the worker", term.worker.Exited)
	if code := term.worker.ExitCode(); code != 0 {
		t.Errorf("the worker ended with %d: %s", code, term.worker.LogTail())
	}
}

// section returns the lines of a page between a heading and the next of its level.
func section(t *testing.T, p *page, heading string) (begin, end int) {
	t.Helper()
	number := 0
	for line := range strings.Lines(p.text) {
		number++
		switch {
		case line == "## "+heading+"\n":
			begin = number
		case strings.HasPrefix(line, "## ") && begin > 0:
			return begin, number
		}
	}
	t.Fatalf("%s has no section %q that another one follows", p.path, heading)
	return 0, 0
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	ports, err := proctest.FreePorts(3)
	if err != nil {
		t.Fatal(err)
	}
	env := append(moduleProxy(t), fmt.Sprint("LOCUST_WEB_PORT=", ports[1]), "LOCUST_WEB_HOST=127.0.0.1",
		fmt.Sprint("LOCUST_MASTER_BIND_PORT=", ports[2]), fmt.Sprint("LOCUST_MASTER_NODE_PORT=", ports[2]))
	return &terminal{
		t: t, dir: t.TempDir(), env: env, service: ports[0], web: ports[1],
		ports: strings.NewReplacer("http.server 8000", fmt.Sprint("http.server ", ports[0], " --bind 127.0.0.1"),
			"127.0.0.1:8000", fmt.Sprint("127.0.0.1:", ports[0]), "200ms", "1m"), // the machine may be slow
	}
}

// do runs a command, or starts it when it is a server.
func (r *terminal) do(command string) {
	r.t.Helper()
	r.ran = append(r.ran, command)
	switch {
	case strings.Contains(command, "http.server"):
		r.server = r.start(r.ports.Replace(command))
		waitFor(r.t, "the web server", func() bool { return listens(r.service) })
	case strings.Contains(command, "--master "), strings.HasSuffix(command, "--master"):
		r.master = r.start(command)
	case strings.Contains(command, "--worker"):
		r.worker = r.start(command)
	case command == "python3 -m venv venv && venv/bin/pip install locust": // which make deps has done
		if err := os.Symlink(filepath.Dir(filepath.Dir(pythontest.Interpreter(r.t))), filepath.Join(r.dir, "venv")); err != nil {
			r.t.Fatal(err)
		}
	case strings.Contains(command, "--headless"):
		before := r.served()
		out := r.bash(r.ports.Replace(command))
		rows := regexp.MustCompile(`(?m)^GET +/ +(\d+) +\d+\(`).FindAllStringSubmatch(out, -1)
		if len(rows) == 0 || rows[len(rows)-1][1] != strconv.Itoa(r.served()-before) || r.served() == before {
			r.t.Errorf("the web server has served %d requests, the table is\n%s", r.served()-before, out)
		}
	default:
		r.bash(command)
	}
}

// bash runs a command to its end, fails the test when its exit code is not 0, and keeps the folder that it ends in.
func (r *terminal) bash(command string) string {
	r.t.Helper()
	where := filepath.Join(r.t.TempDir(), "where")
	cmd := exec.CommandContext(r.t.Context(), "bash", "-c", command+"\ncode=$?; pwd > "+where+"; exit $code")
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s", command, err, out)
	}
	dir, err := os.ReadFile(where)
	if err != nil {
		r.t.Fatal(err)
	}
	r.dir = strings.TrimSpace(string(dir))
	return string(out)
}

// start starts a program that goes on, and ends it with the test.
func (r *terminal) start(command string) *proctest.Process {
	r.t.Helper()
	cmd := exec.Command("bash", "-c", "exec "+command)
	cmd.Dir, cmd.Env = r.dir, r.env
	p, err := proctest.Start(cmd, filepath.Join(r.t.TempDir(), "log"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		p.Signal(syscall.SIGTERM)
		p.Stop(patience)
	})
	return p
}

// served is how many requests the web server has logged.
func (r *terminal) served() int { return strings.Count(r.server.Log(), `"GET / HTTP/1.1" 200`) }

// runUnderLocust does what the README says of the web UI.
func (r *terminal) runUnderLocust() {
	r.t.Helper()
	before := r.served()
	waitFor(r.t, "the worker in the master's list", func() bool { return len(r.stats().Workers) == 1 })
	r.post("/swarm", url.Values{"user_count": {"5"}, "spawn_rate": {"5"}, "host": {fmt.Sprint("http://127.0.0.1:", r.service)}})
	waitFor(r.t, "requests in the table", func() bool { return r.stats().requests() >= 20 })
	r.post("/stop", nil)
	waitFor(r.t, "the end of the run", func() bool { return r.stats().State == "stopped" })
	if got, want := r.stats().requests(), r.served()-before; got != want {
		r.t.Errorf("the table has %d requests, the web server has served %d", got, want)
	}
}

// stats is what the web UI shows.
type stats struct {
	State   string
	Workers []any
	Stats   []struct {
		Name        string
		Requests    int `json:"num_requests"`
		NumFailures int `json:"num_failures"`
	}
}

func (s stats) requests() int {
	for _, row := range s.Stats {
		if row.Name == "/" && row.NumFailures == 0 {
			return row.Requests
		}
	}
	return 0
}

// stats asks the master; before it answers there are none.
func (r *terminal) stats() (s stats) {
	r.t.Helper()
	if r.master.Exited() || r.worker.Exited() {
		r.t.Fatalf("a program has ended:\n%s\n%s", r.master.LogTail(), r.worker.LogTail())
	}
	resp, err := http.Get(fmt.Sprint("http://127.0.0.1:", r.web, "/stats/requests"))
	if err != nil {
		return s
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *terminal) post(path string, form url.Values) {
	r.t.Helper()
	resp, err := http.PostForm(fmt.Sprint("http://127.0.0.1:", r.web, path), form)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		r.t.Fatalf("POST %s: %s: %s", path, resp.Status, text)
	}
}

func listens(port int) bool {
	resp, err := http.Get(fmt.Sprint("http://127.0.0.1:", port, "/nothing"))
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

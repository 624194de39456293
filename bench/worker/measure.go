package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/internal/proctest"
)

// ticksPerSecond is the unit of the times in /proc/PID/stat (USER_HZ), which is
// 100 on every Linux platform that Go runs on.
const ticksPerSecond = 100

// A contender is one kind of worker.
type contender struct {
	name   string
	env    []string
	python bool
}

// A bench is one run of the benchmark, with what it has started.
type bench struct {
	dir    string
	locust string
	file   string
	self   string
	target string // host:port
	procs  []*proctest.Process
}

func run(length time.Duration, users int) (err error) {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.end()
	if _, err := b.start("target", nil, b.self, "target", b.target); err != nil {
		return err
	}
	contenders := []contender{
		{name: "Go worker, httpuser"},
		{name: "Python worker, FastHttpUser", python: true},
		{name: "Python worker, HttpUser", python: true, env: []string{"BENCH_CLIENT=http"}},
	}
	var base float64
	fmt.Printf("%-30s %10s %14s %9s\n", "worker", "requests", "CPU µs/request", "ratio")
	for _, c := range contenders {
		requests, cpu, err := b.measure(c, length, users)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		each := float64(cpu.Microseconds()) / float64(requests)
		if base == 0 {
			base = each
		}
		fmt.Printf("%-30s %10d %14.1f %8.1fx\n", c.name, requests, each, each/base)
	}
	return nil
}

func newBench() (*bench, error) {
	here, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	b := &bench{
		locust: filepath.Join(here, ".local", "venv", "bin", "locust"),
		file:   filepath.Join(here, "bench", "worker", "locustfile.py"),
	}
	if _, err := os.Stat(b.locust); err != nil {
		return nil, fmt.Errorf("%w: run `make bench` in the project's folder", err)
	}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp("", "bandwing-bench-"); err != nil {
		return nil, err
	}
	port, err := freePort()
	b.target = fmt.Sprintf("127.0.0.1:%d", port)
	return b, err
}

// end stops everything, the last started first.
func (b *bench) end() {
	for i := len(b.procs) - 1; i >= 0; i-- {
		b.procs[i].Stop(10 * time.Second)
	}
	_ = os.RemoveAll(b.dir)
}

func (b *bench) start(name string, env []string, program string, args ...string) (*proctest.Process, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	p, err := proctest.Start(cmd, filepath.Join(b.dir, name+".log"))
	if err == nil {
		b.procs = append(b.procs, p)
	}
	return p, err
}

// measure runs one worker under a master of its own and returns how many requests
// the target has served and what CPU time they took in the worker.
func (b *bench) measure(c contender, length time.Duration, users int) (int64, time.Duration, error) {
	masterPort, err1 := freePort()
	webPort, err2 := freePort()
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	web := fmt.Sprintf("http://127.0.0.1:%d", webPort)
	master, err := b.start("master", nil, b.locust, "--master", "-f", b.file, "--master-bind-host", "127.0.0.1",
		"--master-bind-port", strconv.Itoa(masterPort), "--web-host", "127.0.0.1", "--web-port", strconv.Itoa(webPort))
	if err != nil {
		return 0, 0, err
	}
	defer master.Stop(10 * time.Second)
	program, args := b.self, []string{"--worker", "--master-port", strconv.Itoa(masterPort)}
	if c.python {
		program, args = b.locust, append(args, "-f", b.file)
	}
	worker, err := b.start("worker", c.env, program, args...)
	if err != nil {
		return 0, 0, err
	}
	defer worker.Stop(10 * time.Second)
	if err := await(web+"/worker-count", `"worker_count": 1`); err != nil {
		return 0, 0, err
	}
	return b.load(web, worker.Pid(), length, users)
}

// load runs the users for a while and takes both counts before and after.
func (b *bench) load(web string, pid int, length time.Duration, users int) (int64, time.Duration, error) {
	served, err1 := b.served()
	cpu, err2 := cpuTime(pid)
	n := strconv.Itoa(users)
	err3 := post(web+"/swarm", url.Values{"user_count": {n}, "spawn_rate": {n}, "host": {"http://" + b.target}})
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, err
	}
	time.Sleep(length)
	err1 = post(web+"/stop", nil)
	servedAfter, err2 := b.served()
	cpuAfter, err3 := cpuTime(pid)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, err
	}
	if servedAfter == served {
		return 0, 0, errors.New("the target has served no request")
	}
	return servedAfter - served, cpuAfter - cpu, nil
}

func (b *bench) served() (int64, error) {
	text, err := get("http://" + b.target + "/count")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// cpuTime returns the user and system time of a process so far.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name in brackets may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", pid, stat)
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, errors.Join(err1, err2)
}

func await(url, want string) error {
	deadline := time.Now().Add(time.Minute)
	for {
		text, err := get(url)
		if err == nil && strings.Contains(text, want) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not say %s: %q %w", url, want, text, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func get(url string) (string, error) {
	res, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func post(url string, form url.Values) error {
	res, err := http.PostForm(url, form)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if body, _ := io.ReadAll(res.Body); !strings.Contains(string(body), `"success": true`) {
		return fmt.Errorf("%s answered %s", url, body)
	}
	return nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

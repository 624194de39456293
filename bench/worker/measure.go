package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/bench/lab"
	"github.com/bandwing/bandwing/internal/proctest"
)

// ticksPerSecond is the unit of the times in /proc/PID/stat (USER_HZ), which is
// 100 on every Linux platform that Go runs on.
const ticksPerSecond = 100

// paceVariable is the environment variable that says how many requests a second a
// user makes.
const paceVariable = "BENCH_PACE"

// settings are what the command line says.
type settings struct {
	length time.Duration
	users  int
	rate   float64 // of all users together, where they wait
	rounds int
}

// A contender is one kind of load generator.
type contender struct {
	name   string
	env    []string
	python bool
	// program, if it is not nil, is what runs without a master, for the length of
	// a run.
	program func(b *bench, s settings) *exec.Cmd
}

// contenders returns those without wait time, and those with it.
func contenders(s settings) [][]contender {
	each := strconv.FormatFloat(s.rate/float64(s.users), 'f', -1, 64)
	waits := fmt.Sprintf(", %g requests/s", s.rate)
	return [][]contender{
		{
			{name: "Go worker, httpuser"},
			{name: "wrk", program: (*bench).wrk},
			{name: "bare loop over TCP", program: (*bench).bare},
			{name: "Python worker, FastHttpUser", python: true},
			{name: "Python worker, HttpUser", python: true, env: []string{"BENCH_CLIENT=http"}},
		},
		{
			{name: "Go worker" + waits, env: []string{paceVariable + "=" + each}},
			{name: "bare loop" + waits, env: []string{paceVariable + "=" + each}, program: (*bench).bare},
		},
	}
}

// A bench is one run of the benchmark, with what it has started.
type bench struct {
	lab    *lab.Lab
	locust string
	file   string
	self   string
	target lab.Web
}

func run(ctx context.Context, s settings) (err error) {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.lab.Close()
	if err := b.startTarget(); err != nil {
		return err
	}
	for range s.rounds {
		for _, group := range contenders(s) {
			if err := b.compare(ctx, group, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare measures contenders one after the other and prints a table.
func (b *bench) compare(ctx context.Context, group []contender, s settings) error {
	var base float64
	fmt.Printf("%-32s %10s %14s %9s\n", fmt.Sprintf("%d users", s.users), "requests", "CPU µs/request", "ratio")
	for _, c := range group {
		measure := b.measure
		if c.program != nil {
			measure = b.measureProgram
		}
		requests, cpu, err := measure(ctx, c, s)
		if errors.Is(err, exec.ErrNotFound) {
			fmt.Printf("%-32s %s\n", c.name, "is not installed")
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		each := float64(cpu.Microseconds()) / float64(requests)
		if base == 0 {
			base = each
		}
		fmt.Printf("%-32s %10d %14.1f %8.2fx\n", c.name, requests, each, each/base)
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
	b.lab, err = lab.New()
	return b, err
}

func (b *bench) startTarget() error {
	ports, err := proctest.FreePorts(1)
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	b.target = lab.Web("http://" + address)
	_, err = b.lab.Start("target", exec.Command(b.self, "target", address))
	return err
}

// measure runs one worker under a master of its own and returns how many requests
// the target has served and what CPU time they took in the worker.
func (b *bench) measure(ctx context.Context, c contender, s settings) (int64, time.Duration, error) {
	master, err := b.lab.StartMaster("master", b.locust, b.file)
	if err != nil {
		return 0, 0, err
	}
	defer lab.Stop(master.Process)
	cmd := exec.Command(b.self, master.Join()...)
	if c.python {
		cmd = exec.Command(b.locust, append(master.Join(), "-f", b.file)...)
	}
	cmd.Env = append(os.Environ(), c.env...)
	worker, err := b.lab.Start("worker", cmd)
	if err != nil {
		return 0, 0, err
	}
	defer lab.Stop(worker)
	if err := master.AwaitWorkers(ctx, 1); err != nil {
		return 0, 0, err
	}
	return b.load(ctx, master.Web, worker.Pid(), s.length, s.users)
}

// load runs the users for a while and takes both counts before and after.
func (b *bench) load(ctx context.Context, web lab.Web, pid int, length time.Duration, users int) (int64, time.Duration, error) {
	served, err1 := b.served(ctx)
	cpu, err2 := cpuTime(pid)
	err3 := web.Swarm(ctx, users, string(b.target), nil)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, err
	}
	time.Sleep(length)
	err1 = web.Stop(ctx)
	servedAfter, err2 := b.served(ctx)
	cpuAfter, err3 := cpuTime(pid)
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, 0, err
	}
	if servedAfter == served {
		return 0, 0, errors.New("the target has served no request")
	}
	return servedAfter - served, cpuAfter - cpu, nil
}

func (b *bench) served(ctx context.Context) (int64, error) {
	text, err := b.target.Get(ctx, "/count")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(text), 10, 64)
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

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

// A contender is one kind of worker.
type contender struct {
	name   string
	env    []string
	python bool
}

// A bench is one run of the benchmark, with what it has started.
type bench struct {
	lab    *lab.Lab
	locust string
	file   string
	self   string
	target lab.Web
}

func run(ctx context.Context, length time.Duration, users int) (err error) {
	b, err := newBench()
	if err != nil {
		return err
	}
	defer b.lab.Close()
	if err := b.startTarget(); err != nil {
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
		requests, cpu, err := b.measure(ctx, c, length, users)
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
func (b *bench) measure(ctx context.Context, c contender, length time.Duration, users int) (int64, time.Duration, error) {
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
	return b.load(ctx, master.Web, worker.Pid(), length, users)
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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/internal/redistest"
)

const (
	// lead is how long a load runs before it is measured, and after.
	lead = 500 * time.Millisecond
	// patience is how long a load may take to begin.
	patience = 30 * time.Second
	// ticksPerSecond is the unit of the times in /proc/PID/stat (USER_HZ), 100 on every Linux platform that Go runs on.
	ticksPerSecond = 100
)

// The contenders, in the order of the tables. The first is what the others are held against.
var contenders = []string{"redis-benchmark", "bare go-redis", "redisuser"}

const (
	reference = 0
	ours      = 2
)

// figures are what one run gave: commands a second, CPU µs a command, and what the load generator saw. With a pipeline the
// times are of the whole of it.
type figures struct {
	rate, cpu, p50, p99 float64 // ms
	reported            int
}

type bench struct {
	o      options
	self   string
	server *redistest.Server
	client *redis.Client
}

func newBench(ctx context.Context, o options) (*bench, error) {
	document, err := os.ReadFile(o.document)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	b := &bench{o: o}
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("redis-benchmark"); err != nil {
		return nil, fmt.Errorf("bench: %w (it comes with Redis; Debian has it in redis-tools)", err)
	}
	if b.server, err = redistest.StartMain(); err != nil {
		return nil, err
	}
	b.client = redis.NewClient(&redis.Options{Addr: b.server.Addr})
	fields := make([]any, 0, 20)
	for i := range 10 {
		fields = append(fields, fmt.Sprint("field", i), strings.Repeat("x", valueSize))
	}
	err = errors.Join(
		b.client.Set(ctx, textKey, strings.Repeat("x", valueSize), 0).Err(),
		b.client.HSet(ctx, hashKey, fields...).Err(),
		b.client.JSONSet(ctx, jsonKey, "$", string(document)).Err(),
	)
	if err != nil {
		b.close()
	}
	return b, err
}

func (b *bench) close() {
	_ = b.client.Close()
	b.server.Close()
}

func (b *bench) printHead(ctx context.Context, stdout io.Writer) {
	version, _ := exec.CommandContext(ctx, "redis-benchmark", "--version").Output()
	fmt.Fprintf(stdout, "%d users, %d rounds of %v, medians, %s, %d CPUs, %s\n",
		b.o.users, b.o.rounds, b.o.duration, runtime.Version(), runtime.NumCPU(), bytes.TrimSpace(version))
}

// round measures all contenders, one right after the other.
func (b *bench) round(ctx context.Context, c benchCase, depth int) ([]figures, error) {
	round := make([]figures, len(contenders))
	for i, name := range contenders {
		var err error
		for longer := 1; ; longer *= 2 {
			var cmd *exec.Cmd
			if cmd, err = b.command(ctx, name, c, depth, longer); err == nil {
				round[i], err = b.measure(ctx, cmd, c, name)
			}
			if !errors.Is(err, errTooShort) || longer > mostLonger {
				break
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return round, nil
}

// errTooShort says that a load generator ended while it was measured: redis-benchmark, which takes a number of commands
// that turned out to be too small, because the machine has become faster.
var errTooShort = errors.New("it ended while it was measured")

// mostLonger is how many times as many commands it gets then, at most.
const mostLonger = 8

// command returns the process of a contender, which ends by itself. longer is for the reference, see errTooShort.
func (b *bench) command(ctx context.Context, name string, c benchCase, depth, longer int) (*exec.Cmd, error) {
	if name == contenders[reference] {
		n, err := b.calibrate(ctx, c, depth)
		if err != nil {
			return nil, err
		}
		return exec.CommandContext(ctx, name, b.benchmarkArgs(c, depth, longer*n)...), nil
	}
	j := job{
		Bare: name != contenders[ours], Addr: b.server.Addr, Args: c.args, Users: b.o.users, Depth: depth,
		Duration: b.o.duration + 2*lead,
	}
	if name == contenders[ours] {
		j.Profile = b.o.profile
	}
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.self)
	cmd.Env = append(os.Environ(), jobVariable+"="+string(text))
	return cmd, nil
}

// benchmarkArgs are those of redis-benchmark for n commands.
func (b *bench) benchmarkArgs(c benchCase, depth, n int) []string {
	return append([]string{
		"-h", b.server.Host, "-p", strconv.Itoa(b.server.Port), "-c", strconv.Itoa(b.o.users), "-P", strconv.Itoa(depth),
		"-n", strconv.Itoa(n), "--csv", "--precision", "3",
	}, c.args...)
}

// calibrate returns how many commands keep redis-benchmark busy as long as the others: it takes no duration.
func (b *bench) calibrate(ctx context.Context, c benchCase, depth int) (int, error) {
	n := 200 * depth * b.o.users
	begin := time.Now()
	if out, err := exec.CommandContext(ctx, "redis-benchmark", b.benchmarkArgs(c, depth, n)...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, out)
	}
	return int(float64(n) * float64(b.o.duration+3*lead) / float64(time.Since(begin))), nil
}

// A moment is both counts at one time.
type moment struct {
	at       time.Time
	commands int
	cpu      time.Duration
}

// measure runs a load generator and takes the counts at two moments in the middle.
func (b *bench) measure(ctx context.Context, cmd *exec.Cmd, c benchCase, name string) (figures, error) {
	before, err := b.commands(ctx, c)
	if err != nil {
		return figures{}, err
	}
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return figures{}, err
	}
	first, second, err := b.window(ctx, cmd.Process.Pid, c, before)
	if err != nil {
		_ = cmd.Process.Kill()
	}
	if ended := cmd.Wait(); ended != nil || err != nil {
		return figures{}, fmt.Errorf("%w: %s", errors.Join(err, ended), log.String())
	}
	after, err := b.commands(ctx, c)
	if err != nil {
		return figures{}, err
	}
	r, err := readReport(name, out.Bytes())
	if err != nil {
		return figures{}, err
	}
	if name == contenders[reference] { // its CSV has no count: all of -n are sent, or it fails
		r.Commands = after - before
	}
	if r.Failed > 0 || r.Commands != after-before || r.Name != c.args[0] {
		return figures{}, fmt.Errorf("reports %d commands %s, %d of them failed; Redis has counted %d %s",
			r.Commands, r.Name, r.Failed, after-before, c.args[0])
	}
	if after == second.commands {
		return figures{}, errTooShort
	}
	n, seconds := float64(second.commands-first.commands), second.at.Sub(first.at).Seconds()
	return figures{
		rate: n / seconds, cpu: float64((second.cpu - first.cpu).Microseconds()) / n,
		p50: r.P50.Seconds() * 1e3, p99: r.P99.Seconds() * 1e3, reported: r.Commands,
	}, nil
}

// window waits for the load, and returns the moments between which it is measured.
func (b *bench) window(ctx context.Context, pid int, c benchCase, before int) (first, second moment, err error) {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		n, err := b.commands(ctx, c)
		if err != nil {
			return first, second, err
		}
		if n-before > b.o.users {
			break
		}
		if time.Since(begin) > patience {
			return first, second, errors.New("no load for " + patience.String())
		}
	}
	time.Sleep(lead)
	if first, err = b.moment(ctx, pid, c); err != nil {
		return first, second, err
	}
	time.Sleep(b.o.duration)
	second, err = b.moment(ctx, pid, c)
	return first, second, err
}

func (b *bench) moment(ctx context.Context, pid int, c benchCase) (moment, error) {
	n, err1 := b.commands(ctx, c)
	cpu, err2 := cpuTime(pid)
	return moment{time.Now(), n, cpu}, errors.Join(err1, err2)
}

// commands returns how many commands of the case's name Redis has executed.
func (b *bench) commands(ctx context.Context, c benchCase) (int, error) {
	info, err := b.client.Info(ctx, "commandstats").Result()
	if err != nil {
		return 0, err
	}
	return parseCalls(info, c.args[0]), nil
}

// parseCalls finds a command in the text of INFO commandstats, where those that were never called are missing.
func parseCalls(info, command string) int {
	_, rest, _ := strings.Cut(info, "cmdstat_"+strings.ToLower(command)+":calls=")
	calls, _, _ := strings.Cut(rest, ",")
	n, _ := strconv.Atoi(calls) // 0 where it is missing
	return n
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

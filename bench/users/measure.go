package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/bench/lab"
	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

const (
	className = "Bench"
	// ticksPerSecond is the unit of the times in /proc/PID/stat (USER_HZ), which is
	// 100 on every Linux platform that Go runs on.
	ticksPerSecond = 100
	// startLimit is how long starting may take beyond its plan.
	startLimit = 2 * time.Minute
)

// A row is one line of the table.
type row struct {
	plan

	role     string
	resident float64 // MB, the most while the rate was held
	peak     float64 // MB, since the start
	started  float64 // users a second
	requests float64 // a second
	cpu      float64 // µs a request
	late     string
	note     string
}

func (r row) String() string {
	kept := "-" // without an interval there is no plan
	if r.interval > 0 {
		kept = fmt.Sprintf("%.2f%%", 100*r.requests*r.interval.Seconds()/float64(r.users))
	}
	return fmt.Sprintf("%-9s %9d %9v %6d %9.0f %9.0f %11.0f %10.0f %8s %11.1f %13s %s", r.role, r.users, r.interval, r.body,
		r.resident, r.peak, r.started, r.requests, kept, r.cpu, r.late, r.note)
}

// A trial is one run, with what it has started.
type trial struct {
	plan

	lab     *lab.Lab
	self    string
	ports   []int
	target  lab.Web
	figures lab.Web
	process *proctest.Process
	master  *mastertest.Master // of a worker
	id      string
}

// measure runs a worker or the reference.
func measure(ctx context.Context, p plan, hold time.Duration, role string) (r row, err error) {
	t := &trial{plan: p}
	if t.self, err = os.Executable(); err != nil {
		return r, err
	}
	if t.ports, err = proctest.FreePorts(2); err != nil {
		return r, err
	}
	if t.lab, err = lab.New(); err != nil {
		return r, err
	}
	defer t.lab.Close()
	address := fmt.Sprintf("127.0.0.1:%d", t.ports[0])
	t.target = lab.Web("http://" + address)
	if _, err = t.lab.Start("target", exec.Command(t.self, "target", address)); err != nil {
		return r, err
	}
	if err := t.target.Await(ctx, "/count", nil, nil); err != nil {
		return r, err
	}
	tb := &failures{}
	defer tb.cleanup()
	begin := time.Now()
	if role == "worker" {
		err = t.startWorker(ctx, tb, &begin)
	} else {
		err = t.startReference()
	}
	if err != nil {
		return r, err
	}
	r = row{plan: p, role: role, late: "-"}
	if r.started, err = t.awaitStart(ctx, begin); err != nil {
		return r, errors.Join(err, tb.err())
	}
	if err = t.hold(ctx, hold, &r); err == nil && role == "worker" {
		err = t.finish(ctx, begin, &r)
	}
	return r, errors.Join(err, tb.err())
}

// body is the URL's path of the answers.
func (t *trial) url() string { return fmt.Sprintf("%s/%d", t.target, t.body) }

// startWorker starts a worker and has it start its users, rate more each second, as
// a Locust master does. begin is set to when the first are asked for.
func (t *trial) startWorker(ctx context.Context, tb *failures, begin *time.Time) error {
	t.master = mastertest.New(tb)
	figures := fmt.Sprintf("127.0.0.1:%d", t.ports[1])
	var err error
	t.process, err = t.lab.Start("worker", exec.Command(t.self, "worker", t.master.Addr(), figures, t.interval.String()))
	if err != nil {
		return err
	}
	t.figures = lab.Web("http://" + figures)
	if err := t.figures.Await(ctx, "/", nil, nil); err != nil {
		return err
	}
	t.id = t.master.WaitFor("client_ready", time.Minute).Worker
	*begin = time.Now()
	for n := t.rate; ; n += t.rate {
		n = min(n, t.users)
		t.master.Spawn(t.id, map[string]int{className: n}, mastertest.Host(t.url()))
		if n == t.users {
			return nil
		}
		time.Sleep(time.Until(begin.Add(time.Duration(n/t.rate) * time.Second)))
	}
}

func (t *trial) startReference() (err error) {
	figures := fmt.Sprintf("127.0.0.1:%d", t.ports[1])
	t.figures = lab.Web("http://" + figures)
	t.process, err = t.lab.Start("reference", exec.Command(t.self, "reference", t.url(), figures, t.interval.String(),
		strconv.Itoa(t.users), strconv.Itoa(t.rate)))
	return err
}

// awaitStart waits until all users were constructed and returns how many that was a
// second.
func (t *trial) awaitStart(ctx context.Context, begin time.Time) (float64, error) {
	planned := time.Duration(t.users/t.rate) * time.Second
	limit := begin.Add(planned + startLimit)
	for {
		f, err := t.read(ctx)
		if err == nil && f.Started >= int64(t.users) {
			return float64(t.users) / max(time.Since(begin), planned).Seconds(), nil
		}
		if time.Now().After(limit) {
			return 0, errors.Join(fmt.Errorf("%d of %d users started", f.Started, t.users), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (t *trial) read(ctx context.Context) (f Figures, err error) {
	text, err := t.figures.Get(ctx, "/")
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	return f, err
}

// hold measures for so long.
func (t *trial) hold(ctx context.Context, length time.Duration, r *row) error {
	before, err1 := t.served(ctx)
	cpu, err2 := cpuTime(t.process.Pid())
	late, err3 := t.read(ctx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	begin := time.Now()
	for time.Since(begin) < length {
		time.Sleep(min(500*time.Millisecond, length-time.Since(begin)))
		mb, err := memory(t.process.Pid(), "VmRSS")
		if err != nil {
			return err
		}
		r.resident = max(r.resident, mb)
	}
	took := time.Since(begin)
	after, err1 := t.served(ctx)
	cpuAfter, err2 := cpuTime(t.process.Pid())
	lateAfter, err3 := t.read(ctx)
	var err4 error
	r.peak, err4 = memory(t.process.Pid(), "VmHWM")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	requests := after - before
	if requests == 0 {
		return errors.New("the target has served no request")
	}
	r.requests = float64(requests) / took.Seconds()
	r.cpu = float64((cpuAfter - cpu).Microseconds()) / float64(requests)
	if lateAfter.Late.Count > 0 {
		r.late = p99(late.Late, lateAfter.Late)
	}
	return nil
}

// p99 returns the bound below which 99 % of what came between two readings are.
func p99(before, after locustworker.Histogram) string {
	n := after.Count - before.Count
	var sum int64
	for i := range after.Counts {
		sum += after.Counts[i]
		if i < len(before.Counts) {
			sum -= before.Counts[i]
		}
		if sum*100 >= n*99 {
			if i == len(after.Bounds) {
				return fmt.Sprintf("> %v", after.Bounds[i-1])
			}
			return fmt.Sprintf("<= %v", after.Bounds[i])
		}
	}
	return "-"
}

// finish stops the worker and tells how its heartbeats came, and whether every
// request is in its reports.
func (t *trial) finish(ctx context.Context, begin time.Time, r *row) error {
	held := time.Now()
	t.master.Stop(t.id)
	t.master.WaitFor("client_stopped", startLimit)
	gone := time.Since(held)
	served, err := t.served(ctx)
	if err != nil {
		return err
	}
	reported := t.master.Totals().All.Requests
	t.master.Quit(t.id)
	t.master.WaitFor("quit", startLimit)
	beats := t.master.OfType("heartbeat")
	beats = slices.DeleteFunc(beats, func(m mastertest.Message) bool { return m.At.Before(begin) })
	var longest, at time.Duration
	last := begin
	for _, beat := range beats {
		if gap := beat.At.Sub(last); gap > longest {
			longest, at = gap, last.Sub(begin)
		}
		last = beat.At
	}
	r.note = fmt.Sprintf("%d heartbeats, at most %v apart (after %v); %d served, %d reported; stopped in %v after %v", len(beats),
		longest.Round(time.Millisecond), at.Round(time.Millisecond), served, reported, gone.Round(time.Millisecond),
		held.Sub(begin).Round(time.Millisecond))
	return nil
}

func (t *trial) served(ctx context.Context) (int64, error) {
	text, err := t.target.Get(ctx, "/count")
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

// memory returns a line of /proc/PID/status in MB.
func memory(pid int, name string) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, name)
}

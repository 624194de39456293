package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/bandwing/bandwing/bench/lab"
	"github.com/bandwing/bandwing/locustworker"
)

// locustfile is what the master has to know of the workers' class.
const locustfile = `from locust import User, task


class Light(User):
    @task
    def record(self):
        pass
`

// light is a user that makes no request.
type light struct {
	user *locustworker.User
	rows []string
}

// record adds a sample of each row, with the spread of times that a busy service has.
func (l *light) record(context.Context) error {
	for _, name := range l.rows {
		took := time.Duration(rand.ExpFloat64() * float64(20*time.Millisecond))
		l.user.Record(locustworker.Sample{Type: "GET", Name: name, ResponseTime: took, Length: 500})
	}
	return nil
}

func class(o options) locustworker.Class {
	rows := make([]string, o.rows)
	for i := range rows {
		rows[i] = "/api/v1/row" + strconv.Itoa(i)
	}
	newUser := func(u *locustworker.User) (*light, error) { return &light{u, rows}, nil }
	return locustworker.NewClass("Light", newUser).
		Wait(locustworker.ConstantThroughput(float64(o.rate)/float64(o.rows))).
		Task("record", 1, (*light).record)
}

// measure starts a master and n workers, lets them run, and ends all.
func measure(ctx context.Context, o options, n int) (r result, err error) {
	l, err := lab.New()
	if err != nil {
		return r, err
	}
	defer l.Close()
	dir, err := os.MkdirTemp("", "bandwing-bench-master-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "locustfile.py")
	if err := os.WriteFile(file, []byte(locustfile), 0o600); err != nil {
		return r, err
	}
	master, err := l.StartMaster("master", o.locust, file)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithCancel(ctx)
	workers, wait, err := startWorkers(ctx, o, n, master.Join()[4])
	defer func() {
		cancel()
		err = errors.Join(err, wait())
	}()
	if err != nil {
		return r, err
	}
	if err := master.AwaitWorkers(ctx, n); err != nil {
		return r, err
	}
	r, err = load(ctx, o, master, n)
	for _, w := range workers {
		r.recorded += w.Counters().Recorded
	}
	return r, err
}

// startWorkers runs n workers until ctx ends; wait waits for that.
func startWorkers(ctx context.Context, o options, n int, port string) (workers []*locustworker.Worker, wait func() error, err error) {
	var group sync.WaitGroup
	failed := make(chan error, n)
	wait = func() error {
		group.Wait()
		close(failed)
		var faults []error
		for err := range failed {
			faults = append(faults, err)
		}
		return errors.Join(faults...)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, wait, err
	}
	for range n {
		w, err := locustworker.New(locustworker.Config{MasterPort: number, HideLogs: true, Logger: slog.New(slog.DiscardHandler)}, class(o))
		if err != nil {
			return nil, wait, err
		}
		workers = append(workers, w)
		group.Go(func() {
			if err := w.Run(ctx); err != nil {
				failed <- err
			}
		})
	}
	return workers, wait, nil
}

// load runs a user on each worker and watches the master meanwhile.
func load(ctx context.Context, o options, master *lab.Master, n int) (r result, err error) {
	if err := master.Web.Swarm(ctx, n, "http://127.0.0.1", nil); err != nil {
		return r, err
	}
	if err := awaitState(ctx, master, "running"); err != nil {
		return r, err
	}
	if err := pause(ctx, 2*reportInterval); err != nil { // the reports of the beginning
		return r, err
	}
	before, err := cpuTime(ctx, master.Pid())
	if err != nil {
		return r, err
	}
	start := time.Now()
	if err := pause(ctx, o.window); err != nil {
		return r, err
	}
	after, err := cpuTime(ctx, master.Pid())
	r = result{workers: n, cpu: after - before, window: time.Since(start)}
	if err != nil {
		return r, err
	}
	asked := time.Now()
	s, err := statsOf(ctx, master)
	if err != nil {
		return r, err
	}
	r.ui = time.Since(asked)
	for _, w := range s.Workers {
		if w.State != "running" {
			r.lost++
		}
	}
	r.lost += n - len(s.Workers)
	if err := errors.Join(master.Web.Stop(ctx), awaitState(ctx, master, "stopped"), pause(ctx, 2*reportInterval)); err != nil {
		return r, err
	}
	s, err = statsOf(ctx, master)
	r.table = s.total()
	return r, err
}

// stats is the part of /stats/requests that matters here.
type stats struct {
	State   string
	Workers []struct{ State string }
	Stats   []struct {
		Name     string
		Requests int64 `json:"num_requests"`
	}
}

func (s stats) total() int64 {
	for _, row := range s.Stats {
		if row.Name == "Aggregated" {
			return row.Requests
		}
	}
	return 0
}

func statsOf(ctx context.Context, master *lab.Master) (s stats, err error) {
	body, err := master.Web.Get(ctx, "/stats/requests")
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(body, &s)
	return s, err
}

func awaitState(ctx context.Context, master *lab.Master, want string) error {
	var s stats
	return master.Web.Await(ctx, "/stats/requests", &s, func() error {
		if s.State != want {
			return fmt.Errorf("the run is %s, not %s", s.State, want)
		}
		return nil
	})
}

// pause waits; a benchmark measures in time, there is no condition to wait for.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// cpuTime returns the CPU time of a process so far.
func cpuTime(ctx context.Context, pid int) (time.Duration, error) {
	p, err := process.NewProcessWithContext(ctx, int32(pid))
	if err != nil {
		return 0, err
	}
	times, err := p.TimesWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return time.Duration((times.User + times.System) * float64(time.Second)), nil
}

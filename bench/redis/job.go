package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/redisuser"
)

// jobVariable is the environment variable with the job of a process that generates load.
const jobVariable = "BENCH_REDIS_JOB"

// A job is what such a process does.
type job struct {
	Bare     bool // a loop of go-redis in the place of redisuser
	Addr     string
	Args     []string
	Users    int
	Depth    int
	Duration time.Duration
	Profile  string // file of a CPU profile, "" for none
}

// A report is what it says at the end.
type report struct {
	Name     string
	Commands int
	Failed   int
	P50, P99 time.Duration // of a command or a pipeline
}

func runJob(ctx context.Context, text string, stdout io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	if j.Profile != "" {
		f, err := os.Create(j.Profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	do := j.worker
	if j.Bare {
		do = j.bare
	}
	r, err := do(ctx)
	return errors.Join(err, json.NewEncoder(stdout).Encode(r))
}

func (j *job) arguments() []any {
	args := make([]any, len(j.Args))
	for i, a := range j.Args {
		args[i] = a
	}
	return args
}

// worker runs users of redisuser in a worker without a master.
func (j *job) worker(ctx context.Context) (report, error) {
	class := locustworker.NewClass("Bench", func(u *locustworker.User) (*redisUser, error) {
		s, err := redisuser.New(u, redisuser.Config{URL: j.Addr, EachCommand: true})
		return &redisUser{s, j.arguments(), j.Depth}, err
	}).Task("command", 1, (*redisUser).send)
	w, err := locustworker.New(locustworker.Config{}, class)
	if err != nil {
		return report{}, err
	}
	var rows jsonRows
	_, err = w.RunHeadless(ctx, locustworker.Headless{
		Users: j.Users, SpawnRate: float64(j.Users), RunTime: j.Duration, OnlySummary: true, JSON: true, Stdout: &rows, Stderr: os.Stderr,
	})
	if err != nil {
		return report{}, err
	}
	return rows.report()
}

type redisUser struct {
	*redisuser.Session

	args  []any
	depth int
}

// send sends one command, or a pipeline. An error of a command is in its sample.
func (u *redisUser) send(ctx context.Context) error {
	if u.depth == 1 {
		return redisuser.Quiet(u.Do(ctx, u.args...).Err())
	}
	_, err := u.Pipelined(ctx, func(p redis.Pipeliner) error { queue(ctx, p, u.args, u.depth); return nil })
	return redisuser.Quiet(err)
}

func queue(ctx context.Context, p redis.Pipeliner, args []any, depth int) {
	for range depth {
		p.Do(ctx, args...)
	}
}

// bare runs goroutines with a client of one connection each, which note how long each command or pipeline took.
func (j *job) bare(ctx context.Context) (report, error) {
	end := time.Now().Add(j.Duration)
	times, faults := make([][]time.Duration, j.Users), make([]error, j.Users)
	var users sync.WaitGroup
	for i := range j.Users {
		users.Go(func() { times[i], faults[i] = j.bareUser(ctx, end) })
	}
	users.Wait()
	all := slices.Concat(times...)
	if len(all) == 0 {
		return report{}, errors.Join(errors.New("no command was sent"), errors.Join(faults...))
	}
	slices.Sort(all)
	return report{
		Name: j.Args[0], Commands: len(all) * j.Depth, P50: all[len(all)/2], P99: all[len(all)*99/100],
	}, errors.Join(faults...)
}

func (j *job) bareUser(ctx context.Context, end time.Time) ([]time.Duration, error) {
	client := redis.NewClient(&redis.Options{Addr: j.Addr, PoolSize: 1, Protocol: 2, DisableIdentity: true})
	defer client.Close()
	var times []time.Duration
	for args := j.arguments(); ; {
		begin := time.Now()
		if begin.After(end) {
			return times, nil
		}
		var err error
		if j.Depth == 1 {
			err = client.Do(ctx, args...).Err()
		} else {
			_, err = client.Pipelined(ctx, func(p redis.Pipeliner) error { queue(ctx, p, args, j.Depth); return nil })
		}
		if err != nil {
			return times, fmt.Errorf("bare loop: %w", err)
		}
		times = append(times, time.Since(begin))
	}
}

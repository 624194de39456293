package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// A result is what one load generator has seen.
type result struct {
	times  []time.Duration // response times
	failed int
	starts []time.Time // of iterations
	cpu    time.Duration
	due    int64
}

// A caller is a user of all classes here.
type caller struct{ httpuser.User }

func (c *caller) call(ctx context.Context) error {
	_, err := c.Get(ctx, "/")
	return err
}

// class is that of the measurements with requests; each calls begun.
func class(begun func()) *locustworker.ClassOf[*caller] {
	return httpuser.NewClass[caller]("Caller", httpuser.Config{}).Task("call", 1, func(c *caller, ctx context.Context) error {
		begun()
		return c.call(ctx)
	})
}

// idle is a class whose iterations do nothing but begin.
func idle(begun func()) *locustworker.ClassOf[*locustworker.User] {
	return locustworker.NewClass("Idle", func(u *locustworker.User) (*locustworker.User, error) { return u, nil }).
		Task("begin", 1, func(*locustworker.User, context.Context) error { begun(); return nil })
}

// run runs a class without a master.
func run(host string, users int, length time.Duration, of func(begun func()) locustworker.Class) (*result, error) {
	r := &result{}
	var mu sync.Mutex
	begun := func() {
		now := time.Now()
		mu.Lock()
		defer mu.Unlock()
		r.starts = append(r.starts, now)
	}
	cfg := locustworker.Config{
		Host: host, DrainTimeout: 10 * time.Second, HideLogs: true, Logger: slog.New(slog.DiscardHandler),
		Events: locustworker.Events{Request: func(_ *locustworker.User, s locustworker.Sample) {
			mu.Lock()
			defer mu.Unlock()
			if s.Err != nil {
				r.failed++
			}
			if !s.NoTime {
				r.times = append(r.times, s.ResponseTime)
			}
		}},
	}
	w, err := locustworker.New(cfg, of(begun))
	if err != nil {
		return nil, err
	}
	before := cpuTime()
	if _, err = w.RunHeadless(context.Background(), locustworker.Headless{Users: users, SpawnRate: float64(users), RunTime: length}); err != nil {
		return nil, err
	}
	r.cpu = cpuTime() - before
	for _, a := range w.Snapshot().Arrivals {
		r.due += a.Due
		if a.Due != a.Started+a.Dropped {
			return nil, fmt.Errorf("%d arrivals due, %d started, %d dropped", a.Due, a.Started, a.Dropped)
		}
	}
	return r, nil
}

// attack is the same load by vegeta.
func attack(host string, rate int, length time.Duration) *result {
	r := &result{}
	targeter := vegeta.NewStaticTargeter(vegeta.Target{Method: "GET", URL: host + "/"})
	attacker := vegeta.NewAttacker(vegeta.MaxConnections(10_000), vegeta.Connections(10_000))
	for res := range attacker.Attack(targeter, vegeta.Rate{Freq: rate, Per: time.Second}, length, "hang") {
		if res.Error != "" {
			r.failed++
		}
		r.times = append(r.times, res.Latency)
	}
	return r
}

// cpuTime returns what this process has used.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

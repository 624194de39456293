package main

import (
	"context"
	"encoding/json"
	"math/bits"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// maxConns is the number of connections that all users share.
const maxConns = 200

// Figures are what a worker and the reference tell of themselves.
type Figures struct {
	Started int64 // users that were constructed
	Late    locustworker.Histogram
}

// runWorker is a worker of the master at the first argument. It shows its figures at
// the second; users make a request in each interval, the third.
func runWorker(args []string) error {
	host, port, err := net.SplitHostPort(args[0])
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	interval, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	var started atomic.Int64
	pool := httpuser.NewPool(httpuser.PoolConfig{MaxConns: maxConns})
	class := locustworker.NewClass("Bench", func(u *locustworker.User) (*user, error) {
		s, err := httpuser.New(u, httpuser.Config{Pool: pool})
		started.Add(1)
		return &user{Session: s}, err
	}).Wait(phased(interval)).Task("page", 1, (*user).page)
	w, err := locustworker.New(locustworker.Config{
		MasterHost: host, MasterPort: number, MetricsAddr: args[1],
		ServeMetrics: func(ctx context.Context, l net.Listener, w *locustworker.Worker) error {
			return serveFigures(ctx, l, func() Figures { return Figures{started.Load(), w.Snapshot().Lateness} })
		},
	}, class)
	if err != nil {
		return err
	}
	return w.Run(context.Background())
}

type user struct {
	*httpuser.Session

	begun bool
}

// page makes a request, but for the first time, when the user has just started.
func (u *user) page(ctx context.Context) error {
	if !u.begun {
		u.begun = true
		return nil
	}
	_, err := u.Get(ctx, "")
	return err
}

// phased starts the tasks of a user every d, at a moment of its own, so that the
// users together are even.
func phased(d time.Duration) locustworker.WaitTime {
	return locustworker.WaitFunc(func(u *locustworker.User) time.Duration { return untilPhase(u.ID(), d) })
}

// untilPhase returns the time until the next moment of somebody's own in each d, 0
// if that is 0. It follows from the number alone: multiples of the golden ratio are spread
// evenly.
func untilPhase(id int64, d time.Duration) time.Duration {
	if d == 0 {
		return 0
	}
	part, _ := bits.Mul64(uint64(id)*0x9e3779b97f4a7c15, uint64(d))
	return d - (time.Duration(time.Now().UnixNano())-time.Duration(part))%d
}

// serveFigures answers every request with the figures.
func serveFigures(ctx context.Context, l net.Listener, figures func() Figures) error {
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/free" {
			debug.FreeOSMemory()
		}
		_ = json.NewEncoder(w).Encode(figures())
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// Command api measures what a request costs the REST service, in CPU time, beside a bare gin route in the same process
// (`make bench-api`).
//
// It starts a Redis with RedisJSON and, as a process of its own, the service and the bare route; then wrk loads one
// route after the other, the bare one before each, in several rounds. The table shows medians. CPU is user and system time of the service's
// process alone: Redis and wrk are not in it. Times are what wrk saw, on a machine that runs all three.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/bandwing/bandwing/internal/redistest"
)

type options struct {
	connections int
	rounds      int
	duration    time.Duration
	document    string
	profile     string
	check       bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == serveCommand {
		exit(serve(ctx, os.Args[2], os.Stdout))
	}
	var o options
	flag.IntVar(&o.connections, "c", 64, "connections, each with one request at a time")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each route is loaded")
	flag.DurationVar(&o.duration, "d", 3*time.Second, "how long, each time")
	flag.StringVar(&o.document, "document", "loadtest/complex.json", "the 13 KB document")
	flag.StringVar(&o.profile, "profile", "", "also write a CPU profile of the case of this name, to api.prof")
	flag.BoolVar(&o.check, "check", false, "fail when a ratio is above its target")
	flag.Parse()
	exit(run(ctx, o, os.Stdout))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures and prints the table.
func run(ctx context.Context, o options, stdout io.Writer) error {
	document, err := os.ReadFile(o.document)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	redis, err := redistest.StartMain()
	if err != nil {
		return err
	}
	defer redis.Close()
	service, err := startService(ctx, redis.Addr)
	if err != nil {
		return err
	}
	defer service.stop()
	cases := benchCases(document)
	if err := service.prepare(ctx, document); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d connections, %d rounds of %v, %s, %d CPUs, %s\n\n",
		o.connections, o.rounds, o.duration, runtime.Version(), runtime.NumCPU(), wrkVersion(ctx))
	samples := make([][]sample, len(cases))
	for range o.rounds {
		for i, c := range cases[1:] {
			// The bare route right before each case, because a machine is not the same at all times.
			bare, err := service.measure(ctx, cases[0], o)
			if err != nil {
				return err
			}
			s, err := service.measure(ctx, c, o)
			if err != nil {
				return err
			}
			bare.ratio, s.ratio = 1, s.cpu/bare.cpu
			samples[0] = append(samples[0], bare)
			samples[i+1] = append(samples[i+1], s)
		}
	}
	return report(stdout, cases, samples, o.check)
}

// report prints a line for each case, the bare route first.
func report(stdout io.Writer, cases []benchCase, samples [][]sample, check bool) error {
	fmt.Fprintf(stdout, "%-18s %10s %12s %8s %8s %10s %10s\n", "case", "req/s", "CPU µs/req", "ratio", "target", "p50", "p99")
	var missed []error
	for i, c := range cases {
		ratio := median(samples[i], func(s sample) float64 { return s.ratio })
		target := ""
		if c.target > 0 {
			target = fmt.Sprintf("≤ %.1f", c.target)
			if ratio > c.target {
				missed = append(missed, fmt.Errorf("bench: %s costs %.2f times a bare route, the target is %.1f", c.name, ratio, c.target))
			}
		}
		fmt.Fprintf(stdout, "%-18s %10.0f %12.1f %8.2f %8s %8.2fms %8.2fms\n", c.name,
			median(samples[i], func(s sample) float64 { return s.rate }),
			median(samples[i], func(s sample) float64 { return s.cpu }), ratio, target,
			median(samples[i], func(s sample) float64 { return s.p50 }), median(samples[i], func(s sample) float64 { return s.p99 }))
	}
	if check {
		return errors.Join(missed...)
	}
	return nil
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Command api measures what a request costs the REST service, in CPU time, beside a bare gin route in the same process
// (`make bench-api`).
//
// It starts a Redis with RedisJSON and, as a process of its own, the service and the bare route; then wrk loads one
// route after the other, the bare one before each, in several rounds, with several numbers of connections. The tables show
// medians. CPU is user and system time of the service's process alone: Redis and wrk are not in it. Times are what wrk saw, on a machine that runs all three.
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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bandwing/bandwing/internal/redistest"
)

type options struct {
	connections []int // each a column
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
	o.connections = []int{8, 32, 64, 256}
	flag.Func("c", "numbers of connections, each with one request at a time (default 8,32,64,256)", o.setConnections)
	flag.IntVar(&o.rounds, "rounds", 3, "how often each route is loaded")
	flag.DurationVar(&o.duration, "d", 3*time.Second, "how long, each time")
	flag.StringVar(&o.document, "document", "loadtest/complex.json", "the 13 KB document")
	flag.StringVar(&o.profile, "profile", "", "also write a CPU profile of the case of this name, to api.prof")
	flag.BoolVar(&o.check, "check", false, "fail when a ratio is above its target")
	flag.Parse()
	exit(run(ctx, o, os.Stdout))
}

// setConnections reads a list such as 8,64.
func (o *options) setConnections(text string) error {
	o.connections = nil
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no number of connections: write numbers with commas between", part)
		}
		o.connections = append(o.connections, n)
	}
	return nil
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
	fmt.Fprintf(stdout, "%d rounds of %v, medians, %s, %d CPUs, %s\n",
		o.rounds, o.duration, runtime.Version(), runtime.NumCPU(), wrkVersion(ctx))
	columns := make([]column, len(o.connections))
	for i, connections := range o.connections {
		if columns[i], err = service.column(ctx, cases, connections, o); err != nil {
			return err
		}
	}
	return report(stdout, cases, columns, o.check)
}

// column is what all cases cost at one number of connections.
type column struct {
	connections int
	samples     [][]sample // of each case
}

// column measures all cases in several rounds.
func (s *service) column(ctx context.Context, cases []benchCase, connections int, o options) (column, error) {
	col := column{connections, make([][]sample, len(cases))}
	for range o.rounds {
		for i, c := range cases[1:] {
			// The bare route right before each case, because a machine is not the same at all times.
			bare, err := s.measure(ctx, cases[0], connections, o)
			if err != nil {
				return col, err
			}
			sample, err := s.measure(ctx, c, connections, o)
			if err != nil {
				return col, err
			}
			bare.ratio, sample.ratio = 1, sample.cpu/bare.cpu
			col.samples[0] = append(col.samples[0], bare)
			col.samples[i+1] = append(col.samples[i+1], sample)
		}
	}
	return col, nil
}

// report prints a table for each figure, with a line for each case, the bare route first, and a column for each number of
// connections.
func report(stdout io.Writer, cases []benchCase, columns []column, check bool) error {
	for _, figure := range []struct {
		title, format string
		of            func(sample) float64
	}{
		{"CPU, in bare routes", " %9.2f", func(s sample) float64 { return s.ratio }},
		{"CPU µs a request", " %9.1f", func(s sample) float64 { return s.cpu }},
		{"requests a second", " %9.0f", func(s sample) float64 { return s.rate }},
		{"p50 in ms", " %9.2f", func(s sample) float64 { return s.p50 }},
		{"p99 in ms", " %9.2f", func(s sample) float64 { return s.p99 }},
	} {
		fmt.Fprintf(stdout, "\n%-20s %8s", figure.title, "target")
		for _, col := range columns {
			fmt.Fprintf(stdout, " %4d conn", col.connections)
		}
		fmt.Fprintln(stdout)
		for i, c := range cases {
			target := ""
			if c.target > 0 && figure.title == "CPU, in bare routes" {
				target = fmt.Sprintf("≤ %.1f", c.target)
			}
			fmt.Fprintf(stdout, "%-20s %8s", c.name, target)
			for _, col := range columns {
				fmt.Fprintf(stdout, figure.format, median(col.samples[i], figure.of))
			}
			fmt.Fprintln(stdout)
		}
	}
	if !check {
		return nil
	}
	return missed(cases, columns)
}

// missed names every ratio that is above its target.
func missed(cases []benchCase, columns []column) error {
	var faults []error
	for _, col := range columns {
		for i, c := range cases {
			ratio := median(col.samples[i], func(s sample) float64 { return s.ratio })
			if c.target > 0 && ratio > c.target {
				faults = append(faults, fmt.Errorf("bench: with %d connections %s costs %.2f times a bare route, the target is %.1f",
					col.connections, c.name, ratio, c.target))
			}
		}
	}
	return errors.Join(faults...)
}

func median(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// Command master measures what workers cost a stock Locust master: light ones, hundreds of them in this process, each
// with one user that records samples and makes no request.
//
//	go run ./bench/master            (make bench-master)
//
// For each number of workers it prints the master's CPU as a share of one core, the CPU time for a worker and
// report (a report and three heartbeats, every 3 s), how long the web UI took to answer, and the workers that it has
// lost. In the end it compares the table with what was recorded: they must be equal.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

// options is what one can choose.
type options struct {
	locust  string
	workers []int
	rows    int
	rate    int
	window  time.Duration
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench-master:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench-master", flag.ContinueOnError)
	var o options
	flags.StringVar(&o.locust, "locust", ".local/venv/bin/locust", "the locust program")
	flags.IntVar(&o.rows, "rows", 10, "rows of the table that each worker reports")
	flags.IntVar(&o.rate, "rate", 50, "samples a second of each worker")
	flags.DurationVar(&o.window, "window", 15*time.Second, "time to measure at each number of workers")
	counts := flags.String("workers", "10,100,400,800", "numbers of workers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for text := range strings.SplitSeq(*counts, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-workers %s: write numbers above 0 with commas between", *counts)
		}
		o.workers = append(o.workers, n)
	}
	fmt.Printf("%d rows and %d samples/s a worker\n", o.rows, o.rate)
	fmt.Printf("%7s  %10s  %22s  %12s  %5s  %s\n", "workers", "master CPU", "CPU ms/worker, report", "web UI", "lost", "table")
	for _, n := range o.workers {
		r, err := measure(ctx, o, n)
		if err != nil {
			return fmt.Errorf("%d workers: %w", n, err)
		}
		fmt.Println(r)
	}
	return nil
}

// result is one line.
type result struct {
	workers, lost   int
	cpu, window, ui time.Duration
	recorded, table int64
}

// reportInterval is how often a worker reports.
const reportInterval = 3 * time.Second

// String is the line.
func (r result) String() string {
	share := float64(r.cpu) / float64(r.window)
	each := share * reportInterval.Seconds() * 1000 / float64(r.workers)
	table := "equal"
	if r.recorded != r.table {
		table = fmt.Sprintf("%d of %d samples", r.table, r.recorded)
	}
	return fmt.Sprintf("%7d  %9.0f%%  %22.2f  %12v  %5d  %s", r.workers, 100*share, each, r.ui.Round(time.Millisecond), r.lost, table)
}

// Command redis measures what a command costs a load generator of Redis: redisuser in a Go worker beside redis-benchmark
// and a bare loop of go-redis, on the same commands, one after the other in each of several rounds (`make bench-redis`).
//
// Each figure is taken while the load runs, from commands that Redis has counted (INFO commandstats) and from the user and
// system time of the load generator's process alone. Redis, which runs on the same machine, is not in it. After each run
// the commands that the load generator reports are held against those that Redis has counted: a difference is an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	users    int
	rounds   int
	duration time.Duration
	depths   []int // commands in a pipeline; each is a table
	only     string
	document string
	profile  string
	check    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if text := os.Getenv(jobVariable); text != "" {
		exit(runJob(ctx, text, os.Stdout))
	}
	o := options{depths: []int{1, 16}}
	flag.IntVar(&o.users, "users", 50, "users, each with a connection")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each command is measured")
	flag.DurationVar(&o.duration, "d", 2*time.Second, "how long, each time")
	flag.Func("depth", "commands in a pipeline, each depth a table (default 1,16)", o.setDepths)
	flag.StringVar(&o.only, "only", "", "only the case of this name, such as GET")
	flag.StringVar(&o.document, "document", "loadtest/complex.json", "the 13 KB document")
	flag.StringVar(&o.profile, "profile", "", "also write a CPU profile of redisuser to this file")
	flag.BoolVar(&o.check, "check", false, "fail when redisuser misses a target at depth 1")
	flag.Parse()
	exit(run(ctx, o, os.Stdout))
}

// setDepths reads a list such as 1,16.
func (o *options) setDepths(text string) error {
	o.depths = nil
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no depth: write numbers with commas between", part)
		}
		o.depths = append(o.depths, n)
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

// A benchCase is a command under load.
type benchCase struct {
	name string
	args []string
}

// benchCases are the commands of the load test's Direct* classes, each on one key. redis-benchmark does not escape quotes
// in its CSV, so no argument has any.
func benchCases(only string) ([]benchCase, error) {
	value := strings.Repeat("x", valueSize)
	all := []benchCase{
		{"SET", []string{"SET", textKey, value}},
		{"GET", []string{"GET", textKey}},
		{"HGETALL", []string{"HGETALL", hashKey}},
		{"JSON.SET field", []string{"JSON.SET", jsonKey, "$.stats.speed", "42"}},
		{"JSON.GET field", []string{"JSON.GET", jsonKey, "$.generation.name"}},
		{"JSON.GET 13 KB", []string{"JSON.GET", jsonKey}},
	}
	if only == "" {
		return all, nil
	}
	names := make([]string, len(all))
	for i, c := range all {
		if names[i] = c.name; c.name == only {
			return all[i : i+1], nil
		}
	}
	return nil, fmt.Errorf("bench: -only %s: the cases are %s", only, strings.Join(names, ", "))
}

const (
	textKey   = "bench:text"
	hashKey   = "bench:hash"
	jsonKey   = "bench:json"
	valueSize = 64
)

// run measures and prints the tables.
func run(ctx context.Context, o options, stdout *os.File) error {
	cases, err := benchCases(o.only)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	b.printHead(ctx, stdout)
	var missed error
	for _, depth := range o.depths {
		t := table{depth: depth, cases: cases, runs: make([][][]figures, len(cases))}
		for range o.rounds {
			for i, c := range cases {
				round, err := b.round(ctx, c, depth)
				if err != nil {
					return fmt.Errorf("%s at depth %d: %w", c.name, depth, err)
				}
				t.runs[i] = append(t.runs[i], round)
			}
		}
		t.print(stdout)
		if o.check && depth == 1 {
			missed = errors.Join(missed, t.missed())
		}
	}
	return missed
}

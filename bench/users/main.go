// Command users measures what users that mostly wait cost: memory, and whether a
// worker keeps its rate and its heartbeats with very many of them.
//
//	go run ./bench/users            (make bench-users)
//
// Each run starts a static target, a worker with a scripted master, and, beside it,
// as many goroutines as users over net/http, which is how such a program is written
// without a library. All are processes of their own. Users share a pool of
// connections and make one request in each interval, their first at a random moment
// of it. Requests are those that the target has counted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// A plan is one row of the table.
type plan struct {
	users    int
	interval time.Duration // between two requests of a user
	rate     int           // users started a second
	body     int           // bytes of an answer
}

func plans() []plan {
	return []plan{
		{100_000, 10 * time.Second, 10_000, 1 << 10},
		{100_000, 10 * time.Second, 10_000, 13 << 10},
		{1_000_000, 100 * time.Second, 50_000, 1 << 10},
		{1_000_000, 100 * time.Second, 50_000, 13 << 10},
	}
}

func main() {
	if len(os.Args) > 1 {
		if role, ok := roles()[os.Args[1]]; ok {
			fmt.Fprintln(os.Stderr, role(os.Args[2:]))
			os.Exit(1)
		}
	}
	hold := flag.Duration("hold", 30*time.Second, "length of each measurement")
	only := flag.String("only", "", "numbers of the rows to run, such as 1,3; all by default")
	reference := flag.Int("reference", 100_000, "the most goroutines of the reference; runs of more users have none")
	custom := flag.String("plan", "", "one row of your own: users,interval,users started a second,bytes of an answer; an interval of 0 is no wait")
	flag.Parse()
	all, err := plansOf(*custom)
	if err == nil {
		err = run(context.Background(), all, *hold, *only, *reference)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// roles are what the program is when it starts itself.
func roles() map[string]func(args []string) error {
	return map[string]func([]string) error{"target": serveTarget, "worker": runWorker, "reference": runReference}
}

// plansOf returns the rows that are run: the one described, or all.
func plansOf(text string) ([]plan, error) {
	if text == "" {
		return plans(), nil
	}
	fields := strings.Split(text, ",")
	if len(fields) != 4 {
		return nil, fmt.Errorf("plan %q is not users,interval,rate,bytes", text)
	}
	p := plan{}
	var err [4]error
	p.users, err[0] = strconv.Atoi(fields[0])
	p.interval, err[1] = time.ParseDuration(fields[1])
	p.rate, err[2] = strconv.Atoi(fields[2])
	p.body, err[3] = strconv.Atoi(fields[3])
	if p.users < 1 || p.rate < 1 || p.interval < 0 {
		err[0] = errors.Join(err[0], errors.New("users and rate must be above 0, and the interval not below"))
	}
	return []plan{p}, errors.Join(err[:]...)
}

func run(ctx context.Context, all []plan, hold time.Duration, only string, reference int) error {
	chosen, err := choose(all, only)
	if err != nil {
		return err
	}
	fmt.Printf("%-9s %9s %9s %6s %9s %9s %11s %10s %8s %11s %13s\n",
		"", "users", "interval", "body", "MB", "MB peak", "started/s", "requests/s", "of plan", "CPU µs/req", "late p99")
	for _, p := range chosen {
		row, err := measure(ctx, p, hold, "worker")
		if err != nil {
			return err
		}
		fmt.Println(row)
		if p.users > reference {
			continue
		}
		other, err := measure(ctx, p, hold, "reference")
		if err != nil {
			return err
		}
		fmt.Println(other)
		fmt.Printf("%-9s memory %.2f, CPU a request %.2f of the reference\n", "", row.peak/other.peak, row.cpu/other.cpu)
	}
	return nil
}

// choose returns the plans of these numbers, counted from 1.
func choose(all []plan, numbers string) ([]plan, error) {
	if numbers == "" {
		return all, nil
	}
	var chosen []plan
	for text := range strings.SplitSeq(numbers, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(all) {
			return nil, errors.Join(fmt.Errorf("row %q is not between 1 and %d", text, len(all)), err)
		}
		chosen = append(chosen, all[n-1])
	}
	return chosen, nil
}

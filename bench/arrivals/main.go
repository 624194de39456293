// Command arrivals measures the open model: how evenly iterations start, whether the
// asked rate is met, what a request costs beside one of a closed class, and what
// closed class, open class and vegeta show of a target that hangs. It is a module of
// its own, because nothing else needs vegeta.
//
//	make bench-arrivals            (BENCH_ARRIVALS="-only hang -plot docs/open-model.svg")
//
// Requests are those that the target has counted.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "target" {
		exit(serveTarget())
	}
	only := flag.String("only", "", "measure only these, separated by commas: spread, cpu, hang")
	length := flag.Duration("length", 20*time.Second, "length of each run with a hang; others are half as long")
	plot := flag.String("plot", "", "write the measurement of the hang to this SVG file")
	flag.Parse()
	exit(measure(*only, *length, *plot))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func measure(only string, length time.Duration, plot string) error {
	p, err := startTarget()
	if err != nil {
		return err
	}
	defer p.stop()
	wanted := func(name string) bool { return only == "" || strings.Contains(","+only+",", ","+name+",") }
	if wanted("spread") {
		if err := spreads(p, length/2); err != nil {
			return err
		}
	}
	if wanted("cpu") {
		if err := costs(p, length/2); err != nil {
			return err
		}
	}
	if wanted("hang") {
		return hang(p, length, plot)
	}
	return nil
}

// spreads prints the times between starts of iterations, and between requests at the
// target.
func spreads(p *peer, length time.Duration) error {
	fmt.Printf("times between arrivals, %v each\n\n%-22s%10s%10s%9s%10s%10s%10s%10s\n",
		length, "", "asked/s", "due/s", "off", "p1", "p50", "p99", "p99.9")
	for _, rate := range []float64{1000, 10_000, 50_000} {
		r, err := run("", 1, length, func(begun func()) locustworker.Class { return idle(begun).Arrivals(rate) })
		if err != nil {
			return err
		}
		due := float64(r.due) / length.Seconds()
		printSpread("iterations that rest", rate, due, spreadOf(r.starts))
		if rate > 10_000 {
			continue // more than a target beside it can serve on a small machine
		}
		if err := p.arm(0, 0); err != nil {
			return err
		}
		if r, err = run(p.url, 1, length, func(begun func()) locustworker.Class { return class(begun).Arrivals(rate) }); err != nil {
			return err
		}
		s, err := p.spread()
		if err != nil {
			return err
		}
		printSpread("iterations of requests", rate, float64(r.due)/length.Seconds(), spreadOf(r.starts))
		printSpread("requests at the target", rate, float64(s.Count)/length.Seconds(), s)
	}
	fmt.Println()
	return nil
}

func printSpread(what string, asked, due float64, s spread) {
	fmt.Printf("%-22s%10.0f%10.1f%8.2f%%%10v%10v%10v%10v\n", what, asked, due, 100*(due/asked-1),
		short(s.P1), short(s.P50), short(s.P99), short(s.P999))
}

// short rounds a time for a table.
func short(d time.Duration) time.Duration {
	switch {
	case d < time.Millisecond:
		return d.Round(100 * time.Nanosecond)
	case d < time.Second:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// costs prints the CPU time of this process for a request of an open and of a closed
// class at the same rate, in turns.
func costs(p *peer, length time.Duration) error {
	const rate, users, rounds = 5000, 50, 3
	open := func(begun func()) locustworker.Class { return class(begun).Arrivals(rate) }
	closed := func(begun func()) locustworker.Class {
		return class(begun).Wait(locustworker.ConstantThroughput(rate / users))
	}
	var cpu [2]time.Duration
	var served [2]int
	for range rounds {
		for i, of := range []func(func()) locustworker.Class{closed, open} {
			if err := p.arm(0, 0); err != nil {
				return err
			}
			r, err := run(p.url, []int{users, 1}[i], length/rounds, of)
			if err != nil {
				return err
			}
			s, err := p.spread()
			if err != nil {
				return err
			}
			cpu[i] += r.cpu
			served[i] += s.Count
		}
	}
	each := [2]time.Duration{cpu[0] / time.Duration(max(served[0], 1)), cpu[1] / time.Duration(max(served[1], 1))}
	fmt.Printf("CPU time of a request at %d/s: closed class %v (%d requests), open class %v (%d requests): ratio %.2f\n\n",
		rate, each[0], served[0], each[1], served[1], float64(each[1])/float64(each[0]))
	return nil
}

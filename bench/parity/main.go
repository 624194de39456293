// Command parity runs each class of the load test on a Python worker and on a Go worker, against the same service, and
// prints both rows side by side (`make bench-parity`).
//
// It starts a Redis with RedisJSON, the service, and two stock Locust masters with the class picker, one with a worker
// of each kind. Before each run the database gets the same documents. The table shows each row's share of its class's
// requests, its failures and the average size of its replies. It fails when a request has failed, when the shares
// differ by more than chance (a chi-square test that a fair run fails once in 10,000 times), or when a size does by
// more than 3 %, to which chance is added where a row draws from documents of very different sizes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

type options struct {
	requests  int
	users     int
	documents int
	classes   string
	worker    string
	api       string
	locust    string
}

var errDifferent = errors.New("the workers differ")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.IntVar(&o.requests, "requests", 4000, "requests of each class on each worker, at least")
	flag.IntVar(&o.users, "users", 10, "users")
	flag.IntVar(&o.documents, "documents", 200, "documents of each kind that are there at the start of a run")
	flag.StringVar(&o.classes, "classes", "", "classes to run, separated by commas (default all)")
	flag.StringVar(&o.worker, "worker", "bin/locustworker", "the Go worker")
	flag.StringVar(&o.api, "api", "bin/api", "the service")
	flag.StringVar(&o.locust, "locust", ".local/venv/bin/locust", "stock Locust")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) error {
	lab, err := newLab(ctx, o)
	if err != nil {
		return err
	}
	defer lab.close()
	classes := lab.classes
	if o.classes != "" {
		classes = strings.Split(o.classes, ",")
	}
	header(out)
	different := 0
	for _, class := range classes {
		python, err := lab.measure(ctx, lab.python, class)
		if err != nil {
			return fmt.Errorf("%s on the Python worker: %w", class, err)
		}
		goes, err := lab.measure(ctx, lab.goes, class)
		if err != nil {
			return fmt.Errorf("%s on the Go worker: %w", class, err)
		}
		faults := compare(class, python, goes)
		show(out, class, python, goes, faults)
		different += len(faults)
	}
	if different > 0 {
		return fmt.Errorf("%w: %d times", errDifferent, different)
	}
	fmt.Fprintf(out, "\n%d classes: the same rows in equal shares, of equal sizes, without a failure\n", len(classes))
	return nil
}

func header(out io.Writer) {
	fmt.Fprintf(out, "%-34s %8s %8s   %7s %7s   %9s %9s   %8s %8s\n", "",
		"requests", "", "share", "", "size", "", "failures", "")
	fmt.Fprintf(out, "%-34s %8s %8s   %7s %7s   %9s %9s   %8s %8s\n", "row",
		"Python", "Go", "Python", "Go", "Python", "Go", "Python", "Go")
}

// show prints the rows of a class, and what is wrong with them.
func show(out io.Writer, class string, python, goes table, faults []string) {
	fmt.Fprintln(out, class)
	total := func(t table) (n int) {
		for _, r := range t {
			n += r.Requests
		}
		return n
	}
	share := func(t table, name string) float64 { return 100 * float64(t[name].Requests) / float64(max(1, total(t))) }
	for _, name := range names(python, goes) {
		p, g := python[name], goes[name]
		fmt.Fprintf(out, "  %-32s %8d %8d   %6.1f%% %6.1f%%   %9.1f %9.1f   %8d %8d\n", name,
			p.Requests, g.Requests, share(python, name), share(goes, name), p.Size, g.Size, p.Failures, g.Failures)
	}
	for _, fault := range faults {
		fmt.Fprintln(out, "  DIFFERENT:", fault)
	}
}

// names are those of the rows of both tables.
func names(a, b table) []string {
	var all []string
	for _, t := range []table{a, b} {
		for name := range t {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

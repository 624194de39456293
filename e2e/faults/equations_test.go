package faults

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// reportInterval is how often a worker reports. A killed worker loses at most what it has recorded since the last report;
// half an interval more is granted for a report that a slow machine had not written.
const reportInterval = 3 * time.Second

// What a case expects at its end, beside the equations.
type expectation struct {
	failures bool // requests may fail: the case breaks the way to the target
	discards bool // samples of a run whose master is gone are discarded, and counted
	again    bool // requests may reach the target twice: a kept connection broke before the answer
}

// An account is what a case has left: everything that the equations hold against each other.
type account struct {
	served, twice              int // by the target
	unreached                  int // failures whose request the target has not seen
	reported, failed, dropRows int // the last run's rows
	servedLast                 int // by the target in the last run
	recorded, confirmed, open  int // by the workers in all runs
	discarded, cut             int
	due, started, dropped      int // arrivals
	killed                     bool
	lost, lostMost             int // what no worker can know: of killed workers, and behind proxies that acknowledge and die
}

// settle ends the run and the workers, and holds the case's equations. It is the only place that does.
func (l *lab) settle(want expectation) {
	l.t.Helper()
	if l.users > 0 {
		l.master.stop()
		l.master.awaitState("stopped")
	}
	for _, w := range l.workers {
		if w.killed.IsZero() {
			w.Signal(syscall.SIGTERM)
			w.Signal(syscall.SIGCONT)
			if code := w.ExitCode(); code != 0 {
				l.t.Errorf("%s: exit code %d", w.name, code)
			}
		}
	}
	a := l.collect()
	faults := a.faults(want)
	if err := within(15*time.Second, func() error { // the master shows a table that is up to 2 s old
		r, err := l.master.stats()
		if err != nil {
			return err
		}
		a.reported, a.failed, a.dropRows = r.requests()
		return a.tableFault(want)
	}); err != nil {
		faults = append(faults, err.Error())
	}
	for _, fault := range faults {
		l.t.Error(fault)
	}
	results.add(l.t.Name(), a, faults)
}

// collect reads the counts of the target and of the workers' last lines.
func (l *lab) collect() *account {
	l.t.Helper()
	a := &account{served: l.target.served(), twice: l.target.twice()}
	a.servedLast = a.served - l.began
	for _, w := range l.workers {
		a.unreached += len(l.unreached(w))
		if !w.killed.IsZero() {
			a.killed = true
			a.lostMost += l.target.between(w.name, w.killed.Add(-reportInterval*3/2), time.Now())
			continue
		}
		if !w.doubtFrom.IsZero() { // one report, which may be as old as the interval
			a.lostMost += l.target.between(w.name, w.doubtFrom.Add(-reportInterval*3/2), w.doubtTo)
		}
		line := fields(l.t.Fatalf, w.Log(), "worker ended")
		a.recorded += line["samples_recorded"]
		a.confirmed += line["confirmed"]
		a.open += line["unconfirmed"]
		a.discarded += line["discarded"]
		a.cut += line["requests_cut"]
		if l.class == "Stream" {
			line = fields(l.t.Fatalf, w.Log(), "arrivals ended")
			a.due += line["due"]
			a.started += line["iterations_started"]
			a.dropped += line["dropped"]
		}
	}
	return a
}

// unreached returns the failures of a worker whose requests the target has not seen.
func (l *lab) unreached(w *worker) []string {
	l.t.Helper()
	file, err := os.Open(w.journal)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var names []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), "\t")
		if !l.target.has(name) {
			names = append(names, name)
		}
	}
	return names
}

// faults returns the equations that do not hold, but for those with the table.
func (a *account) faults(want expectation) []string {
	var faults []string
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if got := a.recorded - a.dropped - a.unreached + a.cut; !a.killed && got != a.served {
		wrong("the target served %d requests; %d were recorded and reached it, %d were cut: %d is missing",
			a.served, a.recorded-a.dropped-a.unreached, a.cut, a.served-got)
	}
	if got := a.confirmed + a.open + a.discarded; got != a.recorded {
		wrong("%d samples recorded; %d confirmed + %d unconfirmed + %d discarded", a.recorded, a.confirmed, a.open, a.discarded)
	}
	if a.open != 0 {
		wrong("%d samples are unconfirmed at the end", a.open)
	}
	if a.discarded != 0 && !want.discards {
		wrong("%d samples were discarded", a.discarded)
	}
	if a.due != a.started+a.dropped {
		wrong("%d arrivals due; %d started + %d dropped", a.due, a.started, a.dropped)
	}
	if a.twice != 0 && !want.again {
		wrong("%d requests came twice", a.twice)
	}
	return faults
}

// tableFault says what is wrong with the rows of the last run.
func (a *account) tableFault(want expectation) error {
	if a.failed != 0 && !want.failures {
		return fmt.Errorf("%d failures in the table", a.failed)
	}
	a.lost = 0
	missing := a.servedLast - (a.reported - a.unreached)
	if want.discards { // cut requests may belong to the runs before
		if missing < 0 || missing > a.cut {
			return fmt.Errorf("the last run served %d requests, its rows have %d, and %d were cut", a.servedLast, a.reported, a.cut)
		}
		return nil
	}
	a.lost = missing - a.cut
	if a.lost < 0 || a.lost > a.lostMost {
		return fmt.Errorf("the target served %d requests; %d are in the table and reached it, %d were cut: %d is missing, and %d may be lost",
			a.servedLast, a.reported-a.unreached, a.cut, a.lost, a.lostMost)
	}
	return nil
}

var field = regexp.MustCompile(`(\w+)=(\d+)`)

// fields sums the numbers of all lines of a log that contain a text.
func fields(fail func(string, ...any), log, text string) map[string]int {
	sums, found := map[string]int{}, false
	for line := range strings.Lines(log) {
		if !strings.Contains(line, text) {
			continue
		}
		found = true
		for _, m := range field.FindAllStringSubmatch(line, -1) {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				fail("%s: %v", line, err)
			}
			if text == "arrivals ended" { // totals since the worker was made
				sums[m[1]] = n
				continue
			}
			sums[m[1]] += n
		}
	}
	if !found {
		fail("no line %q in a worker's log", text)
	}
	return sums
}

// A table holds the results of all cases.
type table struct {
	mu   sync.Mutex
	rows []string
}

func (tb *table) add(name string, a *account, faults []string) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	verdict := "holds"
	if len(faults) > 0 {
		verdict = "BROKEN"
	}
	arrivals := "-"
	if a.due > 0 {
		arrivals = fmt.Sprintf("%d=%d+%d", a.due, a.started, a.dropped)
	}
	tb.rows = append(tb.rows, fmt.Sprintf("%-58s %7d %8d %4d %6d %5d %6d %9d %-18s %s",
		strings.TrimPrefix(name, "TestFaults/"), a.servedLast, a.reported, a.cut, a.failed, a.unreached, a.lost, a.discarded, arrivals, verdict))
}

func (tb *table) print(w io.Writer) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if len(tb.rows) == 0 {
		return
	}
	slices.Sort(tb.rows)
	fmt.Fprintf(w, "%-58s %7s %8s %4s %6s %5s %6s %9s %-18s\n",
		"case", "served", "reported", "cut", "failed", "apart", "lost", "discarded", "due=started+dropped")
	for _, row := range tb.rows {
		fmt.Fprintln(w, row)
	}
}

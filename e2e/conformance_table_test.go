package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A scriptPart is what a test needs of one entry of testworker/samples.json.
type scriptPart struct {
	Times int    `json:"times"`
	Error string `json:"error"`
}

// scriptCounts returns how many samples a user of class Script records, and how
// many of them failed.
func scriptCounts(t *testing.T) (requests, failures int) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(built.root, "e2e", "testworker", "samples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []scriptPart
	if err := json.Unmarshal(data, &parts); err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		requests += p.Times
		if p.Error != "" {
			failures += p.Times
		}
	}
	return requests, failures
}

// A shown is everything that a master shows of a finished script.
type shown struct {
	Table, Errors          []columns
	FailRatio              string
	RequestsCSV, FailedCSV []columns
	Report                 htmlReport
}

// playScript runs four users of class Script and returns what the master shows.
func playScript(l *lab) shown {
	l.t.Helper()
	const users = 4
	requests, failures := scriptCounts(l.t)
	l.join()
	l.awaitWorkers(1)
	l.begin(users, nil)
	p := l.awaitTotal(users * requests)
	if n := p.total("num_failures"); n != users*failures {
		l.t.Errorf("%d failures; want %d", n, users*failures)
	}
	l.stop()
	return readShown(l)
}

func readShown(l *lab) shown {
	l.t.Helper()
	p, err1 := l.web.page()
	requestsCSV, err2 := l.web.csv("/stats/requests/csv")
	failuresCSV, err3 := l.web.csv("/stats/failures/csv")
	report, err4 := l.web.reportPage()
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			l.t.Fatal(err)
		}
	}
	checkSeen(l.t, p.Errors)
	report.History = nil // depends on time
	report.Requests, report.Failures = settled(report.Requests), settled(report.Failures)
	byText := func(a, b columns) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	errors := settled(p.Errors)
	slices.SortFunc(errors, byText) // the master shows them in the order of their arrival
	return shown{
		Table: settled(p.Stats), Errors: errors, FailRatio: fmt.Sprintf("%.6f", p.FailRatio),
		RequestsCSV: settled(requestsCSV), FailedCSV: settled(failuresCSV), Report: report,
	}
}

// checkSeen fails unless all errors were seen within the last minutes; Locust
// before 2.44 does not tell.
func checkSeen(t *testing.T, errors []columns) {
	t.Helper()
	for _, e := range errors {
		if _, tells := e["first_seen"]; !tells {
			continue
		}
		first, last := e.number("first_seen"), e.number("last_seen")
		if age := float64(time.Now().Unix()) - first; first > last || age < -2 || age > 600 {
			t.Errorf("error %q first seen %f, last seen %f; now is %d", e.text("error"), first, last, time.Now().Unix())
		}
	}
}

// TestConformanceTable compares all tables of a script of samples: times from
// 0.4 ms to 10 s, none, lengths, names and error texts of all kinds.
// (X1, X2, X10, ER1, ER2; section 11)
//
// Conformance: X1, X2, X10, ER1, ER2, ER4, U1, U2, U9
func TestConformanceTable(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Script"}, env: []string{"LOCUSTWORKER_LOCUST_BUCKETS=true"}},
		func(l *lab) shown {
			l.runMaster(l.web.url)
			l.awaitHTTP(l.web.url + "/")
			return playScript(l)
		})
	same(t, "rows of /stats/requests", python.Table, golang.Table)
	same(t, "errors of /stats/requests", python.Errors, golang.Errors)
	same(t, "fail ratios", python.FailRatio, golang.FailRatio)
	same(t, "requests.csv", rounded(python.RequestsCSV), rounded(golang.RequestsCSV))
	same(t, "failures.csv", python.FailedCSV, golang.FailedCSV)
	same(t, "HTML reports", python.Report, golang.Report)
}

// rounded writes a CSV's averages to nine digits, like settled. Older masters
// write medians with a point where a Python worker's histogram has floats as keys.
func rounded(lines []columns) []columns {
	for _, line := range lines {
		for key, value := range line {
			var n float64
			text, ok := value.(string)
			if ok && (strings.HasPrefix(key, "Average") || strings.HasPrefix(key, "Median") && *locustSeries != "") {
				if _, err := fmt.Sscan(text, &n); err == nil {
					line[key] = fmt.Sprintf("%.9g", n)
				}
			}
		}
	}
	return lines
}

// TestConformanceFinerBuckets compares the same without Locust's own rounding:
// only medians and percentiles below 100 ms may differ, by no more than what the
// rounding takes away.
//
// Conformance: X1, X4
func TestConformanceFinerBuckets(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Script"}}, func(l *lab) shown {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		return playScript(l)
	})
	same(t, "errors of /stats/requests", python.Errors, golang.Errors)
	if len(python.Table) != len(golang.Table) {
		t.Fatalf("%d rows with the Python worker, %d with the Go worker", len(python.Table), len(golang.Table))
	}
	for i, want := range python.Table {
		got := golang.Table[i]
		for key := range want {
			if roughly := strings.Contains(key, "percentile") || key == "median_response_time"; !roughly && want[key] != got[key] {
				t.Errorf("%s %s: %s is %v; want %v", want["method"], want["name"], key, got[key], want[key])
			} else if roughly && !near(want[key], got[key]) {
				t.Errorf("%s %s: %s is %v; want about %v", want["method"], want["name"], key, got[key], want[key])
			}
		}
	}
}

// near reports whether two settled figures are the same but for rounding to a
// whole millisecond.
func near(a, b any) bool {
	var x, y float64
	if _, err := fmt.Sscan(fmt.Sprint(a), &x); err != nil {
		return a == b
	}
	if _, err := fmt.Sscan(fmt.Sprint(b), &y); err != nil {
		return a == b
	}
	if min(x, y) >= 100 {
		return x == y
	}
	return math.Abs(x-y) <= 0.5+0.01*x
}

// TestConformanceManyNames compares what a master shows of more rows and errors
// than it lists. (ER3, section 11: first 500)
//
// Conformance: ER3, U1, U2
func TestConformanceManyNames(t *testing.T) {
	t.Parallel()
	type seen struct {
		Names, Errors int
		Rows          []columns
	}
	python, golang := twins(t, plan{classes: []string{"Many"}, env: []string{"LOCUSTWORKER_LOCUST_BUCKETS=true"}},
		func(l *lab) seen {
			l.runMaster(l.web.url)
			l.awaitHTTP(l.web.url + "/")
			l.join()
			l.awaitWorkers(1)
			l.begin(2, nil)
			p := l.awaitTotal(1200)
			all, err := l.web.csv("/stats/requests/csv")
			if err != nil {
				l.t.Fatal(err)
			}
			if len(all) != 601 {
				l.t.Errorf("the CSV has %d lines; want 601", len(all))
			}
			return seen{len(p.Stats), len(p.Errors), rounded(settled(all))}
		})
	same(t, "tables of 600 rows", python, golang)
	if python.Names != 501 || python.Errors != 300 {
		t.Errorf("%d rows and %d errors; want 501 and 300", python.Names, python.Errors)
	}
}

// TestConformanceRates compares the figures of a steady load. (X7, X11-X13)
//
// Conformance: X7, X11, X12, X13, U1
func TestConformanceRates(t *testing.T) {
	t.Parallel()
	type seen struct {
		Percentiles []string
		History     []string
	}
	python, golang := twins(t, plan{classes: []string{"Ticker"}}, func(l *lab) seen {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		l.begin(3, nil) // 30 samples a second
		p := l.awaitPage("about 30 requests a second", func(p page) error {
			if now := p.total("current_rps"); now < 20 || p.TotalRPS < 20 {
				return fmt.Errorf("%d now, %.1f over all", now, p.TotalRPS)
			}
			return nil
		})
		if now := p.total("current_rps"); now > 40 || p.TotalRPS > 40 || p.FailRatio != 0 {
			l.t.Errorf("%d requests a second now, %.1f over all, %.2f failed", now, p.TotalRPS, p.FailRatio)
		}
		p = l.awaitPage("percentiles of now", func(p page) error {
			for name, value := range p.Percentiles {
				if n, ok := value.(float64); !ok || n != 5 {
					return fmt.Errorf("%s is %v", name, value)
				}
			}
			return nil
		})
		return seen{keys(p.Percentiles), history(l)}
	})
	same(t, "charts", python, golang)
}

func keys(m map[string]any) []string {
	var all []string
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// history returns the columns of the report's charts once they show the three
// users and their load.
func history(l *lab) []string {
	l.t.Helper()
	r := await(l.t, "a chart of 3 users", l.web.reportPage, func(r htmlReport) error {
		if len(r.History) == 0 {
			return fmt.Errorf("no history")
		}
		last := r.History[len(r.History)-1]
		if point(last["user_count"]) != 3 || point(last["current_rps"]) == 0 {
			return fmt.Errorf("the last point is %v", last)
		}
		return nil
	})
	return keys(r.History[len(r.History)-1])
}

// point is a chart's value: older masters give it bare, newer ones after its time.
func point(v any) float64 {
	if pair, ok := v.([]any); ok && len(pair) == 2 {
		v = pair[1]
	}
	n, _ := v.(float64)
	return n
}

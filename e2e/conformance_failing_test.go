package e2e

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// An exceptionSeen is a line of /exceptions without what names the language.
type exceptionSeen struct {
	Count int
	Msg   string
	Nodes int
	Shape string // of the traceback
}

var (
	pythonFrame = regexp.MustCompile(`^  File ".+", line \d+, in \S+$`)
	hexAddress  = regexp.MustCompile(`0x[0-9a-f]{4,}|goroutine \d+`)
)

// tracebackShape tells whether a traceback is made of frames as Python writes
// them; source lines may stand between.
func tracebackShape(traceback string) string {
	lines := strings.Split(strings.TrimRight(html.UnescapeString(traceback), "\n"), "\n")
	if !pythonFrame.MatchString(lines[0]) {
		return fmt.Sprintf("no frame at the top: %q", lines[0])
	}
	if address := hexAddress.FindString(traceback); address != "" {
		return "not the same each time: " + address
	}
	return "frames"
}

func exceptionsSeen(rows []exceptionRow) []exceptionSeen {
	var all []exceptionSeen
	for _, row := range rows {
		all = append(all, exceptionSeen{
			Count: row.Count,
			Msg:   strings.TrimPrefix(row.Msg, "panic: "), // Go's, where Python raises
			Nodes: len(strings.Split(row.Nodes, ", ")),
			Shape: tracebackShape(row.Traceback),
		})
	}
	slices.SortFunc(all, func(a, b exceptionSeen) int { return strings.Compare(a.Msg, b.Msg) })
	return all
}

// TestConformanceExceptions compares /exceptions, its CSV and the report's table:
// errors of tasks and of on_start on two workers, several texts at one site.
//
// Conformance: N1, N2, L2, L3, U5
func TestConformanceExceptions(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Panicker", "Returner"}}, func(l *lab) []exceptionSeen {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.join()
		l.awaitWorkers(2)
		l.begin(4, nil) // two of each class
		rows := l.awaitExceptions(2 * (3 + 2))
		l.awaitUsers("running", 4)
		checkExceptionPages(l)
		return exceptionsSeen(rows)
	})
	for i := range min(len(python), len(golang)) { // the first text of a site stays, whichever user it was of
		python[i].Msg = strings.TrimRight(python[i].Msg, "12")
		golang[i].Msg = strings.TrimRight(golang[i].Msg, "12")
	}
	same(t, "/exceptions", python, golang)
	if len(python) != 4 {
		t.Errorf("%d rows; want 4", len(python))
	}
}

// awaitExceptions waits until so many exceptions are counted, in whatever rows.
func (l *lab) awaitExceptions(n int) []exceptionRow {
	l.t.Helper()
	return await(l.t, fmt.Sprintf("%d exceptions", n), l.web.exceptionRows, func(rows []exceptionRow) error {
		sum := 0
		for _, row := range rows {
			sum += row.Count
		}
		if sum != n {
			return fmt.Errorf("%d: %+v", sum, exceptionsSeen(rows))
		}
		return nil
	})
}

// TestConformanceBadStart compares users that fail in on_start: they are not
// counted, and replaced at the next edit. Older Python workers do not tell the
// master why.
//
// Conformance: L2, SP5
func TestConformanceBadStart(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"BadStart", "Ticker"}}, func(l *lab) []exceptionSeen {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		l.awaitWorkers(1)
		tells := l.newest() || l.kind == goWorker
		for round := range 2 {
			l.begin(4, nil)
			l.awaitUsers("running", 2)
			if tells {
				l.awaitExceptions(2 * (round + 1))
			}
		}
		rows, err := l.web.exceptionRows()
		if err != nil || (!tells && len(rows) != 0) {
			l.t.Errorf("exceptions %+v (%v)", rows, err)
		}
		return exceptionsSeen(rows)
	})
	if *locustSeries == "" {
		same(t, "/exceptions", python, golang)
	}
	if len(golang) != 1 || golang[0].Msg != "cannot start" {
		t.Errorf("exceptions %+v", golang)
	}
}

// checkExceptionPages compares the CSV and the report with /exceptions.
func checkExceptionPages(l *lab) {
	l.t.Helper()
	rows, err1 := l.web.exceptionRows()
	lines, err2 := l.web.csv("/exceptions/csv")
	report, err3 := l.web.reportPage()
	if err1 != nil || err2 != nil || err3 != nil {
		l.t.Fatal(err1, err2, err3)
	}
	if len(lines) != len(rows) || len(report.Exceptions) != len(rows) {
		l.t.Fatalf("%d lines in the CSV, %d in the report; want %d", len(lines), len(report.Exceptions), len(rows))
	}
	for i, row := range rows {
		row.Msg, row.Traceback = html.UnescapeString(row.Msg), html.UnescapeString(row.Traceback) // of older masters
		if got := lines[i]; got.text("Message") != row.Msg || got.text("Traceback") != row.Traceback ||
			got.text("Count") != fmt.Sprint(row.Count) {
			l.t.Errorf("the CSV has %v; want %v", got, row)
		}
		if got := report.Exceptions[i]; html.UnescapeString(got.text("msg")) != row.Msg || got.text("nodes") != row.Nodes {
			l.t.Errorf("the report has %v; want %v", got, row)
		}
	}
}

var logLine = regexp.MustCompile(`(?s)^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] ([^/]+)/([A-Z]+)/[\w.]+: (.*)$`)

// TestConformanceLogs compares the workers' part of /logs: format, levels and
// texts of lines, one record an item, and the trace of a failed task.
//
// Conformance: N4, N6, L3, U6
func TestConformanceLogs(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Chatty"}}, func(l *lab) []string {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		worker := l.join("--loglevel", "INFO")
		l.awaitWorkers(1)
		l.begin(1, nil)
		var chatty []string
		await(l.t, "the worker's lines", l.web.workerLogs, func(logs map[string][]string) error {
			chatty = nil
			for _, lines := range logs {
				for _, line := range lines {
					m := logLine.FindStringSubmatch(line)
					if m == nil {
						l.t.Fatalf("not a log line: %q", line)
					}
					if strings.HasPrefix(m[3], "chatty") {
						chatty = append(chatty, m[2]+" "+strings.ReplaceAll(m[3], "\n    ", "\n"))
					}
				}
			}
			if len(logs) != 1 || len(chatty) < 5 {
				return fmt.Errorf("%d workers, %d lines", len(logs), len(chatty))
			}
			return nil
		})
		if log := worker.Log(); !strings.Contains(log, "chatty: critical") || strings.Contains(log, "chatty: debug") {
			l.t.Errorf("the worker's own log does not have the level asked for:\n%s", log)
		}
		return chatty
	})
	same(t, "/logs", python, golang)
}

// TestConformanceLogLevel asks the worker for more and for none. (section 10)
//
// Conformance: C10
func TestConformanceLogLevel(t *testing.T) {
	t.Parallel()
	type seen struct{ Debug, Error bool }
	python, golang := twins(t, plan{classes: []string{"Chatty"}}, func(l *lab) seen {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		file := l.dir + "/worker.log"
		loud := l.join("--loglevel", "DEBUG")
		l.awaitWorkers(1)
		quiet := l.join("--loglevel", "CRITICAL", "--logfile", file)
		l.awaitWorkers(2)
		l.begin(2, nil)
		eventually(l.t, startPatience, "a debug line", func() error {
			if !strings.Contains(loud.Log(), "chatty: debug") {
				return fmt.Errorf("none")
			}
			return nil
		})
		l.awaitUsers("running", 2)
		return seen{strings.Contains(loud.Log(), "DEBUG"), strings.Contains(quiet.Log(), "chatty: error")}
	})
	same(t, "levels", python, golang)
}

package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestConformanceStopTimeout stops users of 1.5 s long tasks, with a timeout that
// lets them finish and with none: begun, finished and on_stop samples compare as
// numbers.
//
// Conformance: X9, Q1, L12, L13
func TestConformanceStopTimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		timeout string
		ends    bool // whether what was begun is finished
	}{{"0", false}, {"30", true}} { // enough on a slow machine; the run ends with the tasks
		t.Run(tt.timeout, func(t *testing.T) {
			t.Parallel()
			type seen struct {
				Stops    int
				Finished bool
			}
			p := plan{classes: []string{"Sleeper"}, master: []string{"--stop-timeout", tt.timeout}}
			python, golang := twins(t, p, func(l *lab) seen {
				l.runMaster(l.web.url)
				l.awaitHTTP(l.web.url + "/")
				l.join()
				l.awaitWorkers(1)
				l.begin(3, nil)
				l.awaitPage("tasks in the middle", func(p page) error {
					if p.count("/begin") < 3 {
						return fmt.Errorf("%d tasks begun", p.count("/begin"))
					}
					return nil
				})
				l.stop()
				return seen(awaitStops(l))
			})
			same(t, "ends", python, golang)
			if golang.Finished != tt.ends || golang.Stops != 3 {
				t.Errorf("finished is %t with %d on_stop; want %t and 3", golang.Finished, golang.Stops, tt.ends)
			}
		})
	}
}

// awaitStops waits until the samples of on_stop are there, which a stock worker
// sends with the next report, after the run's end.
func awaitStops(l *lab) struct {
	Stops    int
	Finished bool
} {
	l.t.Helper()
	p := l.awaitPage("samples of on_stop", func(p page) error {
		if p.State != "stopped" || p.count("/stop") < 3 {
			return fmt.Errorf("%s, %d samples", p.State, p.count("/stop"))
		}
		return nil
	})
	return struct {
		Stops    int
		Finished bool
	}{p.count("/stop"), p.count("/end") == p.count("/begin")}
}

// TestConformanceSecondRun starts a second run: nothing of the first is in it, and
// the worker is one worker.
//
// Conformance: H5, SP3, SP14, Q1, Q4
func TestConformanceSecondRun(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Script"}}, func(l *lab) []int {
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.join()
		requests, _ := scriptCounts(l.t)
		var seen []int
		for _, users := range []int{3, 2} {
			l.awaitWorkers(1)
			l.begin(users, nil)
			p := l.awaitTotal(users * requests)
			l.stop()
			seen = append(seen, p.total("num_requests"), len(p.Workers))
		}
		l.stop() // of what is stopped already
		l.awaitWorkers(1)
		return seen
	})
	same(t, "runs", python, golang)
}

// TestConformanceReset resets the table by its button and by --reset-stats.
//
// Conformance: SP16, N11
func TestConformanceReset(t *testing.T) {
	t.Parallel()
	t.Run("button", func(t *testing.T) {
		t.Parallel()
		python, golang := twins(t, plan{classes: []string{"Script", "Failer"}}, func(l *lab) string {
			l.runMaster(l.web.url)
			l.awaitHTTP(l.web.url + "/")
			l.join()
			l.awaitWorkers(1)
			l.begin(2, nil)
			l.awaitPage("the script", func(p page) error {
				if p.count("/fast") != 6 || p.count("/fail") == 0 {
					return fmt.Errorf("rows %v", p.names())
				}
				return nil
			})
			l.press("/stats/reset")
			p := l.awaitPage("only what goes on", func(p page) error {
				if p.count("/fast") != 0 || p.count("/fail") == 0 {
					return fmt.Errorf("rows %v", p.names())
				}
				return nil
			})
			return strings.Join(p.names(), ",")
		})
		same(t, "rows after a reset", python, golang)
	})
	t.Run("option", func(t *testing.T) {
		t.Parallel()
		p := plan{classes: []string{"Script"}, master: []string{"--reset-stats"}}
		python, golang := twins(t, p, func(l *lab) bool {
			l.runMaster(l.web.url)
			l.awaitHTTP(l.web.url + "/")
			l.join("--reset-stats")
			l.awaitWorkers(1)
			l.begin(6, url.Values{"spawn_rate": {"0.75"}}) // the first users have played when the last come
			l.awaitUsers("running", 6)
			requests, _ := scriptCounts(l.t)
			p := l.awaitPage("what follows the reset", func(p page) error {
				if n := p.total("num_requests"); n > requests*2 {
					return fmt.Errorf("%d requests", n)
				}
				return nil
			})
			return p.total("num_requests") < 6*requests
		})
		same(t, "resets", python, golang)
	})
}

// A countingTarget counts the pages that it has answered.
type countingTarget struct {
	*httptest.Server
	served atomic.Int64
}

func newCountingTarget(t *testing.T) *countingTarget {
	t.Helper()
	c := &countingTarget{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.served.Add(1)
		_, _ = w.Write([]byte("a page of 21 bytes...")) // a client that was stopped does not read it
	}))
	t.Cleanup(c.Close)
	return c
}

// TestConformanceHeadless runs a master without a web UI from start to end: the
// last report is in its HTML file, which a stock worker's requests in flight are
// not; CSV, history, exit codes. (Q5-Q7, Q9, section 11)
//
// Conformance: H9, Q5, Q6, Q7, Q9, U9
func TestConformanceHeadless(t *testing.T) {
	t.Parallel()
	const users = 5
	type seen struct {
		Rows   string
		Report string
		Codes  []int
	}
	python, golang := twins(t, plan{classes: []string{"Web"}}, func(l *lab) seen {
		target := newCountingTarget(l.t)
		prefix, html := filepath.Join(l.dir, "run"), filepath.Join(l.dir, "run.html")
		l.runMaster("", "--headless", "--expect-workers", "1", "-u", fmt.Sprint(users), "-r", fmt.Sprint(users), "-t", "8s",
			"-H", target.URL, "--csv", prefix, "--csv-full-history", "--html", html)
		worker := l.join()
		codes := []int{l.awaitExit(l.masterProc), l.awaitExit(worker)}
		served := int(target.served.Load())
		lines := readCSV(l, prefix+"_stats.csv")
		reported := 0
		if _, err := fmt.Sscan(lines[len(lines)-1].text("Request Count"), &reported); err != nil {
			l.t.Fatal(err)
		}
		checkHistory(l, prefix+"_stats_history.csv", users)
		page, err := os.ReadFile(html)
		if err != nil {
			l.t.Fatal(err)
		}
		report, err := parseReport(string(page))
		if err != nil {
			l.t.Fatal(err)
		}
		n := int(report.Requests[len(report.Requests)-1].number("num_requests"))
		if n > served || (l.kind == goWorker && n != served) {
			l.t.Errorf("%d pages served, the report counts %d", served, n)
		}
		// The master writes the CSV once a second, and ends a second after the last report: rarely, that comes too late.
		if reported > n || reported == 0 {
			l.t.Errorf("the report counts %d requests, the CSV %d", n, reported)
		}
		var rows []string
		for _, line := range lines {
			rows = append(rows, strings.Join([]string{
				line.text("Type"), line.text("Name"), line.text("Failure Count"), line.text("Average Content Size"),
			}, " "))
		}
		return seen{strings.Join(rows, "\n"), readable(l.t, report.Tasks), codes}
	})
	same(t, "headless runs", python, golang)
	if golang.Codes[0] != 0 || golang.Codes[1] != 0 {
		t.Errorf("exit codes %v; want 0", golang.Codes)
	}
}

func readCSV(l *lab, name string) []columns {
	l.t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		l.t.Fatal(err)
	}
	lines, err := csvLines(string(data))
	if err != nil {
		l.t.Fatal(err)
	}
	return lines
}

// checkHistory fails unless the history shows all users and a growing count.
func checkHistory(l *lab, name string, users int) {
	l.t.Helper()
	last, most := 0, 0
	for _, line := range readCSV(l, name) {
		if line.text("Name") != "Aggregated" {
			continue
		}
		var n, u int
		if _, err := fmt.Sscan(line.text("Total Request Count")+" "+line.text("User Count"), &n, &u); err != nil {
			l.t.Fatal(err)
		}
		if n < last {
			l.t.Errorf("the history's count falls from %d to %d", last, n)
		}
		last, most = n, max(most, u)
	}
	if last == 0 || most != users {
		l.t.Errorf("the history ends with %d requests and shows %d users at most; want %d", last, most, users)
	}
}

// TestConformanceExitCodes compares how the processes end.
//
// Conformance: Q8, Q9, Q11, Q12, D4
func TestConformanceExitCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, class string
		args        []string
		signal      syscall.Signal // to the worker; 0: the run's time is over
		want        []int          // of master and worker
	}{
		{"failures", "Failer", nil, 0, []int{1, 0}},
		{"failures allowed", "Failer", []string{"--exit-code-on-error", "0"}, 0, []int{0, 0}},
		{"exceptions", "Returner", nil, 0, []int{1, 0}},
		{"SIGTERM", "Ticker", nil, syscall.SIGTERM, []int{0, 0}},
		{"SIGINT", "Ticker", nil, syscall.SIGINT, []int{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := plan{classes: []string{tt.class}, master: tt.args}
			python, golang := twins(t, p, func(l *lab) []int {
				runTime := "5s"
				if tt.signal != 0 {
					runTime = "5m" // the worker's end is the run's
				}
				l.runMaster("", "--headless", "--expect-workers", "1", "-u", "2", "-r", "2", "-t", runTime)
				worker := l.join()
				if tt.signal != 0 {
					eventually(l.t, startPatience, "a running run", l.allSpawned)
					worker.Signal(tt.signal)
				}
				workerCode := l.awaitExit(worker)
				return []int{l.awaitExit(l.masterProc), workerCode}
			})
			same(t, "exit codes", python, golang)
			same(t, "exit codes of the plan and", tt.want, golang)
		})
	}
}

// TestConformanceSignalAmidFailures ends a worker whose users fail all the time: a
// stock worker loses the failures since its last report and exits with 1 for
// them; a Go worker delivers them, so that it is the master that does.
//
// Conformance: Q9, Q8
func TestConformanceSignalAmidFailures(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Failer"}}, func(l *lab) []int {
		l.runMaster("", "--headless", "--expect-workers", "1", "-u", "2", "-r", "2", "-t", "5m")
		worker := l.join()
		eventually(l.t, startPatience, "a running run", l.allSpawned)
		worker.Signal(syscall.SIGTERM)
		return []int{l.awaitExit(worker), l.awaitExit(l.masterProc)}
	})
	if python[0] != 1 || golang[0] != 0 || golang[1] != 1 {
		t.Errorf("exit codes of worker and master: %v with the Python worker, %v with the Go worker", python, golang)
	}
}

// allSpawned is nil when the master has said that all users are spawned.
func (l *lab) allSpawned() error {
	for _, words := range []string{"All users spawned", "Spawning is complete"} {
		if strings.Contains(l.masterProc.Log(), words) {
			return nil
		}
	}
	return errors.New("not yet")
}

// TestConformanceAutostart begins by itself when the expected workers are there,
// and ends by itself.
//
// Conformance: H9
func TestConformanceAutostart(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Ticker"}}, func(l *lab) []int {
		l.runMaster(l.web.url, "--autostart", "--expect-workers", "2", "-u", "4", "-r", "4", "-t", "4s", "--autoquit", "1")
		first := l.join()
		l.awaitHTTP(l.web.url + "/")
		l.awaitWorkers(1)
		if p, err := l.web.page(); err != nil || p.State != "ready" {
			l.t.Errorf("with one of two workers the master is %q (%v)", p.State, err)
		}
		second := l.join()
		p := l.awaitUsers("running", 4)
		counts := []int{int(p.Workers[0].number("user_count")), int(p.Workers[1].number("user_count"))}
		return append(counts, l.awaitExit(first), l.awaitExit(second), l.awaitExit(l.masterProc))
	})
	same(t, "runs that start by themselves", python, golang)
}

// TestConformanceStartOrder starts the worker long before its master.
//
// Conformance: H3, H5
func TestConformanceStartOrder(t *testing.T) {
	t.Parallel()
	python, golang := twins(t, plan{classes: []string{"Ticker"}}, func(l *lab) int {
		l.join()
		time.Sleep(6 * time.Second) // so that it asks twice
		l.runMaster(l.web.url)
		l.awaitHTTP(l.web.url + "/")
		l.awaitWorkers(1)
		l.begin(3, nil)
		p := l.awaitUsers("running", 3)
		return len(p.Workers)
	})
	same(t, "workers", python, golang)
}

package headless

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/headless/report"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
	"github.com/bandwing/bandwing/locustworker/internal/headless/threshold"
)

// outputs are the files of a run.
type outputs struct {
	cfg    Config
	csv    *report.CSV // nil: none
	failed error       // the first fault of a file while the run went on
	users  map[string]int
}

// openOutputs makes the CSV files, and the folders of all others, so that a run
// does not begin whose reports cannot be written.
func openOutputs(cfg Config) (*outputs, error) {
	o := &outputs{cfg: cfg}
	var faults []error
	for option, name := range map[string]string{"--html": cfg.HTML, "--json-file": cfg.JSONFile, "--junit": cfg.JUnit} {
		if name == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // reports are for others to read too
			faults = append(faults, fmt.Errorf("%s: %w", option, err))
		}
	}
	if cfg.CSV != "" {
		var err error
		if o.csv, err = report.CreateCSV(cfg.CSV, cfg.CSVHistory); err != nil {
			faults = append(faults, err)
		}
	}
	return o, errors.Join(faults...)
}

// add adds a moment to the files that grow with the run.
func (o *outputs) add(t *figures.Table, users int, now time.Time) {
	if o.csv == nil || o.failed != nil {
		return
	}
	if o.failed = o.csv.Add(t, users, now); o.failed != nil {
		o.cfg.Log.Error("the CSV files cannot be written; the run goes on", "error", o.failed)
	}
}

// finish shows the tables, writes all files and returns the exit code.
func (r *Run) finish() int {
	results := threshold.Judge(r.cfg.Thresholds, &r.table)
	open := r.cfg.Open.take()
	r.cfg.Screen.Draw(nil)
	written := r.outputs.write(r, results, open)
	for _, err := range written {
		r.cfg.Log.Error("a report was not written: " + err.Error())
	}
	if r.cfg.JSONFile == "" {
		columns, _, ok := r.cfg.Screen.Size()
		if !ok {
			columns = 0
		}
		terminal.Summary(r.cfg.Screen, &r.table, columns)
		r.summarize(open, columns)
	}
	if n := r.cfg.Cut(); n > 0 {
		fmt.Fprintf(r.cfg.Screen, "Requests that were sent and are in no table, because their users were stopped first: %d\n\n", n)
	}
	threshold.Write(r.cfg.Screen, results)
	if r.cfg.Annotations {
		threshold.Annotate(r.cfg.Screen, results)
	}
	code := r.exitCode(results)
	if len(written) > 0 && code == 0 {
		code = 1
	}
	return code
}

// write writes all files at the end of the run.
func (o *outputs) write(r *Run, results []threshold.Result, open report.Open) []error {
	var faults []error
	check := func(option string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", option, err))
		}
	}
	if o.csv != nil {
		check("--csv", o.csv.Close(&r.table))
	}
	if o.cfg.JSON {
		check("--json", report.WriteJSON(o.cfg.Stdout, &r.table))
	}
	if o.cfg.JSONFile != "" {
		check("--json-file", report.SaveJSON(o.cfg.JSONFile, &r.table))
	}
	if o.cfg.HTML != "" {
		check("--html", report.SaveHTML(o.cfg.htmlName(), report.Page{
			Title: o.cfg.Program, Host: o.cfg.Host, Note: r.note, Table: &r.table, History: r.history.Points(),
			Thresholds: results, Users: o.users, Cut: o.cfg.Cut(), Open: open,
		}))
	}
	if o.cfg.JUnit != "" {
		check("--junit", saveJUnit(o.cfg.JUnit, results))
	}
	return faults
}

// htmlName puts the run's numbers into the name (process_html_filename).
func (c Config) htmlName() string {
	seconds := "0"
	if c.RunTime > 0 {
		seconds = strconv.FormatFloat(c.RunTime.Seconds(), 'f', -1, 64)
	}
	return strings.NewReplacer(
		"{u}", strconv.Itoa(c.Users),
		"{r}", strconv.FormatFloat(c.SpawnRate, 'f', -1, 64),
		"{t}", seconds,
	).Replace(c.HTML)
}

func saveJUnit(name string, results []threshold.Result) (err error) {
	file, err := os.Create(name) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	return threshold.WriteJUnit(file, results)
}

// exitCode mirrors shutdown in locust/main.py, with thresholds: a code of Quit
// other than 0, 99 for a breach, Quit's 0, the code for errors, 2 for a function of
// the program's own that failed, 0. Failures are no errors when a threshold says how
// many there may be.
func (r *Run) exitCode(results []threshold.Result) int {
	judged := false
	for _, rule := range r.cfg.Thresholds {
		judged = judged || rule.JudgesFailures()
	}
	switch {
	case r.code != nil && *r.code != 0:
		return *r.code & 0xff // what a process can return
	case !threshold.AllHeld(results):
		return threshold.ExitCode
	case r.code != nil:
		return 0
	case len(r.table.Exceptions()) > 0, len(r.table.Errors()) > 0 && !judged:
		return r.cfg.ExitCodeOnError & 0xff
	case r.cfg.Hooks.Failed != nil && r.cfg.Hooks.Failed():
		return 2
	}
	return 0
}

// show shows how the run goes, unless it is to be seen at its end only.
func (r *Run) show() {
	if r.cfg.OnlySummary {
		return
	}
	columns, lines, ok := r.cfg.Screen.Size()
	if !ok {
		if r.ticks%tableTicks == 0 {
			terminal.Requests(r.cfg.Screen, &r.table, true)
		}
		return
	}
	byClass, users := r.cfg.Fleet.Counts()
	r.cfg.Screen.Draw(terminal.Live(terminal.Status{
		Program: r.cfg.Program, Host: r.cfg.Host, Elapsed: time.Since(r.began), RunTime: r.cfg.RunTime,
		Users: users, ByClass: byClass, Table: &r.table,
		Keys: r.cfg.More != nil,
	}, columns, lines))
}

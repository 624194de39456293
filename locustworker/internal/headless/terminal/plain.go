// Package terminal shows a run to whoever started it: Locust's plain tables, or a
// live view where the output is a terminal.
package terminal

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

const (
	typeWidth   = 8  // STATS_TYPE_WIDTH
	nameWidth   = 80 // STATS_NAME_WIDTH where there is no terminal
	callWidth   = nameWidth - typeWidth + 4
	reportWidth = 80 + nameWidth - 19
)

// shares are the percentiles of the table (PERCENTILES_TO_REPORT).
func shares() []float64 {
	return []float64{0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1}
}

// Requests writes the table of requests as Locust does where there is no terminal
// (get_stats_summary). current shows the rates of the last ten seconds, not those
// of the whole run.
func Requests(w io.Writer, t *figures.Table, current bool) {
	fmt.Fprintf(w, "%-*s %-*s %7s %12s |%7s %7s %7s%7s | %7s %11s\n",
		typeWidth, "Type", callWidth, "Name", "# reqs", "# fails", "Avg", "Min", "Max", "Med", "req/s", "failures/s")
	separator := dashes(typeWidth, callWidth, 7, 13, 7, 7, 7, 7, 8, 11)
	fmt.Fprintln(w, separator)
	for _, r := range t.Rows() {
		requestLine(w, r, current)
	}
	fmt.Fprintln(w, separator)
	requestLine(w, t.Total(), current)
	fmt.Fprintln(w)
}

func requestLine(w io.Writer, r figures.Row, current bool) {
	rps, failures := r.RPS(), r.FailuresPerSecond()
	if current {
		rps, failures = r.CurrentRPS(), r.CurrentFailuresPerSecond()
	}
	method := r.Method
	if method != "" {
		method += " "
	}
	fmt.Fprintf(w, "%-*s %-*s %7d %12s |%7d %7d %7d%7d | %7.2f %11.2f\n",
		typeWidth, method, callWidth, r.Name, r.Requests, fmt.Sprintf("%d(%.2f%%)", r.Failures, r.FailRatio()*100),
		whole(r.Average()), whole(r.Shortest()), whole(r.Longest()), whole(r.Median()), rps, failures)
}

// whole cuts a number as Python's %d does.
func whole(x float64) int64 { return int64(math.Trunc(x)) }

func dashes(widths ...int) string {
	parts := make([]string, len(widths))
	for i, n := range widths {
		parts[i] = strings.Repeat("-", n)
	}
	return strings.Join(parts, "|")
}

// Percentiles writes the table of percentiles as Locust does where there is no
// terminal (get_percentile_stats_summary).
func Percentiles(w io.Writer, t *figures.Table) {
	fmt.Fprintln(w, "Response time percentiles (approximated)")
	fmt.Fprintf(w, "%-*s %-*s", typeWidth, "Type", nameWidth, "Name")
	widths := []int{typeWidth, nameWidth, 8}
	for i, share := range shares() {
		fmt.Fprintf(w, " %*s", percentWidth(i), percent(share))
		widths = append(widths, 6)
	}
	fmt.Fprintf(w, " %6s\n", "# reqs")
	separator := dashes(widths...)
	fmt.Fprintln(w, separator)
	for _, r := range t.Rows() {
		percentLine(w, r)
	}
	fmt.Fprintln(w, separator)
	percentLine(w, t.Total())
	fmt.Fprintln(w)
}

// percent writes a share as Locust's headings do (get_readable_percentiles).
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e8)/1e6, 'f', -1, 64) + "%"
}

// percentWidth is the width of a column: the first one is wider.
func percentWidth(i int) int {
	if i == 0 {
		return 8
	}
	return 6
}

func percentLine(w io.Writer, r figures.Row) {
	if len(r.ResponseTimes) == 0 {
		return
	}
	fmt.Fprintf(w, "%-*s %-*s", typeWidth, r.Method, nameWidth, r.Name)
	for i, value := range r.Percentiles(shares()...) {
		fmt.Fprintf(w, " %*d", percentWidth(i), whole(value))
	}
	fmt.Fprintf(w, " %6d\n", r.Requests)
}

// Errors writes the failures as Locust does where there is no terminal; nothing
// without any (get_error_report_summary).
func Errors(w io.Writer, t *figures.Table) {
	if len(t.Errors()) == 0 {
		return
	}
	fmt.Fprintf(w, "Error report\n%-18s %-100s\n", "# occurrences", "Error")
	separator := dashes(18, reportWidth)
	fmt.Fprintln(w, separator)
	for _, e := range t.Errors() {
		fmt.Fprintf(w, "%-18d %-100s\n", e.Occurrences, errorName(e))
	}
	fmt.Fprintf(w, "%s\n\n", separator)
}

// errorName mirrors StatsError.to_name.
func errorName(e stats.ErrorEntry) string {
	text := e.Text
	if inner, found := strings.CutPrefix(text, "CatchResponseError("); found && inner != "" {
		text = inner[:len(inner)-1]
	}
	return e.Method + " " + e.Name + ": " + text
}

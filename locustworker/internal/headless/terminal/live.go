package terminal

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

const (
	// wideEnough is the width from which Locust's tables fit.
	wideEnough = 80 + 95
	// newestFailures is how many errors the view shows.
	newestFailures = 3
	// fewestRows is how many rows it shows even when there is no room for them.
	fewestRows = 3
	barWidth   = 20
	keyHelp    = "w +1 user, W +10, s -1, S -10, Ctrl-C ends the run"
)

// A Status is what a live view shows.
type Status struct {
	Program, Host string
	Elapsed       time.Duration
	RunTime       time.Duration // 0: without a limit
	Users         int
	ByClass       map[string]int
	Table         *figures.Table
	Keys          bool // change the number of users
}

// Live returns the lines of a view for a terminal of this size.
func Live(s Status, columns, lines int) []string {
	total := s.Table.Total()
	p := total.CurrentPercentiles(0.5, 0.95, 0.99)
	view := []string{
		"",
		strings.TrimSpace(s.Program+"  "+s.Host) + "  " + progress(s.Elapsed, s.RunTime),
		fmt.Sprintf("Users %d%s", s.Users, classes(s.ByClass)),
		fmt.Sprintf("Requests/s %.1f  Failures/s %.1f  p50 %s  p95 %s  p99 %s ms",
			total.CurrentRPS(), total.CurrentFailuresPerSecond(), short(p[0]), short(p[1]), short(p[2])),
		"",
	}
	failures := newest(s.Table.Errors())
	below := len(failures)
	if s.Keys {
		below += 2
	}
	room := max(lines-1-len(view)-below-3, fewestRows) // a heading, the sum, a line that says how many are left out
	rows := s.Table.Rows()
	view = append(view, lay(append(busiest(rows, room), total), columns, liveColumns())...)
	if left := len(rows) - room; left > 0 {
		view = append(view, fmt.Sprintf("… and %d rows with fewer requests", left))
	}
	view = append(view, failures...)
	if s.Keys {
		view = append(view, "", keyHelp)
	}
	for i, line := range view {
		view[i] = cut(line, columns)
	}
	return view
}

// progress shows how much of the run time is over.
func progress(elapsed, limit time.Duration) string {
	if limit <= 0 {
		return clock(elapsed)
	}
	done := min(elapsed.Seconds()/limit.Seconds(), 1)
	full := int(done*barWidth + 0.5)
	return fmt.Sprintf("%s/%s [%s%s] %.0f%%", clock(elapsed), clock(limit), strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100)
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func classes(byClass map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(byClass)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, byClass[name]))
	}
	if len(parts) < 2 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// busiest returns the rows with the most requests, in their order.
func busiest(rows []figures.Row, limit int) []figures.Row {
	if len(rows) <= limit {
		return rows
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b figures.Row) int { return cmp.Compare(b.Requests, a.Requests) })
	least := sorted[limit-1].Requests
	var kept []figures.Row
	for _, r := range rows {
		if r.Requests >= least && len(kept) < limit {
			kept = append(kept, r)
		}
	}
	return kept
}

// newest returns lines for the errors that occurred last.
func newest(all []stats.ErrorEntry) []string {
	if len(all) == 0 {
		return nil
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b stats.ErrorEntry) int { return b.LastSeen.Compare(a.LastSeen) })
	lines := []string{"", "Newest failures"}
	for _, e := range sorted[:min(len(sorted), newestFailures)] {
		lines = append(lines, fmt.Sprintf("%7d× %s", e.Occurrences, oneLine(errorName(e))))
	}
	return lines
}

// oneLine makes a text fit for one line of a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// A column is one of a compact table.
type column struct {
	name  string
	width int
	value func(figures.Row) string
}

// liveColumns are those of the view, the most important ones first.
func liveColumns() []column {
	return []column{
		requests(), failed(), at("p95", 0.95), perSecond(figures.Row.CurrentRPS), at("p50", 0.5), at("p99", 0.99),
		times("max", figures.Row.Longest), times("avg", figures.Row.Average), times("min", figures.Row.Shortest), failures(),
	}
}

// endColumns are those of the table at the end, the most important ones first.
func endColumns() []column {
	return []column{
		requests(), failures(), times("avg", figures.Row.Average), perSecond(figures.Row.RPS), times("max", figures.Row.Longest),
		times("med", figures.Row.Median), times("min", figures.Row.Shortest), failed(),
	}
}

func requests() column {
	return column{"# reqs", 9, func(r figures.Row) string { return strconv.FormatInt(r.Requests, 10) }}
}

func failures() column {
	return column{"# fails", 9, func(r figures.Row) string { return strconv.FormatInt(r.Failures, 10) }}
}

func failed() column {
	return column{"fails", 7, func(r figures.Row) string { return fmt.Sprintf("%.1f%%", 100*r.FailRatio()) }}
}

func perSecond(rate func(figures.Row) float64) column {
	return column{"req/s", 8, func(r figures.Row) string { return fmt.Sprintf("%.1f", rate(r)) }}
}

func times(name string, value func(figures.Row) float64) column {
	return column{name, 7, func(r figures.Row) string { return short(value(r)) }}
}

func at(name string, share float64) column {
	return times(name, func(r figures.Row) float64 { return r.Percentiles(share)[0] })
}

// lay returns the lines of a table for a terminal of this width: columns that find
// no room are left out, the last ones first.
func lay(rows []figures.Row, width int, all []column) []string {
	label := 24
	left := width - label
	for i, c := range all {
		if left -= c.width + 1; left < 0 {
			left += c.width + 1
			all = all[:i]
			break
		}
	}
	label += max(min(left, 60), 0)
	head := fmt.Sprintf("%-*s", label, "Name")
	for _, c := range all {
		head += fmt.Sprintf(" %*s", c.width, c.name)
	}
	lines := []string{head}
	for _, r := range rows {
		line := fmt.Sprintf("%-*s", label, cut(oneLine(strings.TrimSpace(r.Method+" "+r.Name)), label))
		for _, c := range all {
			line += fmt.Sprintf(" %*s", c.width, c.value(r))
		}
		lines = append(lines, line)
	}
	return lines
}

// short writes milliseconds in few characters.
func short(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	case ms < 100:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 0, 64)
}

// Summary writes the tables of the end of a run: Locust's, or narrower ones with
// the same rows on a terminal of fewer columns than these need. Without a
// terminal columns is 0.
func Summary(w io.Writer, t *figures.Table, columns int) {
	if columns == 0 || columns >= wideEnough {
		Requests(w, t, false)
		Percentiles(w, t)
		Errors(w, t)
		return
	}
	rows := append(t.Rows(), t.Total())
	write := func(title string, lines []string) {
		fmt.Fprintf(w, "%s\n", title)
		for _, line := range lines {
			fmt.Fprintln(w, cut(line, columns))
		}
		fmt.Fprintln(w)
	}
	write("Requests (times in ms)", lay(rows, columns, endColumns()))
	var percents []column
	for _, share := range []float64{0.5, 0.95, 0.99, 1, 0.9, 0.999, 0.75, 0.98, 0.66, 0.8, 0.9999} {
		percents = append(percents, at(percent(share), share))
	}
	write("Response time percentiles (ms)", lay(rows, columns, percents))
	if len(t.Errors()) > 0 {
		var lines []string
		for _, e := range t.Errors() {
			lines = append(lines, fmt.Sprintf("%9d %s", e.Occurrences, oneLine(errorName(e))))
		}
		write("Error report (occurrences, error)", lines)
	}
}

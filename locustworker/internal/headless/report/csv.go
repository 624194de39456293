package report

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// flushInterval is how often files are brought up to date while a run goes on
// (CSV_STATS_FLUSH_INTERVAL_SEC).
const flushInterval = 5 * time.Second

// localNode is the node of all exceptions of a run without a master.
const localNode = "local"

// A CSV is the four CSV files of a run, with Locust's names and columns
// (StatsCSVFileWriter). It is not safe for concurrent use.
//
// Times have a fraction where the response times are kept finer than a
// millisecond. Numbers are otherwise as Locust writes them.
type CSV struct {
	prefix  string
	full    bool
	history *os.File
	out     *bufio.Writer
	flushed time.Time
}

// CreateCSV makes the files prefix_stats.csv, prefix_stats_history.csv,
// prefix_failures.csv and prefix_exceptions.csv, and the folder that they are in.
// full adds a line for each row to the history, and makes its percentiles those of
// the last ten seconds (--csv-full-history).
func CreateCSV(prefix string, full bool) (*CSV, error) {
	if err := os.MkdirAll(filepath.Dir(prefix), 0o755); err != nil { //nolint:gosec // reports are for others to read too
		return nil, fmt.Errorf("--csv: %w", err)
	}
	c := &CSV{prefix: prefix, full: full}
	if err := c.writeTables(&figures.Table{}); err != nil {
		return nil, fmt.Errorf("--csv: %w", err)
	}
	file, err := os.Create(prefix + "_stats_history.csv") //nolint:gosec // the user names it
	if err != nil {
		return nil, fmt.Errorf("--csv: %w", err)
	}
	c.history, c.out = file, bufio.NewWriter(file)
	writeLine(c.out, historyColumns())
	return c, nil
}

// Add adds a moment to the history. At times it brings all files up to date.
func (c *CSV) Add(t *figures.Table, users int, now time.Time) error {
	rows := []figures.Row{t.Total()}
	if c.full {
		rows = append(t.Rows(), rows...)
	}
	for _, r := range rows {
		writeLine(c.out, c.historyLine(r, users, now))
	}
	if now.Sub(c.flushed) < flushInterval {
		return nil
	}
	c.flushed = now
	return c.write(t)
}

// Close brings all files up to date and closes them.
func (c *CSV) Close(t *figures.Table) error { return errors.Join(c.write(t), c.history.Close()) }

func (c *CSV) write(t *figures.Table) error { return errors.Join(c.out.Flush(), c.writeTables(t)) }

// writeTables writes the files that have one line for each row of a table.
func (c *CSV) writeTables(t *figures.Table) error {
	return errors.Join(
		os.WriteFile(c.prefix+"_stats.csv", []byte(requestsCSV(t)), 0o644),        //nolint:gosec // for others to read too
		os.WriteFile(c.prefix+"_failures.csv", []byte(failuresCSV(t)), 0o644),     //nolint:gosec // for others to read too
		os.WriteFile(c.prefix+"_exceptions.csv", []byte(exceptionsCSV(t)), 0o644), //nolint:gosec // for others to read too
	)
}

func percentColumns() []string {
	var columns []string
	for _, share := range shares() {
		columns = append(columns, percent(share))
	}
	return columns
}

func requestsCSV(t *figures.Table) string {
	var out strings.Builder
	columns := []string{
		"Type", "Name", "Request Count", "Failure Count", "Median Response Time", "Average Response Time",
		"Min Response Time", "Max Response Time", "Average Content Size", "Requests/s", "Failures/s",
	}
	writeLine(&out, append(columns, percentColumns()...))
	if t.Start().IsZero() {
		return out.String()
	}
	for _, r := range append(t.Rows(), t.Total()) {
		line := append([]string{r.Method, r.Name}, counts(r)...)
		line = append(line, number(r.RPS()), number(r.FailuresPerSecond()))
		writeLine(&out, append(line, percentFields(r, false)...))
	}
	return out.String()
}

// counts are the fields that the requests and the history have both.
func counts(r figures.Row) []string {
	return []string{
		strconv.FormatInt(r.Requests, 10), strconv.FormatInt(r.Failures, 10), number(r.Median()), number(r.Average()),
		number(r.Shortest()), number(r.Longest()), number(r.AverageLength()),
	}
}

// percentFields mirrors _percentile_fields.
func percentFields(r figures.Row, current bool) []string {
	if r.Requests == 0 {
		return slices.Repeat([]string{"N/A"}, len(shares()))
	}
	values := r.Percentiles
	if current {
		values = r.CurrentPercentiles
	}
	var fields []string
	for _, value := range values(shares()...) {
		fields = append(fields, number(value))
	}
	return fields
}

func historyColumns() []string {
	columns := append([]string{"Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s"}, percentColumns()...)
	return append(columns,
		"Total Request Count", "Total Failure Count", "Total Median Response Time", "Total Average Response Time",
		"Total Min Response Time", "Total Max Response Time", "Total Average Content Size")
}

func (c *CSV) historyLine(r figures.Row, users int, now time.Time) []string {
	line := []string{
		strconv.FormatInt(now.Unix(), 10), strconv.Itoa(users), r.Method, r.Name,
		fmt.Sprintf("%.6f", r.CurrentRPS()), fmt.Sprintf("%.6f", r.CurrentFailuresPerSecond()),
	}
	return append(append(line, percentFields(r, c.full)...), counts(r)...)
}

func failuresCSV(t *figures.Table) string {
	var out strings.Builder
	writeLine(&out, []string{"Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"})
	for _, e := range t.Errors() {
		writeLine(&out, []string{e.Method, e.Name, e.Text, strconv.FormatInt(e.Occurrences, 10), stamp(e.FirstSeen), stamp(e.LastSeen)})
	}
	return out.String()
}

func exceptionsCSV(t *figures.Table) string {
	var out strings.Builder
	writeLine(&out, []string{"Count", "Message", "Traceback", "Nodes"})
	for _, e := range t.Exceptions() {
		writeLine(&out, []string{strconv.FormatInt(e.Count, 10), e.Message, e.Traceback, localNode})
	}
	return out.String()
}

// writeLine writes a line as Python's csv module does: encoding/csv would change
// the ends of lines inside a field.
func writeLine(out interface {
	WriteString(text string) (int, error)
}, fields []string,
) {
	for i, field := range fields {
		if i > 0 {
			_, _ = out.WriteString(",") // a bufio.Writer tells at Flush
		}
		if strings.ContainsAny(field, ",\"\r\n") {
			field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
		}
		_, _ = out.WriteString(field)
	}
	_, _ = out.WriteString("\r\n")
}

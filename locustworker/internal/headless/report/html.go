package report

import (
	_ "embed"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/headless/threshold"
)

//go:embed page.html
var page string

// A Page is what the HTML report shows.
type Page struct {
	Title      string
	Host       string
	Note       string // what is to be said about the run first, such as that it was interrupted; "" for nothing
	Table      *figures.Table
	History    []figures.Point
	Thresholds []threshold.Result
	Users      map[string]int // at the end of the run, by class
	Cut        int64          // requests that were sent and not counted
	Open       Open
}

// SaveHTML writes the page to a file, and makes the folder that it is in.
func SaveHTML(name string, p Page) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // reports are for others to read too
		return err
	}
	file, err := os.Create(name) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	return WriteHTML(file, p)
}

// WriteHTML writes the page: one file that needs no other, for screens of any
// width, light or dark, and for paper.
func WriteHTML(w io.Writer, p Page) error {
	functions := template.FuncMap{
		"ms":      significant,
		"rate":    func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) },
		"count":   grouped,
		"percent": func(x float64) string { return strconv.FormatFloat(x*100, 'f', 2, 64) + "%" },
		"stamp":   stamp,
	}
	parsed, err := template.New("page").Funcs(functions).Parse(page)
	if err != nil {
		return err
	}
	return parsed.Execute(w, p)
}

// Rows returns all rows, the sum last.
func (p Page) Rows() []figures.Row { return append(p.Table.Rows(), p.Table.Total()) }

// Total returns the sum of all rows.
func (p Page) Total() figures.Row { return p.Table.Total() }

// Shares returns the percentiles of the page, as headings.
func (p Page) Shares() []string {
	var names []string
	for _, share := range pageShares() {
		names = append(names, percent(share))
	}
	return names
}

// Percentiles returns these percentiles of a row.
func (p Page) Percentiles(r figures.Row) []float64 { return r.Percentiles(pageShares()...) }

func pageShares() []float64 { return []float64{0.5, 0.66, 0.75, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1} }

// Headline returns the percentiles at the top of the page.
func (p Page) Headline() []float64 { return p.Table.Total().Percentiles(0.5, 0.95, 0.99) }

// AllHeld reports whether all thresholds are held.
func (p Page) AllHeld() bool { return threshold.AllHeld(p.Thresholds) }

// Duration returns how long the run took.
func (p Page) Duration() string {
	if p.Table.Last().IsZero() {
		return "0s"
	}
	return p.Table.Last().Sub(p.Table.Start()).Round(time.Second).String()
}

// Charts returns the charts of the page.
func (p Page) Charts() []Chart {
	return []Chart{
		newChart("Requests per second", p.History, grouped2,
			series{"requests", func(x figures.Point) float64 { return x.RPS }},
			series{"failures", func(x figures.Point) float64 { return x.Failures }}),
		newChart("Response times in milliseconds, of the last ten seconds", p.History, significant,
			series{"p50", func(x figures.Point) float64 { return x.P50 }},
			series{"p95", func(x figures.Point) float64 { return x.P95 }},
			series{"p99", func(x figures.Point) float64 { return x.P99 }}),
		newChart("Users", p.History, grouped2,
			series{"users", func(x figures.Point) float64 { return float64(x.Users) }}),
	}
}

// significant writes a time with three digits, and all those of a large one.
func significant(x float64) string {
	switch {
	case x >= 100:
		return grouped(int64(x + 0.5))
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case x == 0:
		return "0"
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// grouped writes a number with a thin space between thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var out strings.Builder
	for i, c := range digits {
		if left := len(digits) - i; i > 0 && left%3 == 0 && digits[i-1] != '-' {
			out.WriteString("\u202f")
		}
		out.WriteRune(c)
	}
	return out.String()
}

// grouped2 writes a number without a fraction, or with one digit below 10.
func grouped2(x float64) string {
	if x < 10 && x != float64(int64(x)) {
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return grouped(int64(x + 0.5))
}

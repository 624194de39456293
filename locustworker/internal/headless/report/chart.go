package report

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// The size of a chart in its own units; the page stretches it.
const (
	chartWidth  = 1000.0
	chartHeight = 200.0
	gridLines   = 4
	timeMarks   = 5
)

// A series is one line of a chart.
type series struct {
	name  string
	value func(figures.Point) float64
}

// A Chart is lines over the time of a run.
type Chart struct {
	Title string
	Lines []Line
	Marks []string // of the values, from the top
	Times []string // of the time, from the left
	// Data is the values for the page's script: times, and one list for each line.
	Data template.JS
}

// A Line is one line of a chart.
type Line struct {
	Name string
	Path string // of an SVG path
}

// newChart draws points. write makes the text of a value.
func newChart(title string, points []figures.Point, write func(float64) string, all ...series) Chart {
	c := Chart{Title: title}
	highest := 0.0
	for _, p := range points {
		for _, s := range all {
			highest = max(highest, s.value(p))
		}
	}
	highest = ceiling(highest)
	for i := gridLines; i >= 0; i-- {
		c.Marks = append(c.Marks, write(highest*float64(i)/gridLines))
	}
	var start time.Time
	span := time.Second
	if len(points) > 0 {
		start = points[0].At
		span = max(span, points[len(points)-1].At.Sub(start))
	}
	for i := range timeMarks {
		c.Times = append(c.Times, elapsed(span*time.Duration(i)/(timeMarks-1)))
	}
	data := map[string]any{"t": []string{}}
	times := make([]string, len(points))
	values := make([][]string, len(all))
	for n, s := range all {
		var path strings.Builder
		for i, p := range points {
			x := chartWidth * float64(p.At.Sub(start)) / float64(span)
			y := chartHeight * (1 - s.value(p)/highest)
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
			times[i] = elapsed(p.At.Sub(start))
			values[n] = append(values[n], write(s.value(p)))
		}
		c.Lines = append(c.Lines, Line{Name: s.name, Path: path.String()})
	}
	data["t"], data["v"] = times, values
	if encoded, err := json.Marshal(data); err == nil { // texts can always be encoded
		c.Data = template.JS(encoded) //nolint:gosec // JSON made here, with < and > escaped
	}
	return c
}

// ceiling returns the next round number that is at least x, and not 0.
func ceiling(x float64) float64 {
	if x <= 0 {
		return 1
	}
	decade := math.Pow(10, math.Floor(math.Log10(x)))
	for _, factor := range []float64{1, 2, 4, 5, 8} {
		if x <= factor*decade {
			return factor * decade
		}
	}
	return 10 * decade
}

// elapsed writes a time since the start, as 1:05 or 1:02:05.
func elapsed(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	if seconds < 3600 {
		return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

package headless

import (
	"fmt"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
	"github.com/bandwing/bandwing/locustworker/internal/headless/report"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// Open is what is shown of classes with arrivals beside the rows.
type Open struct {
	// Times has the response times that the rows do not show, and Title says what
	// they count from. nil: there are no such classes.
	Times *stats.Store
	Title string
	// Arrivals returns a line for each class.
	Arrivals func() []string
}

// reset drops what was recorded so far.
func (o Open) reset() {
	if o.Times != nil {
		o.Times.Reset()
	}
}

// take returns what is to be shown.
func (o Open) take() report.Open {
	if o.Times == nil {
		return report.Open{}
	}
	shown := report.Open{Title: o.Title, Arrivals: o.Arrivals(), Table: new(figures.Table)}
	shown.Table.Add(o.Times.Take())
	return shown
}

// summarize shows it below the summary of the run.
func (r *Run) summarize(o report.Open, columns int) {
	if o.Table == nil {
		return
	}
	terminal.Times(r.cfg.Screen, o.Title+" (ms)", o.Table, columns)
	for _, line := range o.Arrivals {
		fmt.Fprintln(r.cfg.Screen, line)
	}
	fmt.Fprintln(r.cfg.Screen)
}

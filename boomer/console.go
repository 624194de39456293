package boomer

import (
	"fmt"
	"log"
	"strings"
	"text/tabwriter"
	"time"
)

// A ConsoleOutput writes a table of each report to a log.
type ConsoleOutput struct{ logger *log.Logger }

var _ Output = (*ConsoleOutput)(nil)

// NewConsoleOutput returns an output that writes to log.Default.
func NewConsoleOutput() *ConsoleOutput { return &ConsoleOutput{log.Default()} }

// WithLogger sets where the tables go. nil changes nothing.
func (o *ConsoleOutput) WithLogger(logger *log.Logger) *ConsoleOutput {
	if logger != nil {
		o.logger = logger
	}
	return o
}

// OnStart does nothing.
func (o *ConsoleOutput) OnStart() {}

// OnStop does nothing.
func (o *ConsoleOutput) OnStop() {}

// OnEvent writes a line with the users, and a table with a row for each type and
// name and one for all. Times are in milliseconds.
func (o *ConsoleOutput) OnEvent(data map[string]interface{}) {
	figures, err := read(data)
	if err != nil {
		o.logger.Printf("boomer: the console shows nothing: %v", err)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Current time: %s, Users: %d, Total RPS: %d, Total Fail Ratio: %.1f%%\n",
		time.Now().Format("2006/01/02 15:04:05"), figures.users, figures.rps, figures.failRatio*100)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "Type\tName\t# requests\t# fails\tMedian\tAverage\tMin\tMax\tContent Size\t# reqs/sec\t# fails/sec\t")
	for _, r := range append(figures.rows, figures.total) {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%.2f\t%d\t%d\t%d\t%d\t%d\t\n", r.method, r.name, r.requests, r.failures,
			r.median, r.average, r.least, r.most, r.length, r.rps, r.failuresPerSec)
	}
	_ = w.Flush() // a strings.Builder takes all
	o.logger.Print(b.String())
}

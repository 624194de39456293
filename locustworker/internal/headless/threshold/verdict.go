package threshold

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// ExitCode is the exit code of a run that does not hold a threshold, as k6 has it.
const ExitCode = 99

// Judge holds a table against all rules.
func Judge(rules []Threshold, table *figures.Table) []Result {
	results := make([]Result, len(rules))
	for i, rule := range rules {
		results[i] = rule.Judge(table)
	}
	return results
}

// AllHeld reports whether all rules are held.
func AllHeld(results []Result) bool {
	return !slices.ContainsFunc(results, func(r Result) bool { return !r.Held })
}

// verdict is the first column of the table.
func (r Result) verdict() string {
	if r.Held {
		return "held"
	}
	return "BREACHED"
}

// Write writes a table of what is held and what is not; nothing without rules.
func Write(w io.Writer, results []Result) {
	if len(results) == 0 {
		return
	}
	width := 0
	for _, r := range results {
		width = max(width, utf8.RuneCountInString(r.Threshold.String()))
	}
	fmt.Fprintln(w, "Thresholds")
	for _, r := range results {
		fmt.Fprintf(w, "%-8s  %-*s  %s\n", r.verdict(), width, r.Threshold, r.Measured())
	}
	fmt.Fprintln(w)
}

// Annotate writes an error for each rule that is not held, as GitHub Actions reads
// it from the output of a job.
func Annotate(w io.Writer, results []Result) {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for _, r := range results {
		if !r.Held {
			fmt.Fprintf(w, "::error title=Threshold breached::%s\n", escape.Replace(fmt.Sprintf("%s: measured %s", r.Threshold, r.Measured())))
		}
	}
}

type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suite   suite    `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *failure `xml:"failure"`
	Output  string   `xml:"system-out,omitempty"`
}

type failure struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the results as JUnit's XML: a test case for each rule.
func WriteJUnit(w io.Writer, results []Result) error {
	s := suite{Name: "thresholds", Tests: len(results)}
	for _, r := range results {
		c := testCase{Class: "thresholds", Name: r.Threshold.String()}
		if r.Held {
			c.Output = "measured " + r.Measured()
		} else {
			c.Failure = &failure{Message: "measured " + r.Measured()}
			s.Failures++
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites{Suite: s}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

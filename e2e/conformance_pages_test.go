package e2e

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A page is /stats/requests with every column that the master has.
type page struct {
	Stats       []columns      `json:"stats"` // the last one is the total
	Errors      []columns      `json:"errors"`
	Workers     []columns      `json:"workers"`
	WorkerCount int            `json:"worker_count"`
	State       string         `json:"state"`
	UserCount   int            `json:"user_count"`
	TotalRPS    float64        `json:"total_rps"`
	FailRatio   float64        `json:"fail_ratio"`
	Percentiles map[string]any `json:"current_response_time_percentiles"`
}

// columns are one line of a table.
type columns map[string]any

func (c columns) number(key string) float64 {
	n, _ := c[key].(float64)
	return n
}

func (c columns) text(key string) string {
	s, _ := c[key].(string)
	return s
}

// timely are the columns that tell how fast things went.
var timely = regexp.MustCompile(`rps$|per_sec$|^Requests/s$|^Failures/s$|^first_seen$|^last_seen$|^First Seen$|^Last Seen$`)

// settled returns a copy without the columns that depend on time, and with
// numbers to nine digits.
func settled(lines []columns) []columns {
	var all []columns
	for _, line := range lines {
		kept := make(columns)
		for key, value := range line {
			if timely.MatchString(key) {
				continue
			}
			if n, ok := value.(float64); ok {
				value = fmt.Sprintf("%.9g", n)
			}
			kept[key] = value
		}
		all = append(all, kept)
	}
	return all
}

// page reads /stats/requests.
func (w *webUI) page() (page, error) {
	var p page
	err := getJSON(w.url+"/stats/requests", &p)
	if err == nil && len(p.Stats) == 0 {
		err = errors.New("the table has no total line")
	}
	return p, err
}

// total returns a column of the table's last line.
func (p page) total(key string) int { return int(p.Stats[len(p.Stats)-1].number(key)) }

// row returns the line of that name.
func (p page) row(name string) columns {
	i := slices.IndexFunc(p.Stats, func(c columns) bool { return c.text("name") == name })
	if i < 0 {
		return nil
	}
	return p.Stats[i]
}

// count returns the requests under a name.
func (p page) count(name string) int { return int(p.row(name).number("num_requests")) }

// names returns the rows' names without the total, sorted.
func (p page) names() []string {
	var all []string
	for _, row := range p.Stats[:len(p.Stats)-1] {
		all = append(all, row.text("name"))
	}
	slices.Sort(all)
	return all
}

// awaitPage waits until the table satisfies check.
func (l *lab) awaitPage(what string, check func(page) error) page {
	l.t.Helper()
	return await(l.t, what, l.web.page, check)
}

// awaitTotal waits until the table of a running run counts exactly so many
// requests. The master caches it for two seconds, so that of the run before may
// still be shown.
func (l *lab) awaitTotal(requests int) page {
	l.t.Helper()
	return l.awaitPage(fmt.Sprintf("%d requests", requests), func(p page) error {
		if n := p.total("num_requests"); n != requests || p.State != "running" {
			return fmt.Errorf("%d requests, %s", n, p.State)
		}
		return nil
	})
}

// awaitUsers waits until the run has the state and the number of users.
func (l *lab) awaitUsers(state string, users int) page {
	l.t.Helper()
	return l.awaitPage(fmt.Sprintf("%s with %d users", state, users), func(p page) error {
		if p.State != state || p.UserCount != users {
			return fmt.Errorf("%s with %d users", p.State, p.UserCount)
		}
		return nil
	})
}

// An exceptionRow is a line of /exceptions.
type exceptionRow struct {
	Count     int    `json:"count"`
	Msg       string `json:"msg"`
	Traceback string `json:"traceback"`
	Nodes     string `json:"nodes"`
}

func (w *webUI) exceptionRows() ([]exceptionRow, error) {
	var reply struct {
		Exceptions []exceptionRow `json:"exceptions"`
	}
	err := getJSON(w.url+"/exceptions", &reply)
	return reply.Exceptions, err
}

// workerLogs reads the workers' part of /logs.
func (w *webUI) workerLogs() (map[string][]string, error) {
	var reply struct {
		Workers map[string][]string `json:"workers"`
	}
	err := getJSON(w.url+"/logs", &reply)
	return reply.Workers, err
}

// csvLines turns a CSV text into lines by column.
func csvLines(text string) ([]columns, error) {
	records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(records) == 0 {
		return nil, fmt.Errorf("no CSV (%w): %q", err, text)
	}
	var all []columns
	for _, record := range records[1:] {
		line := make(columns)
		for i, value := range record {
			line[records[0][i]] = value
		}
		all = append(all, line)
	}
	return all, nil
}

// csv reads a CSV page.
func (w *webUI) csv(path string) ([]columns, error) {
	text, err := w.text(path)
	if err != nil {
		return nil, err
	}
	return csvLines(text)
}

// A htmlReport is what a report page is drawn from.
type htmlReport struct {
	Requests      []columns `json:"requests_statistics"`
	Failures      []columns `json:"failures_statistics"`
	Exceptions    []columns `json:"exceptions_statistics"`
	ResponseTimes []columns `json:"response_time_statistics"`
	History       []columns `json:"history"`
	Tasks         any       `json:"tasks"`
	Host          string    `json:"host"`
}

func parseReport(html string) (htmlReport, error) {
	var r htmlReport
	_, data, ok := strings.Cut(html, "window.templateArgs = ")
	if !ok {
		return r, errors.New("the report has no data")
	}
	err := json.NewDecoder(strings.NewReader(data)).Decode(&r)
	return r, err
}

// reportPage reads the report page.
func (w *webUI) reportPage() (htmlReport, error) {
	text, err := w.text("/stats/report")
	if err != nil {
		return htmlReport{}, err
	}
	return parseReport(text)
}

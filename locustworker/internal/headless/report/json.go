package report

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

// A jsonRow is a row as Locust's --json has it (StatsEntryDict).
type jsonRow struct {
	Name           string           `json:"name"`
	Method         string           `json:"method"`
	LastRequest    *float64         `json:"last_request_timestamp"`
	Start          *float64         `json:"start_time"`
	Requests       int64            `json:"num_requests"`
	NoneRequests   int64            `json:"num_none_requests"`
	Failures       int64            `json:"num_failures"`
	TotalTime      float64          `json:"total_response_time"`
	Max            float64          `json:"max_response_time"`
	Min            *float64         `json:"min_response_time"`
	ContentLength  int64            `json:"total_content_length"`
	ResponseTimes  map[string]int64 `json:"response_times"`
	RequestsPerSec map[string]int64 `json:"num_reqs_per_sec"`
	FailuresPerSec map[string]int64 `json:"num_fail_per_sec"`
}

// WriteJSON writes a row for each name and method, as `locust --json` does
// (print_stats_json): times in milliseconds, keys of response_times too.
func WriteJSON(w io.Writer, t *figures.Table) error {
	rows := []jsonRow{}
	for _, r := range t.Rows() {
		row := jsonRow{
			Name: r.Name, Method: r.Method, LastRequest: unixOf(r.LastRequest), Start: unixOf(t.Start()),
			Requests: r.Requests, NoneRequests: r.NoneRequests, Failures: r.Failures,
			TotalTime: millis(r.TotalTime), Max: r.Longest(), ContentLength: r.ContentLength,
			ResponseTimes: keyed(r.ResponseTimes, 1000), RequestsPerSec: keyed(r.RequestsPerSec, 1), FailuresPerSec: keyed(r.FailuresPerSec, 1),
		}
		if shortest := r.Shortest(); r.HasMin {
			row.Min = &shortest
		}
		rows = append(rows, row)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	return encoder.Encode(rows)
}

// SaveJSON writes the same to the file name.json (save_stats_json).
func SaveJSON(name string, t *figures.Table) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // reports are for others to read too
		return err
	}
	file, err := os.Create(name + ".json") //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	return WriteJSON(file, t)
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// unixOf returns a time in seconds since 1970, or nil for none.
func unixOf(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	seconds := float64(t.UnixNano()) / 1e9
	return &seconds
}

func keyed(counts map[int64]int64, divisor float64) map[string]int64 {
	named := make(map[string]int64, len(counts))
	for key, n := range counts {
		named[strconv.FormatFloat(float64(key)/divisor, 'f', -1, 64)] = n
	}
	return named
}

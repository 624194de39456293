// Package report writes what a run has measured to files: Locust's CSV files,
// its JSON, and a page of HTML.
package report

import (
	"math"
	"strconv"
	"time"
)

// shares are the percentiles of Locust's tables (PERCENTILES_TO_REPORT).
func shares() []float64 {
	return []float64{0.50, 0.66, 0.75, 0.80, 0.90, 0.95, 0.98, 0.99, 0.999, 0.9999, 1}
}

// percent writes a share as Locust's headings do (get_readable_percentiles).
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e8)/1e6, 'f', -1, 64) + "%"
}

// number writes a number without an exponent, as short as it can be without a
// loss.
func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// stamp writes a time as Locust does in files; "" for none (format_utc_timestamp).
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

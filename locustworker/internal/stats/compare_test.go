package stats

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// compare reports where two decoded JSON values differ. Sums of float
// milliseconds, and what is computed from them, may differ in the last digits:
// Locust adds up floats, we add up nanoseconds. All else must be equal.
func compare(t *testing.T, where string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		other, ok := got.(map[string]any)
		if !ok || len(other) != len(want) {
			t.Errorf("%s = %v, want %v", where, got, want)
			return
		}
		for key, value := range want {
			if _, exists := other[key]; !exists {
				t.Errorf("%s has no %q", where, key)
			}
			compare(t, where+"."+key, value, other[key])
		}
	case []any:
		other, ok := got.([]any)
		if !ok || len(other) != len(want) {
			t.Errorf("%s = %v, want %v", where, got, want)
			return
		}
		for i, value := range want {
			compare(t, fmt.Sprintf("%s[%d]", where, i), value, other[i])
		}
	case float64:
		number, ok := got.(float64)
		sum := strings.HasSuffix(where, ".avg_response_time") || strings.HasSuffix(where, ".total_response_time")
		if near := sum && math.Abs(number-want) <= 1e-6+math.Abs(want)*1e-12; !ok || (number != want && !near) {
			t.Errorf("%s = %v, want %v", where, got, want)
		}
	default:
		if got != want {
			t.Errorf("%s = %v, want %v", where, got, want)
		}
	}
}

// decoded returns a message as the other side decodes it.
func decoded(t *testing.T, message map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sortRows puts the entries and errors of a report into one order.
func sortRows(report map[string]any) {
	for _, list := range []string{"stats", "errors"} {
		slices.SortFunc(report[list].([]any), func(a, b any) int {
			return strings.Compare(rowName(a), rowName(b))
		})
	}
}

func rowName(row any) string {
	fields := row.(map[string]any)
	return fmt.Sprintf("%q %q %q", fields["name"], fields["method"], fields["error"])
}

// dropHistograms removes from a master's figures what depends on the buckets.
func dropHistograms(figures map[string]any) {
	for _, entry := range append(figures["entries"].([]any), figures["total"]) {
		for key := range entry.(map[string]any) {
			if strings.Contains(key, "percentile") || key == "response_times" || key == "median_response_time" {
				delete(entry.(map[string]any), key)
			}
		}
	}
}

package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Redisuser has at least this share of redis-benchmark's throughput, and at most so many times its CPU a command.
const (
	leastRate = 0.9
	mostCPU   = 1.2
)

// readReport reads what a contender printed.
func readReport(name string, out []byte) (report, error) {
	if name == contenders[reference] {
		return parseBenchmark(out)
	}
	var r report
	err := json.Unmarshal(out, &r)
	return r, err
}

// parseBenchmark reads the CSV of redis-benchmark. The command's words are its test's name.
func parseBenchmark(out []byte) (report, error) {
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimSpace(out))).ReadAll()
	if err == nil && len(lines) != 2 {
		err = errors.New("it has no line of one command")
	}
	if err != nil {
		return report{}, fmt.Errorf("redis-benchmark printed something else: %w:\n%s", err, out)
	}
	row := map[string]string{}
	for i, name := range lines[0] {
		row[name] = lines[1][i]
	}
	name, _, _ := strings.Cut(row["test"], " ")
	p50, err1 := strconv.ParseFloat(row["p50_latency_ms"], 64)
	p99, err2 := strconv.ParseFloat(row["p99_latency_ms"], 64)
	ms := float64(time.Millisecond)
	return report{Name: name, P50: time.Duration(p50 * ms), P99: time.Duration(p99 * ms)}, errors.Join(err1, err2)
}

// jsonRows are the rows that a run without a master writes as JSON.
type jsonRows struct{ bytes.Buffer }

func (b *jsonRows) report() (report, error) {
	var rows []struct {
		Name     string         `json:"name"`
		Requests int            `json:"num_requests"`
		Failures int            `json:"num_failures"`
		Times    map[string]int `json:"response_times"` // ms: count
	}
	if err := json.Unmarshal(b.Bytes(), &rows); err != nil {
		return report{}, err
	}
	if len(rows) != 1 {
		return report{}, fmt.Errorf("%d rows, want that of one command:\n%s", len(rows), b.Bytes())
	}
	r := report{Name: rows[0].Name, Commands: rows[0].Requests, Failed: rows[0].Failures}
	var err error
	r.P50, r.P99, err = percentiles(rows[0].Times)
	return r, err
}

// percentiles returns the median and the 99th percentile of times in milliseconds with their counts.
func percentiles(counts map[string]int) (p50, p99 time.Duration, err error) {
	values, total := map[string]float64{}, 0
	for text, n := range counts {
		if values[text], err = strconv.ParseFloat(text, 64); err != nil {
			return 0, 0, err
		}
		total += n
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Compare(values[a], values[b]) })
	at := func(part float64) time.Duration {
		left := int(part * float64(total))
		for _, key := range keys {
			if left -= counts[key]; left < 0 {
				return time.Duration(values[key] * float64(time.Millisecond))
			}
		}
		return 0
	}
	return at(0.5), at(0.99), nil
}

// A table is what all cases gave at one depth of pipelines.
type table struct {
	depth int
	cases []benchCase
	runs  [][][]figures // of a case: its rounds: the contenders
}

// ratios returns the medians of a contender's throughput and CPU a command over those of the reference in the same round.
func (t *table) ratios(i, contender int) (rate, cpu float64) {
	rate = median(t.runs[i], func(round []figures) float64 { return round[contender].rate / round[reference].rate })
	cpu = median(t.runs[i], func(round []figures) float64 { return round[contender].cpu / round[reference].cpu })
	return rate, cpu
}

func (t *table) print(w io.Writer) {
	title := "one at a time"
	if t.depth > 1 {
		title = fmt.Sprintf("pipelines of %d", t.depth)
	}
	fmt.Fprintf(w, "\n%-16s %-16s %11s %7s %9s %7s %9s %9s %9s\n",
		title, "", "commands/s", "ratio", "CPU µs", "ratio", "p50 ms", "p99 ms", "commands")
	for i, c := range t.cases {
		for k, name := range contenders {
			of := func(figure func(figures) float64) float64 {
				return median(t.runs[i], func(round []figures) float64 { return figure(round[k]) })
			}
			commands := 0
			for _, round := range t.runs[i] {
				commands += round[k].reported
			}
			rate, cpu := t.ratios(i, k)
			fmt.Fprintf(w, "%-16s %-16s %11.0f %7.2f %9.2f %7.2f %9.3f %9.3f %9d\n", c.name, name,
				of(func(f figures) float64 { return f.rate }), rate, of(func(f figures) float64 { return f.cpu }), cpu,
				of(func(f figures) float64 { return f.p50 }), of(func(f figures) float64 { return f.p99 }), commands)
		}
	}
}

// missed names every target that redisuser misses.
func (t *table) missed() error {
	var faults []error
	for i, c := range t.cases {
		if rate, cpu := t.ratios(i, ours); rate < leastRate || cpu > mostCPU {
			faults = append(faults, fmt.Errorf("bench: %s: redisuser has %.2f of redis-benchmark's throughput, the target is %.1f; "+
				"%.2f of its CPU a command, the target is %.1f", c.name, rate, leastRate, cpu, mostCPU))
		}
	}
	return errors.Join(faults...)
}

func median(rounds [][]figures, of func(round []figures) float64) float64 {
	values := make([]float64, len(rounds))
	for i, round := range rounds {
		values[i] = of(round)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

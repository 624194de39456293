package stats

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A peer is the installed Locust, asked line by line (testdata/peer.py).
type peer struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

func startPeer(t *testing.T) *peer {
	t.Helper()
	python := filepath.Join(moduleRoot(t), ".local", "venv", "bin", "python3")
	if _, err := os.Stat(python); err != nil {
		t.Fatalf("the installed Locust is missing, run `make deps`: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, python, "-u", filepath.Join("testdata", "peer.py"))
	var problems strings.Builder
	cmd.Stderr = &problems
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v; run `make deps`", python, err)
	}
	t.Cleanup(func() {
		defer cancel()
		_ = in.Close()
		if err := cmd.Wait(); err != nil || problems.Len() > 0 {
			t.Errorf("Locust's side ended with %v:\n%s", err, problems.String())
		}
	})
	return &peer{t: t, in: in, out: bufio.NewReader(out)}
}

// call asks one of the functions of peer.py and decodes its answer.
func (p *peer) call(function string, arguments map[string]any, answer any) {
	p.t.Helper()
	request := map[string]any{"call": function}
	for name, value := range arguments {
		request[name] = value
	}
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		p.t.Fatalf("ask %s: %v", function, err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("answer of %s: %v", function, err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		p.t.Fatalf("answer of %s: %v", function, err)
	}
}

// moduleRoot returns the nearest folder above with a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod in any folder above")
		}
		dir = filepath.Dir(dir)
	}
}

func millis(d time.Duration) float64 { return float64(d) / 1e6 }

func unixSeconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// reportMessage is a report as it goes to the master, apart from its errors:
// they are a list here, which peer.py keys.
func reportMessage(r Report) map[string]any {
	entries := []any{}
	for _, e := range r.Entries {
		entries = append(entries, entryMessage(e))
	}
	errors := []any{}
	for _, e := range r.Errors {
		errors = append(errors, map[string]any{
			"method": e.Method, "name": e.Name, "error": e.Text, "occurrences": e.Occurrences,
			"first_seen": unixSeconds(e.FirstSeen), "last_seen": unixSeconds(e.LastSeen),
		})
	}
	return map[string]any{"stats": entries, "stats_total": entryMessage(r.Total), "errors": errors}
}

func entryMessage(e Entry) map[string]any {
	var last, shortest any
	if !e.LastRequest.IsZero() {
		last = unixSeconds(e.LastRequest)
	}
	if e.HasMin {
		shortest = millis(e.Min)
	}
	return map[string]any{
		"name": e.Name, "method": e.Method,
		"last_request_timestamp": last, "start_time": unixSeconds(e.Start),
		"num_requests": e.Requests, "num_none_requests": e.NoneRequests, "num_failures": e.Failures,
		"total_response_time": millis(e.TotalTime),
		"max_response_time":   millis(e.Max), "min_response_time": shortest,
		"total_content_length": e.ContentLength,
		"response_times":       keyed(e.ResponseTimes, 1000),
		"num_reqs_per_sec":     keyed(e.RequestsPerSec, 1), "num_fail_per_sec": keyed(e.FailuresPerSec, 1),
	}
}

// keyed returns counts with their keys divided, as JSON has them.
func keyed(counts map[int64]int64, divisor float64) map[string]int64 {
	out := make(map[string]int64, len(counts))
	for key, count := range counts {
		out[strconv.FormatFloat(float64(key)/divisor, 'f', -1, 64)] = count
	}
	return out
}

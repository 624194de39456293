package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// benchCase is a route under load. The first one is the bare route.
type benchCase struct {
	name   string
	method string
	path   string
	body   string
	target float64 // most CPU, in bare routes; 0 for the bare route
}

func benchCases(document []byte) []benchCase {
	posted := `{"id":"bench:post",` + strings.TrimPrefix(strings.TrimSpace(string(document)), "{")
	return []benchCase{
		{"bare gin route", http.MethodGet, "/bare", "", 0},
		{"GET nested", http.MethodGet, "/api/v1/subdoc/bench:doc/generation.name", "", 1.6},
		{"PUT nested", http.MethodPut, "/api/v1/redisjson/update", `{"key":"bench:doc","field":"generation.name","str":"second-age"}`, 1.9},
		{"GET 13 KB", http.MethodGet, "/api/v1/doc/bench:doc", "", 3},
		{"POST 13 KB", http.MethodPost, "/api/v1/redisjson", posted, 5},
	}
}

// sample is what one load of a case gave. CPU is in µs a request, rate in requests a second, times in ms; ratio is its
// CPU over the bare route's.
type sample struct {
	cpu, rate, p50, p99, ratio float64
}

// measure loads one case.
func (s *service) measure(ctx context.Context, c benchCase, connections int, o options) (sample, error) {
	base := s.url
	if c.target == 0 {
		base = s.bare
	}
	script, err := c.script()
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(filepath.Dir(script))
	if o.profile == c.name {
		profiled := make(chan error, 1)
		go func() { profiled <- s.profile(ctx, o.duration) }()
		defer func() { <-profiled }()
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return sample{}, err
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(connections), "-d"+strconv.Itoa(int(o.duration.Seconds()))+"s",
		"--latency", "-s", script, base+c.path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("bench: wrk (make deps-dev installs it): %w\n%s", err, out)
	}
	after, err := s.cpu(ctx)
	if err != nil {
		return sample{}, err
	}
	return parseWrk(string(out), after-before)
}

// script writes the request for wrk into a folder of its own.
func (c benchCase) script() (string, error) {
	dir, err := os.MkdirTemp("", "bench-api-")
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("wrk.method = %q\n", c.method)
	if c.body != "" {
		text += "wrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = [==[" + c.body + "]==]\n"
	}
	path := filepath.Join(dir, "request.lua")
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func (s *service) profile(ctx context.Context, d time.Duration) error {
	seconds := max(int(d.Seconds())-1, 1)
	text, err := s.ask(ctx, http.MethodGet, fmt.Sprintf("%s/profile?seconds=%d", s.bare, seconds), "")
	if err != nil {
		return err
	}
	return os.WriteFile("api.prof", []byte(text), 0o600)
}

var (
	wrkRequests = regexp.MustCompile(`(\d+) requests in ([\d.]+)(m?s)`)
	wrkRate     = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	wrkTimes    = regexp.MustCompile(`(50|99)%\s+([\d.]+)(us|ms|s)`)
	wrkFaults   = regexp.MustCompile(`Non-2xx.*|Socket errors.*`)
)

// parseWrk reads what wrk printed. Any failed request is an error: it would have cost less.
func parseWrk(out string, cpu time.Duration) (sample, error) {
	if fault := wrkFaults.FindString(out); fault != "" {
		return sample{}, fmt.Errorf("bench: %s", fault)
	}
	requests, rate, times := wrkRequests.FindStringSubmatch(out), wrkRate.FindStringSubmatch(out), wrkTimes.FindAllStringSubmatch(out, -1)
	if requests == nil || rate == nil || len(times) != 2 {
		return sample{}, fmt.Errorf("bench: wrk printed something else:\n%s", out)
	}
	n, err := strconv.ParseFloat(requests[1], 64)
	if err != nil || n == 0 {
		return sample{}, fmt.Errorf("bench: no requests:\n%s", out)
	}
	s := sample{cpu: float64(cpu.Microseconds()) / n}
	s.rate, _ = strconv.ParseFloat(rate[1], 64)
	s.p50, s.p99 = milliseconds(times[0]), milliseconds(times[1])
	return s, nil
}

func milliseconds(match []string) float64 {
	n, _ := strconv.ParseFloat(match[2], 64)
	return n * map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3}[match[3]]
}

// wrkVersion is the first line of wrk's usage.
func wrkVersion(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, "wrk", "-v").CombinedOutput() // its exit code is 1 whatever happens
	name, _, _ := strings.Cut(string(out), " [")
	return name
}

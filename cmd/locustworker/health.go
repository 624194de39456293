package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	healthTimeout = 5 * time.Second
	// linkMetric begins the lines of the worker's metrics that tell about the master.
	linkMetric = `bandwing_worker_link_state{state="`
	registered = "registered"
)

// healthCommand is the subcommand that the container image's health check runs, as
// the image has no shell and no curl. The exit code is 0 or 1.
func healthCommand(ctx context.Context, _ []string) int {
	if err := health(ctx, os.Getenv("LOCUST_METRICS_ADDR")); err != nil {
		fmt.Fprintln(os.Stderr, "locustworker: health:", err)
		return 1
	}
	return 0
}

// health reads the metrics of the worker that serves them on addr, and returns nil
// when a master counts on that worker.
func health(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" || port == "0" {
		return fmt.Errorf("LOCUST_METRICS_ADDR is %q: set it to the host:port that the worker was given", addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/metrics", nil) //nolint:gosec // the operator's own address
	if err != nil {
		return err
	}
	// A client of its own, because http.DefaultClient would ask the environment's proxy.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req) //nolint:gosec // as above
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", req.URL, resp.Status)
	}
	link, err := linkState(resp.Body)
	if err == nil && link != registered {
		err = fmt.Errorf("the link to the master is %s, not %s", link, registered)
	}
	return err
}

// linkState finds the state whose line in the metrics has the value 1.
func linkState(metrics io.Reader) (string, error) {
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), linkMetric)
		if state, value, found := strings.Cut(rest, `"} `); ok && found && value == "1" {
			return state, nil
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", errors.New("the metrics do not tell the state of the link: they are no worker's")
}

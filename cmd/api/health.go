package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// healthPath tells whether requests can be served, Redis included.
	healthPath = "/readyz"
	// healthTimeout is longer than the service waits for Redis.
	healthTimeout = 5 * time.Second
)

// checkHealth asks the service that listens on addr, which is API_ADDR, on this machine, whether it can serve. It is
// the health check of the container image, which has no shell and no curl.
func checkHealth(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !isPort(port, 1) {
		return fmt.Errorf("api: -health: API_ADDR is %q: write host:port with the port that the service listens on", addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+healthPath, nil)
	if err != nil {
		return fmt.Errorf("api: -health: %w", err)
	}
	// A client of its own, because http.DefaultClient would ask the environment's proxy.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("api: -health: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if err != nil {
		return fmt.Errorf("api: -health: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("api: -health: %s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

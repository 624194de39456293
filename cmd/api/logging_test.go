package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/internal/redistest"
)

func TestObservability(t *testing.T) {
	useRedis(t, redistest.Start(t))
	t.Setenv("API_LOG_FORMAT", "json")
	t.Setenv("API_ACCESS_LOG", "true")
	t.Setenv("API_PPROF", "true")
	url, stop := start(t)
	if code, _ := status(t, url+"/debug/pprof/heap"); code != http.StatusOK {
		t.Errorf("pprof: %d", code)
	}
	if code, body := status(t, url+"/api/v1/keys"); code != http.StatusOK {
		t.Errorf("keys: %d %s", code, body)
	}
	if _, metrics := status(t, url+"/metrics"); !strings.Contains(metrics, `bandwing_api_redis_pool_uses_total{result="miss"} 1`+"\n") ||
		!strings.Contains(metrics, `bandwing_api_redis_pool_connections{state="idle"} 1`+"\n") {
		t.Errorf("no pool in\n%s", metrics)
	}
	_, log := stop()
	var paths []string
	for line := range strings.Lines(log) {
		var entry struct{ Level, Path string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level != "INFO" {
			t.Errorf("%s: %v", line, err)
		}
		paths = append(paths, entry.Path)
	}
	if got := strings.Join(paths, " "); got != "/debug/pprof/heap /api/v1/keys /metrics" {
		t.Errorf("the log has %s", got)
	}
}

func TestALogLevelAboveTheRequests(t *testing.T) {
	useRedis(t, redistest.Start(t))
	t.Setenv("API_LOG_LEVEL", "warn")
	t.Setenv("API_ACCESS_LOG", "true")
	url, stop := start(t)
	status(t, url+"/healthz")
	if _, log := stop(); log != "" {
		t.Errorf("the log is %s", log)
	}
}

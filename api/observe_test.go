package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// pooledStore has a pool whose counts are these.
type pooledStore struct {
	*fakeStore
	stats PoolStats
}

func (p *pooledStore) PoolStats() PoolStats { return p.stats }

func TestPoolMetrics(t *testing.T) {
	s := newServer(t, Config{}, &pooledStore{&fakeStore{}, PoolStats{Hits: 1, Misses: 2, Timeouts: 3, Stale: 4, Connections: 7, Idle: 5}})
	_, body := ask(s, get, "/metrics", "")
	for _, want := range []string{
		`bandwing_api_redis_pool_uses_total{result="hit"} 1`,
		`bandwing_api_redis_pool_uses_total{result="miss"} 2`,
		`bandwing_api_redis_pool_uses_total{result="timeout"} 3`,
		`bandwing_api_redis_pool_stale_total 4`,
		`bandwing_api_redis_pool_connections{state="idle"} 5`,
		`bandwing_api_redis_pool_connections{state="used"} 2`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if _, body := ask(newServer(t, Config{}, &fakeStore{}), get, "/metrics", ""); strings.Contains(body, "redis_pool") {
		t.Error("a store without a pool has pool metrics")
	}
}

func TestAccessLog(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	ask(newServer(t, Config{Logger: logger}, &fakeStore{json: "1"}), get, "/api/v1/doc/k", "")
	if log.Len() != 0 {
		t.Errorf("without AccessLog: %s", log.Bytes())
	}
	s := newServer(t, Config{Logger: logger, AccessLog: true}, &fakeStore{json: "1"})
	ask(s, get, "/api/v1/doc/a%20b", "")
	ask(s, post, "/api/v1/redisjson", "{")
	dec := json.NewDecoder(&log)
	for _, want := range []struct {
		method, path string
		status       int
	}{{get, "/api/v1/doc/a b", 200}, {post, "/api/v1/redisjson", 400}} {
		var line struct {
			Level, Msg, Method, Path, Client string
			Status, Bytes                    int
			Took                             int64
		}
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line.Level != "INFO" || line.Msg != "request" || line.Method != want.method || line.Path != want.path ||
			line.Status != want.status || line.Bytes == 0 || line.Took <= 0 || line.Client == "" {
			t.Errorf("%+v, want %+v", line, want)
		}
	}
	if dec.More() {
		t.Error("there is another line")
	}
}

func TestProfilesAreBehindAFlag(t *testing.T) {
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=1", "/debug/pprof/symbol"} {
		if resp, _ := ask(newServer(t, Config{}, &fakeStore{}), get, path, ""); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s without Profile: %d", path, resp.StatusCode)
		}
		if resp, body := ask(newServer(t, Config{Profile: true}, &fakeStore{}), get, path, ""); resp.StatusCode != http.StatusOK || body == "" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

package main

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/api/redisstore"
	"github.com/bandwing/bandwing/internal/redistest"
)

// clearEnvironment takes away what the machine may have set.
func clearEnvironment(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "API_") || strings.HasPrefix(name, "REDIS_") {
			t.Setenv(name, value) // restores it when the test ends
			os.Unsetenv(name)
		}
	}
}

func TestDefaultSettings(t *testing.T) {
	clearEnvironment(t)
	got, done, err := readSettings(nil, io.Discard)
	want := settings{
		addr: ":5000",
		api: api.Config{
			MaxBody: 16 << 20, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
			IdleTimeout: 5 * time.Minute, ShutdownTimeout: 10 * time.Second, MaxConnections: 16384,
		},
		redis: redisstore.Config{Addr: "127.0.0.1:6379", DialTimeout: time.Second, Timeout: 2 * time.Second},
	}
	if err != nil || done || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %t, %v, want %+v", got, done, err, want)
	}
}

func TestSettingsFromTheEnvironment(t *testing.T) {
	clearEnvironment(t)
	for name, value := range map[string]string{
		"API_ADDR": "[::1]:0", "API_MAX_BODY": "1000", "API_READ_TIMEOUT": "1s", "API_WRITE_TIMEOUT": "2s",
		"API_IDLE_TIMEOUT": "3s", "API_MAX_CONNECTIONS": "9", "API_SHUTDOWN_TIMEOUT": "4s", "REDIS_HOST": "::1", "REDIS_PORT": "7000",
		"REDIS_USERNAME": "ann", "REDIS_PASSWORD": "pw", "REDIS_DB": "3", "REDIS_TLS": "true",
		"REDIS_TLS_SKIP_VERIFY": "1", "REDIS_DIAL_TIMEOUT": "5s", "REDIS_TIMEOUT": "6s", "REDIS_POOL_SIZE": "7",
		"API_LOG_FORMAT": "json", "API_LOG_LEVEL": "debug", "API_ACCESS_LOG": "true", "API_PPROF": "true",
		"REDIS_SENTINELS": "s1:26379, s2:26379", "REDIS_SENTINEL_MASTER": "main", "REDIS_SENTINEL_USERNAME": "sue",
		"REDIS_SENTINEL_PASSWORD": "sp", "REDIS_JSON_LEGACY": "true",
	} {
		t.Setenv(name, value)
	}
	got, _, err := readSettings(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if tls := got.redis.TLS; tls == nil || !tls.InsecureSkipVerify {
		t.Errorf("TLS %+v", tls)
	}
	got.redis.TLS = nil
	want := settings{
		addr: "[::1]:0",
		log:  logging{level: slog.LevelDebug, json: true},
		api: api.Config{
			MaxBody: 1000, ReadTimeout: time.Second, WriteTimeout: 2 * time.Second,
			IdleTimeout: 3 * time.Second, ShutdownTimeout: 4 * time.Second, MaxConnections: 9, AccessLog: true, Profile: true,
		},
		redis: redisstore.Config{
			Addr: "[::1]:7000", Username: "ann", Password: "pw", DB: 3,
			DialTimeout: 5 * time.Second, Timeout: 6 * time.Second, PoolSize: 7, LegacyPaths: true,
			Sentinel: redisstore.Sentinel{
				Master: "main", Addrs: []string{"s1:26379", "s2:26379"}, Username: "sue", Password: "sp",
			},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	clearEnvironment(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	faults := map[string]string{
		"API_ADDR": "5000", "API_MAX_BODY": "16MB", "API_READ_TIMEOUT": "0", "API_WRITE_TIMEOUT": "-1s",
		"API_IDLE_TIMEOUT": "5", "API_MAX_CONNECTIONS": "0", "API_SHUTDOWN_TIMEOUT": "", "REDIS_HOST": "", "REDIS_PORT": "65536", "REDIS_DB": "-1",
		"REDIS_USERNAME": "ann", "REDIS_TLS_CA": empty, "REDIS_TLS_SKIP_VERIFY": "maybe", "REDIS_DIAL_TIMEOUT": "x",
		"REDIS_TIMEOUT": "y", "REDIS_POOL_SIZE": "-1", "API_LOG_FORMAT": "xml", "API_LOG_LEVEL": "loud",
		"API_ACCESS_LOG": "a", "API_PPROF": "b", "REDIS_JSON_LEGACY": "c", "REDIS_CLUSTER": "host", "REDIS_SENTINELS": "a:1,b",
		"REDIS_SENTINEL_MASTER": "",
	}
	for name, value := range faults {
		t.Setenv(name, value)
	}
	t.Setenv("REDIS_TLS", "true")
	var stderr strings.Builder
	if code := run(t.Context(), nil, io.Discard, &stderr); code != 2 {
		t.Errorf("exit code %d", code)
	}
	for name := range faults {
		if n := strings.Count(stderr.String(), "  "+name+" is "); n != 1 {
			t.Errorf("%s is named %d times in\n%s", name, n, stderr.String())
		}
	}
	if strings.Count(stderr.String(), "\n") != len(faults)+1 {
		t.Errorf("more than the faults in\n%s", stderr.String())
	}
}

func TestMoreFaults(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"REDIS_TLS is \"perhaps\"":  {"REDIS_TLS": "perhaps"},
		"REDIS_TLS is \"false\"":    {"REDIS_TLS_CA": "ca.pem"},
		"no such file":              {"REDIS_TLS": "true", "REDIS_TLS_CA": "/nonexistent/ca.pem"},
		"API_ADDR is \":http\"":     {"API_ADDR": ":http"},
		"API_ADDR is \":\"":         {"API_ADDR": ":"},
		"API_MAX_BODY is \"0\"":     {"API_MAX_BODY": "0"},
		"REDIS_PORT is \"0\"":       {"REDIS_PORT": "0"},
		"set it or REDIS_SENTINELS": {"REDIS_CLUSTER": "a:1", "REDIS_SENTINELS": "a:1", "REDIS_SENTINEL_MASTER": "m"},
		"database 0 only":           {"REDIS_CLUSTER": "a:1", "REDIS_DB": "1"},
	} {
		t.Run(name, func(t *testing.T) {
			clearEnvironment(t)
			for variable, value := range env {
				t.Setenv(variable, value)
			}
			if _, _, err := readSettings(nil, io.Discard); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v does not say %s", err, name)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	clearEnvironment(t)
	var stdout, stderr strings.Builder
	if code := run(t.Context(), []string{"-h"}, &stdout, &stderr); code != 0 || stderr.String() != "" {
		t.Errorf("-h: exit code %d, stderr %q", code, stderr.String())
	}
	fields := reflect.TypeFor[environment]()
	for i := range fields.NumField() {
		if name := fields.Field(i).Tag.Get("envconfig"); !strings.Contains(stdout.String(), "\n"+name+" ") {
			t.Errorf("the help does not have %s:\n%s", name, stdout.String())
		}
	}
	if code := run(t.Context(), []string{"--port", "1"}, io.Discard, &stderr); code != 2 || !strings.Contains(stderr.String(), "--port") {
		t.Errorf("an argument: exit code %d, stderr %q", code, stderr.String())
	}
}

// TestPasswordsStayOut: what is wrong is said without the values that may hold passwords, and a service that cannot
// reach its Redis says nothing of the one it has.
func TestPasswordsStayOut(t *testing.T) {
	const password = "s3cr3tpw"
	tests := map[string]map[string]string{
		"URL as host":           {"REDIS_HOST": "redis://:" + password + "@127.0.0.1"},
		"user in the host":      {"REDIS_HOST": "ann:" + password + "@127.0.0.1"},
		"URL in the cluster":    {"REDIS_CLUSTER": "redis://:" + password + "@127.0.0.1:1,127.0.0.1:2"},
		"URL as sentinel":       {"REDIS_SENTINELS": "redis://:" + password + "@127.0.0.1:1", "REDIS_SENTINEL_MASTER": "m"},
		"password, bad setting": {"REDIS_PASSWORD": password, "REDIS_SENTINEL_PASSWORD": password, "API_MAX_BODY": "none"},
	}
	for name, env := range tests {
		t.Run(name, func(t *testing.T) {
			clearEnvironment(t)
			for name, value := range env {
				t.Setenv(name, value)
			}
			var out, errs strings.Builder
			code := run(t.Context(), nil, &out, &errs)
			if said := out.String() + errs.String(); code != 2 || strings.Contains(said, password) {
				t.Errorf("exit code %d, want 2, with\n%s", code, said)
			}
		})
	}
	for _, port := range []string{"1", "another password"} {
		t.Run("no Redis at port "+port, func(t *testing.T) {
			clearEnvironment(t)
			if port == "another password" {
				_, port, _ = net.SplitHostPort(redistest.StartWith(t, redistest.Config{Args: []string{"--requirepass", "another"}, NoProbe: true}).Addr)
			}
			for name, value := range map[string]string{"REDIS_PASSWORD": password, "REDIS_PORT": port, "API_LOG_LEVEL": "debug", "API_ACCESS_LOG": "true"} {
				t.Setenv(name, value)
			}
			url, stop := start(t)
			code, body := status(t, url+"/api/v1/keys")
			_, page := status(t, url+"/metrics")
			_, log := stop()
			if code < 500 || strings.Contains(body+page+log, password) {
				t.Errorf("%d: %s\n%s", code, body, log)
			}
		})
	}
}

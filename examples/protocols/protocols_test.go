// Package protocols has tests that run each example as a user would, against a
// target that counts what it serves.
package protocols

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"maps"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	health "google.golang.org/grpc/health/grpc_health_v1"
	_ "modernc.org/sqlite"

	"github.com/bandwing/bandwing/examples/protocols/internal/echo"
)

// run builds an example and runs it in a folder without a master. It returns the
// requests by method and name.
func run(t *testing.T, name, dir, host string) map[string]int {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "--headless", "--json", "--only-summary", "-H", host, "-u", "5", "-r", "5", "-t", "3s", "--drain-timeout", "30")
	cmd.Dir = dir
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, log.String())
	}
	var rows []struct {
		Name     string `json:"name"`
		Method   string `json:"method"`
		Requests int    `json:"num_requests"`
	}
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	requests := map[string]int{}
	for _, row := range rows {
		requests[row.Method+" "+row.Name] += row.Requests
	}
	return requests
}

func wantRows(t *testing.T, rows, served map[string]int) {
	t.Helper()
	for name, n := range served {
		if n == 0 {
			t.Errorf("nothing served of %s", name)
		}
	}
	if !maps.Equal(rows, served) {
		t.Errorf("rows %v; served %v", rows, served)
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	chat := &echo.Chat{}
	server := httptest.NewServer(chat)
	t.Cleanup(server.Close)
	rows := run(t, "websocket", t.TempDir(), server.URL)
	wantRows(t, rows, map[string]int{"WS connect": int(chat.Connections.Load()), "WS say": int(chat.Messages.Load())})
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, service := grpc.NewServer(), &echo.Health{}
	health.RegisterHealthServer(server, service)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	rows := run(t, "grpc", t.TempDir(), "http://"+listener.Addr().String())
	wantRows(t, rows, map[string]int{"GRPC /grpc.health.v1.Health/Check": int(service.Served.Load())})
}

func TestSQL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rows := run(t, "sql", dir, "http://unused")
	db, err := sql.Open("sqlite", filepath.Join(dir, "orders.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var orders int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM orders").Scan(&orders); err != nil {
		t.Fatal(err)
	}
	if sums := rows["SQL sum orders"]; sums == 0 {
		t.Errorf("rows %v", rows)
	}
	delete(rows, "SQL sum orders") // a database has no count of its own of what was read
	wantRows(t, rows, map[string]int{"SQL insert order": orders})
	if _, err := os.Stat(filepath.Join(dir, "orders.db")); err != nil {
		t.Error(err)
	}
}

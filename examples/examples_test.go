package examples

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/internal/proctest"
	"github.com/bandwing/bandwing/internal/redistest"
)

func TestShop(t *testing.T) {
	t.Parallel()
	program := build(t, "shop")
	t.Run("headless", func(t *testing.T) {
		t.Parallel()
		x := startTarget(t)
		r := alone(t, program, x.url, "-u", "6", "-r", "6", "-t", "3s")
		wantRows(t, r, x.Served())
		if logins := x.Logins(); r.code != 0 || len(logins) != 6 || r.requests["POST /pay"] == 0 {
			t.Errorf("exit code %d, logins %v, rows %v\n%s", r.code, logins, r.requests, r.log)
		}
	})
	t.Run("tags", func(t *testing.T) {
		t.Parallel()
		x := startTarget(t)
		r := alone(t, program, x.url, "-u", "6", "-r", "6", "-t", "2s", "--tags", "write")
		wantRows(t, r, x.Served())
		if n := r.requests["GET /search"] + r.requests["GET /articles/[id]"]; n != 0 || r.requests["POST /pay"] == 0 {
			t.Errorf("rows %v", r.requests)
		}
	})
	t.Run("master", func(t *testing.T) {
		t.Parallel()
		x := startTarget(t)
		r := underMaster(t, program, x.url, "-u", "6", "-r", "6", "-t", "3s", "--currency", "CHF")
		wantRows(t, r, x.Served())
		// Each account belongs to one worker, and each worker has three users and three accounts.
		for name, n := range x.Logins() {
			if n != 1 {
				t.Errorf("%s has logged in %d times: %v", name, n, x.Logins())
			}
		}
		if r.code != 0 || len(x.Logins()) != 6 {
			t.Errorf("exit code %d, logins %v\n%s", r.code, x.Logins(), r.log)
		}
	})
}

func TestBrowserPage(t *testing.T) {
	t.Parallel()
	x := startTarget(t)
	r := alone(t, build(t, "browser-page"), x.url, "-u", "5", "-r", "5", "-t", "5s")
	served := x.Served()
	visits := r.requests["PAGE /"]
	if visits == 0 || visits > served["GET /"] || served["GET /"]-visits > 5 {
		t.Errorf("%d visits, %d pages served", visits, served["GET /"])
	}
	served["PAGE /"] = visits
	wantRows(t, r, served)
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	x := startTarget(t)
	r := alone(t, build(t, "arrivals"), x.url, "-u", "10", "-r", "10", "-t", "4s")
	dropped := r.requests["DROPPED Visitor"]
	served := x.Served()
	if dropped > 0 {
		served["DROPPED Visitor"] = dropped // on a machine that is short of time
	}
	wantRows(t, r, served)
	if served["GET /"] == 0 {
		t.Errorf("no visit\n%s", r.log)
	}
}

func TestStopOnFailures(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) > 50 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	r := alone(t, build(t, "stop-on-failures"), s.URL, "-u", "5", "-r", "5", "-t", "1m")
	n := int(served.Load())
	if r.code != 3 || r.requests["GET /"] != n || r.failures != n-50 || n > 100 {
		t.Errorf("exit code %d, rows %v with %d failures, %d served\n%s", r.code, r.requests, r.failures, n, r.log)
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	r := alone(t, build(t, "redis"), "redis://"+server.Addr, "-u", "5", "-r", "5", "-t", "3s")
	text, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for _, found := range regexp.MustCompile(`cmdstat_(\w+):calls=(\d+)`).FindAllStringSubmatch(text, -1) {
		if calls[found[1]], err = strconv.Atoi(found[2]); err != nil {
			t.Fatal(err)
		}
	}
	reported := map[string]int{"incr": r.requests["REDIS INCR"], "get": r.requests["REDIS GET"] + 10*r.requests["REDIS read 10"]}
	if r.code != 0 || reported["incr"] == 0 || reported["incr"] != calls["incr"] || reported["get"] != calls["get"] || r.cut(t) != 0 {
		t.Errorf("exit code %d, rows %v, Redis has processed %v\n%s", r.code, r.requests, calls, r.log)
	}
}

func TestCustomMessages(t *testing.T) {
	t.Parallel()
	x := startTarget(t)
	r := underMaster(t, build(t, "custom-messages"), x.url, "-u", "4", "-r", "4", "-t", "3s")
	wantRows(t, r, x.Served())
	found := regexp.MustCompile(`(\d+) vouchers were redeemed`).FindStringSubmatch(r.log)
	if len(found) != 2 || found[1] != strconv.Itoa(r.requests["POST /vouchers/[code]"]) {
		t.Errorf("%v, rows %v\n%s", found, r.requests, r.log)
	}
}

// TestBoomer runs the program by itself, with boomer's own flags, for a few tasks.
func TestBoomer(t *testing.T) {
	t.Parallel()
	x := startTarget(t)
	program := build(t, "boomer")
	process, err := proctest.Start(exec.Command(program, "--run-tasks", "get", "--target", x.url+"/"), filepath.Join(t.TempDir(), "boomer.log"))
	if err != nil {
		t.Fatal(err)
	}
	if code := process.ExitCode(); code != 0 || x.Served()["GET /"] != 1 {
		t.Errorf("exit code %d, served %v\n%s", code, x.Served(), process.Log())
	}
}

// TestREADMEsAreComplete: each example has a README with a command, and stands in
// the table of examples/README.md.
func TestREADMEsAreComplete(t *testing.T) {
	index := read(t, "README.md")
	dirs := slices.Sorted(maps.Keys(examples(t)))
	if len(dirs) != 10 {
		t.Errorf("%d examples: %v", len(dirs), dirs)
	}
	for _, dir := range dirs {
		if text := read(t, filepath.Join(dir, "README.md")); !strings.Contains(text, "```console\n$ ") || len(strings.Split(text, "\n")) > 40 {
			t.Errorf("%s/README.md shows no command, or is long", dir)
		}
		if !strings.Contains(index, fmt.Sprintf("(%s/README.md)", dir)) {
			t.Errorf("README.md does not list %s", dir)
		}
	}
}

package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseBenchmark(t *testing.T) {
	const out = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"JSON.GET bench:json $.generation.name","93860.34","0.456","0.152","0.431","0.647","0.815","5.119"
`
	got, err := parseBenchmark([]byte(out))
	if want := (report{Name: "JSON.GET", P50: 431 * time.Microsecond, P99: 815 * time.Microsecond}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, out := range []string{"", "Could not connect", strings.Replace(out, "0.815", "fast", 1)} {
		if got, err := parseBenchmark([]byte(out)); err == nil {
			t.Errorf("%q is %+v", out, got)
		}
	}
}

func TestRowsOfARun(t *testing.T) {
	var rows jsonRows
	rows.WriteString(`[{"name":"GET","num_requests":100,"num_failures":1,"response_times":{"0.9":50,"1":49,"100":1}}]`)
	got, err := rows.report()
	if want := (report{Name: "GET", Commands: 100, Failed: 1, P50: time.Millisecond, P99: 100 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	var two jsonRows
	two.WriteString(`[{"name":"GET"},{"name":"SET"}]`)
	if got, err := two.report(); err == nil {
		t.Errorf("two rows are %+v", got)
	}
}

func TestParseCalls(t *testing.T) {
	const info = "# Commandstats\r\ncmdstat_json.get:calls=7,usec=1\r\ncmdstat_get:calls=12,usec=3\r\n"
	for command, want := range map[string]int{"GET": 12, "JSON.GET": 7, "SET": 0} {
		if got := parseCalls(info, command); got != want {
			t.Errorf("%s was called %d times, want %d", command, got, want)
		}
	}
}

func TestMissedTargets(t *testing.T) {
	cases, err := benchCases("GET")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rate, cpu float64
		missed    bool
	}{{0.95, 1.1, false}, {0.8, 1.1, true}, {0.95, 1.3, true}} {
		round := []figures{{rate: 100, cpu: 10}, {rate: 1, cpu: 99}, {rate: 100 * c.rate, cpu: 10 * c.cpu}}
		table := table{depth: 1, cases: cases, runs: [][][]figures{{round, round, round}}}
		if err := table.missed(); (err != nil) != c.missed {
			t.Errorf("%+v: %v", c, err)
		}
		var out strings.Builder
		if table.print(&out); strings.Count(out.String(), "\n") != 5 || !strings.Contains(out.String(), "redisuser") {
			t.Errorf("%s", out.String())
		}
	}
	if _, err := benchCases("GOT"); err == nil || !strings.Contains(err.Error(), "JSON.GET 13 KB") {
		t.Errorf("an unknown case: %v", err)
	}
}

package main

import (
	"strings"
	"testing"
	"time"
)

const wrkOutput = `Running 3s test @ http://127.0.0.1:1/bare
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms    1.41ms  21.33ms   91.11%
  Latency Distribution
     50%  640.00us
     75%    0.97ms
     90%    2.28ms
     99%    1.10s
  200000 requests in 3.10s, 31.20MB read
Requests/sec:  64516.13
Transfer/sec:     10.06MB
`

func TestParseWrk(t *testing.T) {
	got, err := parseWrk(wrkOutput, 3*time.Second)
	if want := (sample{cpu: 15, rate: 64516.13, p50: 0.64, p99: 1100}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for says, out := range map[string]string{
		"something else":       "wrk: unknown option",
		"no requests":          strings.Replace(wrkOutput, "200000 requests", "0 requests", 1),
		"Non-2xx":              wrkOutput + "  Non-2xx or 3xx responses: 7\n",
		"Socket errors: con":   strings.Replace(wrkOutput, "Requests/sec", "  Socket errors: connect 0, read 1\nRequests/sec", 1),
		"printed something el": strings.Replace(wrkOutput, "99%", "98%", 1),
	} {
		if _, err := parseWrk(out, time.Second); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

func TestMedian(t *testing.T) {
	samples := []sample{{ratio: 9}, {ratio: 1}, {ratio: 3}}
	if got := median(samples, func(s sample) float64 { return s.ratio }); got != 3 {
		t.Errorf("%v", got)
	}
}

func TestReportFailsAboveATarget(t *testing.T) {
	cases := benchCases([]byte(`{"a":1}`))[:2]
	for ratio, fails := range map[float64]bool{1.5: false, 1.7: true} {
		var out strings.Builder
		good := column{8, [][]sample{{{cpu: 10, ratio: 1}}, {{cpu: 10, ratio: 1}}}}
		err := report(&out, cases, []column{good, {32, [][]sample{{{cpu: 10, ratio: 1}}, {{cpu: 10 * ratio, ratio: ratio}}}}}, true)
		if (err != nil) != fails || fails && !strings.Contains(err.Error(), "with 32 connections GET nested") ||
			!strings.Contains(out.String(), "   8 conn   32 conn") {
			t.Errorf("%v: %v\n%s", ratio, err, out.String())
		}
	}
}

package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A slowTarget stands before the API, holds every answer back for a while and
// counts what it has let through: an independent count of requests served that
// are sure to be in flight when a run stops.
type slowTarget struct {
	*httptest.Server
	served   atomic.Int64 // answered, as far as the target can tell
	inFlight atomic.Int64
}

func newSlowTarget(t *testing.T, apiURL string, delay time.Duration) *slowTarget {
	t.Helper()
	to, err := url.Parse(apiURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s := &slowTarget{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		s.served.Add(1)
		time.Sleep(delay)
		proxy.ServeHTTP(w, r.WithContext(t.Context()))
	}))
	t.Cleanup(s.Close)
	return s
}

// awaitInFlight waits until at least n requests wait for their answers.
func (s *slowTarget) awaitInFlight(t *testing.T, n int64) {
	t.Helper()
	eventually(t, startPatience, "requests in flight", func() error {
		if now := s.inFlight.Load(); now < n {
			return fmt.Errorf("%d in flight", now)
		}
		return nil
	})
}

var requestCounter = regexp.MustCompile(`^bandwing_api_requests_total\{(.*)\} ([0-9.e+]+)$`)

// served returns how many requests under /api/v1 the API has counted.
func (c *cluster) served() int {
	c.t.Helper()
	res, err := http.Get(c.apiURL + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	sum := 0.0
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		m := requestCounter.FindStringSubmatch(lines.Text())
		if len(m) < 3 || !strings.Contains(m[1], `route="/api/v1/`) {
			continue
		}
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			c.t.Fatal(err)
		}
		sum += n
	}
	return int(sum)
}

// logValue returns the number behind key= in a worker's last log line about
// its samples.
func logValue(log, key string) (int, error) {
	m := regexp.MustCompile(`(?:worker|run) ended.* ` + key + `=(\d+)`).FindStringSubmatch(log)
	if m == nil {
		return 0, fmt.Errorf("no line about %s in the log", key)
	}
	return strconv.Atoi(m[1])
}

package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A failingTarget stands before the API, and answers 503 instead of it when it is
// told to.
type failingTarget struct {
	*httptest.Server
	broken atomic.Bool
}

func newFailingTarget(t *testing.T, apiURL string) *failingTarget {
	t.Helper()
	to, err := url.Parse(apiURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	f := &failingTarget{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

const shapeRefused = "There is an ongoing shape test running"

// follow starts a shape and returns the numbers of users that the table showed,
// one after the other without repetitions, until the run has stopped. seen is
// called with each.
func follow(c *cluster, arguments map[string]string, seen func(users int)) []int {
	c.t.Helper()
	// The master refuses a shape while the last one's end is not quite over.
	refused := strings.Count(c.masterProc.Log(), shapeRefused)
	start := func() { c.pick(1, []string{"RandomJSON"}, arguments) }
	start()
	var all []int
	began := time.Now()
	started := false
	eventually(c.t, 2*startPatience, "the end of the shape", func() error {
		r, err := c.web.stats()
		if err != nil {
			return err
		}
		started = started || r.UserCount > 0
		if n := strings.Count(c.masterProc.Log(), shapeRefused); n > refused {
			refused = n
			start()
		}
		if started && (len(all) == 0 || all[len(all)-1] != r.UserCount) {
			all = append(all, r.UserCount)
			c.t.Logf("%s after %.1f s: %d users", arguments["shape_class"], time.Since(began).Seconds(), r.UserCount)
			seen(r.UserCount)
		}
		if !started || r.State != "stopped" || r.UserCount != 0 {
			return fmt.Errorf("state %q, users %v", r.State, all)
		}
		return nil
	})
	return all
}

// contains reports whether the numbers come in this order, with others between
// them where a poll has met a ramp.
func contains(all []int, order ...int) bool {
	for _, n := range all {
		if len(order) > 0 && n == order[0] {
			order = order[1:]
		}
	}
	return len(order) == 0
}

// TestLoadShapes runs each shape of load_shapes.py, picked as in the web UI, on
// two Go workers, and looks at the numbers of users over time.
func TestLoadShapes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.startMaster("--class-picker", "-f",
		filepath.Join(built.root, "locustfile.py")+","+filepath.Join(built.root, "master", "load_shapes.py"))
	c.startTestSets()
	c.startTestSets()
	c.web.awaitWorkers(2)
	nothing := func(int) {}
	shape := func(name string, more map[string]string) map[string]string {
		arguments := map[string]string{
			"shape_class": name, "shape_users": "20", "shape_duration": "16", "shape_steps": "4", "host": c.apiURL,
		}
		maps.Copy(arguments, more)
		return arguments
	}

	got := follow(c, shape("Steps", nil), nothing)
	if rise := got[:len(got)-1]; !slices.IsSorted(rise) || len(rise) < 3 || slices.Max(rise) != 20 {
		t.Errorf("Steps: users %v; want a climb to 20 in steps", got)
	}
	if got := follow(c, shape("Spike", nil), nothing); !contains(got, 2, 20, 2, 0) {
		t.Errorf("Spike: users %v; want 2, 20, 2 and 0", got)
	}
	checkWave(t, follow(c, shape("DoubleWave", map[string]string{"shape_duration": "24"}), nothing))

	target := newFailingTarget(t, c.apiURL)
	got = follow(c, shape("RampToFailure", map[string]string{"host": target.URL, "shape_duration": "40"}), func(users int) {
		if users >= 10 {
			target.broken.Store(true)
		}
	})
	if len(got) < 3 || got[0] > 10 || slices.Contains(got, 20) || got[len(got)-1] != 0 {
		t.Errorf("RampToFailure: users %v; want an end soon after failures at 10", got)
	}
}

// checkWave demands two hills: up to most users, down, up again, and the end.
func checkWave(t *testing.T, users []int) {
	t.Helper()
	phase := 0
	for _, n := range users {
		switch {
		case phase%2 == 0 && n >= 16, phase%2 == 1 && n <= 6:
			phase++
		}
	}
	if phase != 4 {
		t.Errorf("DoubleWave: users %v; want two waves", users)
	}
}

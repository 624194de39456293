package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A recordingTarget stands before the API and notes what each connection, which
// is a user's, has asked for.
type recordingTarget struct {
	*httptest.Server
	mu     sync.Mutex
	byUser map[string][]string
}

func newRecordingTarget(t *testing.T, apiURL string) *recordingTarget {
	t.Helper()
	to, err := url.Parse(apiURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	target := &recordingTarget{byUser: map[string][]string{}}
	target.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the user has gone
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.URL.Path != "/api/v1/keys" { // the master's
			target.mu.Lock()
			target.byUser[r.RemoteAddr] = append(target.byUser[r.RemoteAddr], fmt.Sprintf("%s %s %x", r.Method, r.URL.Path, sha256.Sum256(body)))
			target.mu.Unlock()
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(target.Close)
	return target
}

// begun returns the first n requests of each user, sorted, when so many users
// have made as many.
func (r *recordingTarget) begun(users, n int) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, requests := range r.byUser {
		if len(requests) >= n {
			all = append(all, strings.Join(requests[:n], "\n"))
		}
	}
	if len(all) != users {
		return nil, fmt.Errorf("%d users have made %d requests", len(all), n)
	}
	slices.Sort(all)
	return all, nil
}

// seededRun runs users who write random documents, at a service that the form's
// api_endpoint names and not its host, and returns how each began.
func seededRun(c *cluster, users int) []string {
	c.t.Helper()
	target := newRecordingTarget(c.t, c.apiURL)
	arguments := quick()
	arguments["load_gen_seed"], arguments["api_endpoint"] = "5", target.URL
	c.pick(users, []string{"RandomJSON"}, arguments)
	var all []string
	eventually(c.t, startPatience, "requests of each user", func() (err error) {
		all, err = target.begun(users, 25)
		return err
	})
	c.web.stop()
	checkFailures(c.t, c.web.awaitState("stopped", 0))
	return all
}

// TestASeedRepeatsARun runs seeded users twice on one worker and then on two:
// each does the same again, byte for byte, and no two do the same.
func TestASeedRepeatsARun(t *testing.T) {
	t.Parallel()
	for name, start := range testSetWorkers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.startMaster("--class-picker")
			start(c)
			c.web.awaitWorkers(1)
			first, again := seededRun(c, 2), seededRun(c, 2)
			if !slices.Equal(first, again) {
				t.Errorf("the second run differs:\n%v\n%v", first, again)
			}
			start(c)
			c.web.awaitWorkers(2)
			both := seededRun(c, 4)
			for _, user := range first {
				if !slices.Contains(both, user) {
					t.Errorf("beside another worker, a user of the first one no longer does\n%s", user)
				}
			}
			if len(slices.Compact(both)) != 4 {
				t.Error("two users do the same")
			}
		})
	}
}

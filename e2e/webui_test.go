package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
)

// A webUI is the API behind the master's web UI.
type webUI struct {
	t   *testing.T
	url string
}

// A row is one line of the statistics table.
type row struct {
	Name          string  `json:"name"`
	Method        string  `json:"method"`
	NumRequests   int     `json:"num_requests"`
	NumFailures   int     `json:"num_failures"`
	Min           float64 `json:"min_response_time"`
	Max           float64 `json:"max_response_time"`
	Avg           float64 `json:"avg_response_time"`
	Median        float64 `json:"median_response_time"`
	ContentLength float64 `json:"avg_content_length"`
}

// A report is what /stats/requests answers.
type report struct {
	Stats  []row `json:"stats"` // the last one is the total
	Errors []struct {
		Name        string `json:"name"`
		Error       string `json:"error"`
		Occurrences int    `json:"occurrences"`
	} `json:"errors"`
	Workers []struct {
		ID        string  `json:"id"`
		State     string  `json:"state"`
		UserCount int     `json:"user_count"`
		CPU       float64 `json:"cpu_usage"`
		Memory    int64   `json:"memory_usage"`
	} `json:"workers"`
	State     string `json:"state"`
	UserCount int    `json:"user_count"`
}

// rows returns the table without its total.
func (r report) rows() []row { return r.Stats[:len(r.Stats)-1] }

// total returns the table's last line.
func (r report) total() row { return r.Stats[len(r.Stats)-1] }

// requests sums the rows, which must give the total line.
func (r report) requests(t *testing.T) int {
	t.Helper()
	sum, failures := 0, 0
	for _, row := range r.rows() {
		sum += row.NumRequests
		failures += row.NumFailures
	}
	if total := r.total(); total.NumRequests != sum || total.NumFailures != failures {
		t.Errorf("the Aggregated line says %d requests, %d failures; its rows sum to %d, %d",
			total.NumRequests, total.NumFailures, sum, failures)
	}
	return sum
}

// stats reads the table. The master answers from a cache of up to two seconds, so
// callers poll.
func (w *webUI) stats() (report, error) {
	var r report
	err := getJSON(w.url+"/stats/requests", &r)
	if err == nil && len(r.Stats) == 0 {
		err = fmt.Errorf("%s/stats/requests has no total line", w.url)
	}
	return r, err
}

// awaitState waits until the run has the state and the number of users.
func (w *webUI) awaitState(state string, users int) report {
	w.t.Helper()
	var r report
	eventually(w.t, startPatience, fmt.Sprintf("state %q with %d users", state, users), func() (err error) {
		if r, err = w.stats(); err == nil && (r.State != state || r.UserCount != users) {
			err = fmt.Errorf("state %q, %d users", r.State, r.UserCount)
		}
		return err
	})
	return r
}

// awaitWorkers waits until so many workers are ready.
func (w *webUI) awaitWorkers(n int) {
	w.t.Helper()
	eventually(w.t, startPatience, fmt.Sprintf("%d workers", n), func() error {
		var reply struct {
			Count int `json:"worker_count"`
		}
		err := getJSON(w.url+"/worker-count", &reply)
		if err == nil && reply.Count != n {
			err = fmt.Errorf("%d workers", reply.Count)
		}
		return err
	})
}

// swarm starts or changes the run.
func (w *webUI) swarm(users int, host string) {
	w.t.Helper()
	w.post("/swarm", url.Values{
		"user_count": {strconv.Itoa(users)},
		"spawn_rate": {strconv.Itoa(users)},
		"host":       {host},
	})
}

// stop ends the run; it returns when the master says so.
func (w *webUI) stop() {
	w.t.Helper()
	w.post("/stop", nil)
}

// post sends a form and requires the master's consent.
func (w *webUI) post(path string, form url.Values) {
	w.t.Helper()
	res, err := http.PostForm(w.url+path, form)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	var reply struct {
		Success bool `json:"success"`
	}
	if err := json.Unmarshal(body, &reply); err != nil || !reply.Success {
		w.t.Fatalf("%s answered %s: %s", path, res.Status, body)
	}
}

func getJSON(url string, into any) error {
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// A target is an HTTP server in a process of its own. It notes when requests come,
// and can hang: requests that come meanwhile are answered when it is over.
type target struct {
	mu       sync.Mutex
	at       []time.Time
	from, to time.Time // of the hang
}

func serveTarget() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	t := &target{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", t.answer)
	mux.HandleFunc("/arm", t.arm)
	mux.HandleFunc("/spread", t.spread)
	fmt.Println("http://" + l.Addr().String())
	go func() { // ends with its parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return (&http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}).Serve(l)
}

func (t *target) answer(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	t.mu.Lock()
	t.at = append(t.at, now)
	from, to := t.from, t.to
	t.mu.Unlock()
	if now.After(from) && now.Before(to) {
		time.Sleep(to.Sub(now))
	}
	_, _ = w.Write([]byte("ok"))
}

// arm clears what was noted, and sets the next hang: "after" from now, "for" so long.
func (t *target) arm(w http.ResponseWriter, r *http.Request) {
	after, err := time.ParseDuration(r.FormValue("after"))
	length, err2 := time.ParseDuration(r.FormValue("for"))
	if err != nil || err2 != nil {
		http.Error(w, "after and for must be durations", http.StatusBadRequest)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = make([]time.Time, 0, 1<<20)
	t.from = time.Now().Add(after)
	t.to = t.from.Add(length)
}

// A spread describes the times between events: their number, the rate from the first
// to the last, and percentiles.
type spread struct {
	Count              int
	Rate               float64 // a second
	P1, P50, P99, P999 time.Duration
}

func (t *target) spread(w http.ResponseWriter, _ *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_ = json.NewEncoder(w).Encode(spreadOf(t.at))
}

func spreadOf(at []time.Time) spread {
	slices.SortFunc(at, time.Time.Compare)
	s := spread{Count: len(at)}
	if len(at) < 2 {
		return s
	}
	gaps := make([]time.Duration, len(at)-1)
	for i := range gaps {
		gaps[i] = at[i+1].Sub(at[i])
	}
	s.Rate = float64(len(gaps)) / at[len(at)-1].Sub(at[0]).Seconds()
	s.P1, s.P50, s.P99, s.P999 = quantile(gaps, 0.01), quantile(gaps, 0.5), quantile(gaps, 0.99), quantile(gaps, 0.999)
	return s
}

// quantile returns the value that this share of all is not above.
func quantile(all []time.Duration, share float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(int(share*float64(len(all))), len(all)-1)]
}

// A peer is the target as its parent sees it.
type peer struct {
	url  string
	stop func()
}

func startTarget() (*peer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "target")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var base string
	if _, err = fmt.Fscan(out, &base); err != nil {
		return nil, fmt.Errorf("the target did not start: %w", err)
	}
	return &peer{url: strings.TrimSpace(base), stop: func() { _ = in.Close(); _ = cmd.Wait() }}, nil
}

func (p *peer) arm(after, length time.Duration) error {
	query := url.Values{"after": {after.String()}, "for": {length.String()}}
	_, err := p.get("/arm?" + query.Encode())
	return err
}

func (p *peer) spread() (s spread, err error) {
	body, err := p.get("/spread")
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	return s, err
}

func (p *peer) get(path string) ([]byte, error) {
	res, err := http.Get(p.url + path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s: %s", path, res.Status, body)
	}
	return body, err
}

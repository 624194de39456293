package faults

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A target counts the requests that reach it, by the names that they carry: the count that reports are held against.
type target struct {
	*httptest.Server
	mu     sync.Mutex
	hits   map[string]hit       // by name of request
	times  int                  // requests, those that came twice included
	seen   map[string]time.Time // when each user was last seen, by worker-user
	delay  time.Duration
	answer http.HandlerFunc // nil: as usual
}

// A hit is one request that the target has served.
type hit struct {
	worker string
	at     time.Time
}

func newTarget(t *testing.T) *target {
	t.Helper()
	tg := &target{hits: map[string]hit{}, seen: map[string]time.Time{}}
	tg.Server = httptest.NewServer(http.HandlerFunc(tg.serve))
	t.Cleanup(func() {
		tg.CloseClientConnections()
		tg.Close()
	})
	return tg
}

func (tg *target) serve(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	user := id[:max(strings.LastIndexByte(id, '-'), 0)]
	worker, _, _ := strings.Cut(id, "-")
	now := time.Now()
	tg.mu.Lock()
	tg.times++
	tg.hits[id] = hit{worker, now}
	tg.seen[user] = now
	delay, answer := tg.delay, tg.answer
	tg.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
	}
	if answer != nil {
		answer(w, r)
		return
	}
	_, _ = w.Write([]byte("ok"))
}

// behave changes how requests are answered; nil: as usual.
func (tg *target) behave(answer http.HandlerFunc) {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.answer = answer
}

// slow makes every answer wait.
func (tg *target) slow(d time.Duration) {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.delay = d
}

// served returns how many different requests have come.
func (tg *target) served() int {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return len(tg.hits)
}

// twice returns how many requests came again.
func (tg *target) twice() int {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return tg.times - len(tg.hits)
}

func (tg *target) has(id string) bool {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	_, ok := tg.hits[id]
	return ok
}

// between counts the requests of one worker from one moment to another.
func (tg *target) between(worker string, from, to time.Time) int {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	n := 0
	for _, h := range tg.hits {
		if h.worker == worker && !h.at.Before(from) && !h.at.After(to) {
			n++
		}
	}
	return n
}

// users counts the users that were seen within the last second and a half.
func (tg *target) users() int {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	n := 0
	for _, at := range tg.seen {
		if time.Since(at) < 1500*time.Millisecond {
			n++
		}
	}
	return n
}

func (tg *target) addr() string { return tg.Listener.Addr().(*net.TCPAddr).String() }

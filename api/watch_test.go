package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// flakyStore is ready when err is nil.
type flakyStore struct {
	fakeStore

	mu  sync.Mutex
	err error
}

func (f *flakyStore) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *flakyStore) Ready(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func TestALostStoreIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		refused := fmt.Errorf("%w: connection refused", ErrUnavailable)
		store := &flakyStore{err: refused}
		s := newServer(t, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, store)
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { s.watchStore(ctx) })
		expect := func(when string, wants ...string) {
			t.Helper()
			synctest.Wait()
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if log.Len() == 0 {
				lines = nil
			}
			good := len(lines) == len(wants)
			for i := range wants {
				good = good && strings.Contains(lines[i], wants[i])
			}
			if !good {
				t.Errorf("%s: the log is %q, want %q", when, lines, wants)
			}
			log.Reset()
		}
		expect("at the start", "level=WARN msg=\"Redis cannot serve: requests get a 503\" reason=\"api: Redis cannot serve the request: connection refused\"")
		for range 5 {
			s.storeFailed(refused)
		}
		time.Sleep(time.Hour)
		expect("while it is lost")
		store.set(nil)
		time.Sleep(recheck)
		expect("back", "level=INFO msg=\"Redis serves again\" after=1h0m1s")
		store.set(errors.New("x509: unknown authority"))
		time.Sleep(time.Hour)
		expect("before a request fails")
		s.storeFailed(refused)
		expect("after it", "unknown authority")
		store.set(nil)
		time.Sleep(recheck)
		expect("back again", "after=1s")

		for range 3 {
			s.storeFailed(errors.New("NOPERM"))
			synctest.Wait()
		}
		expect("one request alone", "although Redis serves\" reason=NOPERM")
		time.Sleep(quiet)
		s.storeFailed(errors.New("NOPERM"))
		expect("a minute later", "NOPERM")

		store.set(refused)
		s.storeFailed(refused)
		expect("lost at the end", "refused")
		cancel()
		watching.Wait()
		expect("the end")
	})
}

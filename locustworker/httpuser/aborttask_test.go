package httpuser_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// TestNothingIsSentAfterTheEndOfATask: a listener ends the task, and the session
// sends no request for it any more.
func TestNothingIsSentAfterTheEndOfATask(t *testing.T) {
	var served atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer srv.Close()
	full := errors.New("the shop is full")
	newUser := func(u *locustworker.User) (*httpuser.Session, error) { return httpuser.New(u, httpuser.Config{}) }
	class := locustworker.NewClass("Shopper", newUser).Task("buy", 1, func(s *httpuser.Session, ctx context.Context) error {
		if _, err := s.Get(ctx, "/"); err != nil {
			t.Errorf("the request that was answered: %v", err)
		}
		if _, err := s.Get(ctx, "/"); !errors.Is(err, full) {
			t.Errorf("the next one: %v", err)
		}
		return nil
	})
	cfg := locustworker.Config{Host: srv.URL, Events: locustworker.Events{
		Request: func(u *locustworker.User, _ locustworker.Sample) { u.AbortTask(full) },
	}}
	if err := locustworker.Try(t.Context(), cfg, locustworker.Trial{}, class); !errors.Is(err, full) || served.Load() != 1 {
		t.Errorf("%d requests served, error %v", served.Load(), err)
	}
}

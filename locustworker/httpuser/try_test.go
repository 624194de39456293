package httpuser_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

// TestTryShowsWhatWasOnTheWire: a user that is tried shows requests and answers,
// those after a redirect with where it led to.
func TestTryShowsWhatWasOnTheWire(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?a=1", http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("X-Shop", "tea")
		_, _ = io.WriteString(w, `{"price": 3}`)
	}))
	defer srv.Close()
	newUser := func(u *locustworker.User) (*httpuser.Session, error) { return httpuser.New(u, httpuser.Config{}) }
	class := locustworker.NewClass("Shopper", newUser).Task("buy", 1, func(s *httpuser.Session, ctx context.Context) error {
		_, err := s.Put(ctx, "/old", httpuser.JSON(map[string]int{"n": 7}), httpuser.Name("/buy"))
		return err
	})
	var out strings.Builder
	cfg := locustworker.Config{Host: srv.URL}
	if err := locustworker.Try(t.Context(), cfg, locustworker.Trial{Out: &out}, class); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"Shopper.buy\n", "PUT /buy  ", srv.URL + "/new?a=1\n", "    > PUT /new?a=1 HTTP/1.1\n", "    > Content-Length: 7\n    > {\"n\":7}\n    < HTTP/1.1 200 OK\n",
		"    < X-Shop: tea\n", `    < {"price": 3}`,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}

package httpuser

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
)

func TestContextReachesTheSample(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	var got []locustworker.Sample
	u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{
		Host:   server.URL,
		Record: func(s locustworker.Sample) { got = append(got, s) },
	})
	s, err := New(u, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, opts := range [][]Option{{Context("tenant", "a"), Context("try", 2)}, nil} {
		if _, err := s.Get(t.Context(), "/", opts...); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 2 || got[0].Context["tenant"] != "a" || got[0].Context["try"] != 2 || got[1].Context != nil {
		t.Errorf("samples %+v; want the context in the first one only", got)
	}
}

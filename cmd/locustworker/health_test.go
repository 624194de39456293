package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// metrics are what a worker serves in the given state.
func metrics(state string) string {
	var text strings.Builder
	fmt.Fprintln(&text, "# TYPE bandwing_worker_link_state gauge")
	for _, s := range []string{"down", "joining", "probing", "registered"} {
		value := 0
		if s == state {
			value = 1
		}
		fmt.Fprintf(&text, "bandwing_worker_link_state{state=%q} %d\n", s, value)
	}
	return text.String() + "bandwing_worker_samples_pending 1\n"
}

func TestHealth(t *testing.T) {
	tests := []struct {
		name string
		code int
		body string
		want string // what the error says; empty for none
	}{
		{"registered", http.StatusOK, metrics("registered"), ""},
		{"no master yet", http.StatusOK, metrics("joining"), "joining"},
		{"lost master", http.StatusOK, metrics("down"), "down"},
		{"another program", http.StatusOK, "up 1\n", "no worker's"},
		{"a line too long", http.StatusOK, strings.Repeat("x", 1<<17), "too long"},
		{"an error", http.StatusInternalServerError, metrics("registered"), "500"},
	}
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/metrics" {
					w.WriteHeader(http.StatusNotFound)
				}
				w.WriteHeader(test.code)
				fmt.Fprint(w, test.body)
			}))
			defer server.Close()
			_, port, err := net.SplitHostPort(server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range []string{"", "0.0.0.0", "[::]", "127.0.0.1"} {
				check(t, host+":"+port, test.want)
			}
		})
	}
}

func TestHealthOfNothing(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free := listener.Addr().String()
	_ = listener.Close()
	check(t, free, "refused")
	for _, addr := range []string{"", "8090", "127.0.0.1:0", "127.0.0.1:"} {
		check(t, addr, "LOCUST_METRICS_ADDR")
	}
}

// check runs health and holds its error against what it is to say.
func check(t *testing.T, addr, want string) {
	t.Helper()
	err := health(t.Context(), addr)
	if want == "" && err == nil {
		return
	}
	if want == "" || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want an error with %q", addr, err, want)
	}
}

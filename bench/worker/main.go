// Command worker measures what one request costs a load generator in CPU time: a
// Go worker against Python workers with both of Locust's HTTP clients, each alone
// with a stock master and the same static target, one after the other in one run.
//
//	go run ./bench/worker            (make bench)
//
// It prints CPU microseconds a request for each and the ratio to the Go worker.
// Requests are those that the target has counted.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "target" {
		fmt.Fprintln(os.Stderr, serveTarget(os.Args[2]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == "--worker" {
		locustworker.Main(httpuser.NewClass[user]("Bench", httpuser.Config{}).Task("page", 1, (*user).page))
	}
	seconds := flag.Int("seconds", 10, "length of each run")
	users := flag.Int("users", 20, "users of each run")
	flag.Parse()
	if err := run(context.Background(), time.Duration(*seconds)*time.Second, *users); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type user struct{ httpuser.User }

func (u *user) page(ctx context.Context) error {
	_, err := u.Get(ctx, "/")
	return err
}

// serveTarget answers every request with one small page and counts it; /count
// tells how many.
func serveTarget(addr string) error {
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/count", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, served.Load())
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		_, _ = w.Write([]byte("Hello, load test."))
	})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

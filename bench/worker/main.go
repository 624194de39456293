// Command worker measures what one request costs a load generator in CPU time: a
// Go worker against Python workers with both of Locust's HTTP clients, each alone
// with a stock master, and against wrk and a bare loop of goroutines over TCP, which
// are no load generators but the least that the requests can cost. All have the same
// static target, one after the other in one run.
//
//	go run ./bench/worker            (make bench)
//
// It prints CPU microseconds a request for each and how many times the Go worker's
// that is; then the same for users that wait between requests. Requests are those
// that the target has counted.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
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
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		if err := runBare(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == "--worker" {
		class := httpuser.NewClass[user]("Bench", httpuser.Config{}).Task("page", 1, (*user).page)
		if each, err := strconv.ParseFloat(os.Getenv(paceVariable), 64); err == nil && each > 0 {
			class.Wait(locustworker.ConstantThroughput(each))
		}
		locustworker.Main(class)
	}
	seconds := flag.Int("seconds", 10, "length of each run")
	users := flag.Int("users", 50, "users of each run")
	rate := flag.Float64("rate", 1600, "requests a second of all users together in the runs with wait time")
	rounds := flag.Int("rounds", 1, "how often all is measured")
	flag.Parse()
	if err := run(context.Background(), settings{time.Duration(*seconds) * time.Second, *users, *rate, *rounds}); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type user struct{ httpuser.User }

func (u *user) page(ctx context.Context) error {
	_, err := u.Get(ctx, "/")
	return err
}

// page is what the target answers.
const page = "Hello, load test."

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
		_, _ = io.WriteString(w, page)
	})
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

// Command clients measures what one request costs the HTTP clients of Go programs in
// CPU time: httpuser, fasthttp.HostClient and net/http, all with the same target and
// the same number of goroutines, one after the other in one run. It is a module of
// its own, because nothing else needs fasthttp.
//
//	make bench-clients            (BENCH_CLIENTS="-users 50 -rounds 3")
//
// Requests are those that the target has counted.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"time"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "client" {
		if err := runClient(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	users := flag.Int("users", 50, "goroutines, each with a connection of its own")
	length := flag.Duration("length", 5*time.Second, "length of each run")
	rounds := flag.Int("rounds", 3, "how often all are measured")
	size := flag.Int("size", 1024, "bytes of an answer")
	flag.Parse()
	if err := run(*users, *rounds, *size, *length); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures every client in every round and prints the means.
func run(users, rounds, size int, length time.Duration) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var served atomic.Int64
	page := make([]byte, size)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = w.Write(page)
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	names := clientNames()
	requests, cpu := make([]int64, len(names)), make([]time.Duration, len(names))
	for range rounds {
		for i, name := range names {
			before := served.Load()
			cmd := exec.Command(self, "client", name, l.Addr().String(), strconv.Itoa(users), length.String())
			cmd.Stderr = os.Stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			requests[i] += served.Load() - before
			cpu[i] += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
	}
	printTable(os.Stdout, names, requests, cpu)
	return nil
}

func printTable(w io.Writer, names []string, requests []int64, cpu []time.Duration) {
	base := 0.0
	_, _ = fmt.Fprintf(w, "%-34s %10s %14s %9s\n", "client", "requests", "CPU µs/request", "ratio")
	for i, name := range names {
		each := float64(cpu[i].Microseconds()) / float64(max(requests[i], 1))
		if base == 0 {
			base = each
		}
		_, _ = fmt.Fprintf(w, "%-34s %10d %14.1f %8.2fx\n", name, requests[i], each, each/base)
	}
}

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

// runReference starts goroutines, the fifth argument a second, up to the fourth,
// which request the URL at the first argument in each interval, the third. It shows
// its figures at the second.
func runReference(args []string) error {
	url := args[0]
	interval, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	rate, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", args[1])
	if err != nil {
		return err
	}
	var started atomic.Int64
	client := &http.Client{Transport: &http.Transport{
		MaxConnsPerHost: maxConns, MaxIdleConns: maxConns, MaxIdleConnsPerHost: maxConns, DisableCompression: true,
	}}
	go func() {
		for id := 1; id <= n; id++ {
			go func() {
				started.Add(1)
				for {
					time.Sleep(untilPhase(int64(id), interval))
					get(client, url)
				}
			}()
			if id%rate == 0 {
				time.Sleep(time.Second)
			}
		}
	}()
	return serveFigures(context.Background(), l, func() Figures { return Figures{started.Load(), locustworker.Histogram{}} })
}

func get(client *http.Client, url string) {
	response, err := client.Get(url)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}

// Command boomer is a program of boomer's API: only its import path is not boomer's.
package main

import (
	"flag"
	"io"
	"net/http"
	"time"

	"github.com/bandwing/bandwing/boomer" // was github.com/myzhan/boomer
)

func get(target string) {
	start := time.Now()
	resp, err := http.Get(target)
	elapsed := time.Since(start).Milliseconds()
	if err != nil {
		boomer.RecordFailure("http", "/", elapsed, err.Error())
		return
	}
	n, _ := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	boomer.RecordSuccess("http", "/", elapsed, n)
}

func main() {
	target := flag.String("target", "http://127.0.0.1:8080/", "the `URL` that is requested")
	flag.Parse()
	boomer.Run(&boomer.Task{Name: "get", Weight: 1, Fn: func() {
		get(*target)
		time.Sleep(50 * time.Millisecond)
	}})
}

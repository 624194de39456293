// Command boomerworker is a program as people write them for boomer: one task that
// requests a page, and one that panics.
package main

import (
	"flag"
	"io"
	"net/http"
	"time"

	"github.com/bandwing/bandwing/boomer"
)

func get(target string) {
	start := time.Now()
	resp, err := http.Get(target)
	if err != nil {
		boomer.RecordFailure("http", "/page", time.Since(start).Milliseconds(), err.Error())
		return
	}
	n, _ := io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	boomer.RecordSuccess("http", "/page", time.Since(start).Milliseconds(), n)
}

func fail() { panic("out of stock") }

func main() {
	target := flag.String("target", "", "the `URL` that is requested")
	flag.Parse()
	boomer.Run(
		&boomer.Task{Name: "get", Weight: 19, Fn: func() { get(*target) }},
		&boomer.Task{Name: "fail", Weight: 1, Fn: fail},
	)
}

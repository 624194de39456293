package promworker_test

import (
	"context"
	"net/http"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/promworker"
)

// The main function of a worker with --metrics-addr.
func Example() {
	class := locustworker.NewClass("Reader", func(*locustworker.User) (struct{}, error) { return struct{}{}, nil }).
		Task("read", 1, func(struct{}, context.Context) error { return nil })
	locustworker.MainConfig(locustworker.Config{ServeMetrics: promworker.Serve}, class)
}

// A program that has a server already shows the metrics of its worker there.
func ExampleHandler() {
	class := locustworker.NewClass("Reader", func(*locustworker.User) (struct{}, error) { return struct{}{}, nil }).
		Task("read", 1, func(struct{}, context.Context) error { return nil })
	worker, err := locustworker.New(locustworker.Config{}, class)
	if err != nil {
		panic(err)
	}
	http.Handle("GET /metrics/worker", promworker.Handler(worker))
}

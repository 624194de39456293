// Command arrivals tests a page with visitors that come at a rate, and do not wait
// for those before them to be served: an open model.
package main

import (
	"context"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

type visitor struct{ httpuser.User }

func (v *visitor) visit(ctx context.Context) error {
	_, err := v.Get(ctx, "/")
	return err
}

func main() {
	locustworker.Main(httpuser.NewClass[visitor]("Visitor", httpuser.Config{}).
		// Each user of the web UI, or of -u, stands for 10 visits a second.
		ArrivalsWith(locustworker.ArrivalConfig{
			Rate:        10,
			Poisson:     true, // independent visitors; default: evenly spaced
			MaxInFlight: 200,  // visits beyond that are dropped, and counted
		}).
		Task("visit", 1, (*visitor).visit))
}

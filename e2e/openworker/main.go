// Command openworker is a Locust worker for the tests of the open model: a class
// with arrivals, of which each iteration is one request.
package main

import (
	"context"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

type visitor struct{ httpuser.User }

func (v *visitor) browse(ctx context.Context) error {
	_, err := v.Get(ctx, "/browse")
	return err
}

func (v *visitor) other(ctx context.Context) error {
	_, err := v.Get(ctx, "/other")
	return err
}

func main() {
	locustworker.Main(
		httpuser.NewClass[visitor]("Visitor", httpuser.Config{}).
			ArrivalsWith(locustworker.ArrivalConfig{Rate: 5, RateArgument: "visitor_rate", MaxInFlight: 8}).
			Task("browse", 1, (*visitor).browse, "browse").
			Task("other", 1, (*visitor).other, "other"),
	)
}

// Package locustworker runs load tests written in Go as workers of a stock
// Locust master.
//
// A load test is one or more user classes. A class is built from a struct of your
// own and from methods of it, its tasks: here with the HTTP users of package
// httpuser, in general with [NewClass] and a constructor.
//
//	type reader struct{ httpuser.User }
//
//	func (r *reader) index(ctx context.Context) error {
//		_, err := r.Get(ctx, "/")
//		return err
//	}
//
//	func main() {
//		locustworker.Main(
//			httpuser.NewClass[reader]("Reader", httpuser.Config{}).
//				Wait(locustworker.Between(time.Second, 3*time.Second)).
//				Task("index", 1, (*reader).index),
//		)
//	}
//
// The master decides how many users of each class run; the worker starts and
// stops them, times and counts what they record, and reports it so that no
// sample is lost or counted twice. [Main] is a whole program; [New] and
// [Worker.Run] do the same inside one of your own.
//
// The package needs no HTTP client and no other protocol: package httpuser is
// one user of its public API, [User.Record] is the door for any other.
package locustworker

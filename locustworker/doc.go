// Package locustworker runs load tests written in Go as workers of a stock
// Locust master.
//
// A load test is one or more user classes. A class is built with [NewClass]
// from a constructor of your own struct and from methods of it, its tasks:
//
//	type reader struct{ *httpuser.Session }
//
//	func newReader(u *locustworker.User) (*reader, error) {
//		s, err := httpuser.New(u, httpuser.Config{})
//		return &reader{s}, err
//	}
//
//	func (r *reader) index(ctx context.Context) error {
//		_, err := r.Get(ctx, "/")
//		return err
//	}
//
//	func main() {
//		locustworker.Main(
//			locustworker.NewClass("Reader", newReader).
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

// Package locustworker runs load tests written in Go as workers of a stock
// Locust master, or without a master.
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
// # Running it
//
// [Main] is a whole program with Locust's options: a worker by default, with
// --headless a run of its own. [MainConfig] does the same with settings of yours,
// such as listeners, message handlers and commands. [New], [Worker.Run] and
// [Worker.RunHeadless] are for programs and Go tests that have a main of their own.
//
// Under a master, the master decides how many users of each class run; the worker
// starts and stops them, times and counts what they record, and reports it so that
// no sample is lost or counted twice. The master needs classes of the same names in
// its locustfile: the command stub of the program prints one.
//
// # Users, tasks and waits
//
// Each user is a value that the class's constructor makes. It runs one task at a
// time, picked by weight, and waits between two as the class's [WaitTime] says. Its
// code runs in one goroutine at a time; different users run concurrently. A struct
// with OnStart ([Starter]) or OnStop ([Stopper]) has them called at the user's
// beginning and end. [NewSet] makes task sets that [ClassOf.Nest] puts into a class.
//
// A task's context ends when the user is stopped and its stop timeout has passed.
// What a task returns decides how the user goes on:
//
//   - nil: it waits, and picks the next task.
//   - [ErrStopUser]: it ends. [ErrReschedule], [ErrRescheduleNow], [ErrInterrupt]
//     and [ErrInterruptAndWait] are Locust's exceptions of these names.
//   - any other error, or a panic: an exception in the web UI; it waits and goes on.
//
// # Samples
//
// A client of a protocol times its requests and gives each to [User.Record] as a
// [Sample]; type and name are its row in the table. A failed request is a sample
// with an Err, and not an error of the task. [User.Client] has what a client needs
// to finish requests in flight at a stop. Packages httpuser and redisuser are such
// clients, made with the public API alone.
//
// # The test around the users
//
// [Events] are listeners for the turns of a test. An [Environment] is what they, and
// users by [User.Environment], know of the worker: custom arguments ([Argument]),
// messages to and from the locustfile, the worker's index, the log, and the means
// to stop the run.
//
// # Arrivals
//
// [ClassOf.Arrivals] makes a class an open model: iterations start at a rate, whether
// those before have ended or not.
//
// # Testing a load test
//
// [NewStandaloneUser] makes a user without a worker for unit tests, [Try] runs one
// and shows what it does, and package mastertest has a scripted master.
package locustworker

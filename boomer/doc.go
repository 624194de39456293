// Package boomer has the API of github.com/myzhan/boomer on top of package
// locustworker: a program written for boomer runs when its import path is changed.
//
//	import "github.com/bandwing/bandwing/boomer"
//
//	func get() {
//		start := boomer.Now()
//		resp, err := http.Get("http://127.0.0.1:8080/")
//		if err != nil {
//			boomer.RecordFailure("http", "/", boomer.Now()-start, err.Error())
//			return
//		}
//		n, _ := io.Copy(io.Discard, resp.Body)
//		resp.Body.Close()
//		boomer.RecordSuccess("http", "/", boomer.Now()-start, n)
//	}
//
//	func main() {
//		boomer.Run(&boomer.Task{Name: "get", Weight: 1, Fn: get})
//	}
//
// [Run] is a whole program with boomer's flags. [NewBoomer] makes one that your own
// main controls, [NewStandaloneBoomer] one that needs no master.
//
// The master's locustfile may have any user class: all users of this program run
// the same tasks, whatever class the master takes them for. Its tasks, tags and wait
// times mean nothing here. No sample is lost when a test is stopped: the worker
// tells the master that it has stopped when all task functions have returned and
// what they have recorded is on its way. So a task function must return by itself
// or when EVENT_STOP is published; one that never does keeps the worker from the
// next test.
//
// docs/from-boomer.md says what differs from boomer, and which name of package
// locustworker does the same as each name of this one. New programs should use
// package locustworker.
package boomer

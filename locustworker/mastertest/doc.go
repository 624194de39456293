// Package mastertest plays a Locust master in tests of workers, in the spirit of
// net/http/httptest.
//
//	master := mastertest.New(t)
//	go runWorker(master.Addr())
//	id := master.WaitFor("client_ready", time.Second).Worker
//	master.Spawn(id, map[string]int{"Reader": 10})
//	master.Expect("spawning", "spawning_complete")
//
// The master acknowledges workers and answers their heartbeats by itself, as the
// real one does; everything else a test says through its methods. It records what
// arrives, and fails the test when a message would confuse or kill a real
// master: wrong or missing fields, wrong types, sums that do not add up, anything
// said before a worker was acknowledged. It can fall silent, stop reading, cut
// connections, ignore a worker, and end and come back without a memory.
//
// [New] listens on a TCP port. [NewInMemory] has no port: workers reach it through
// [Master.Dial], so that they run inside a testing/synctest bubble.
//
// All methods may be called from any goroutine, but those that wait ([Log.WaitFor],
// [Log.Expect]) only from the test's own.
package mastertest

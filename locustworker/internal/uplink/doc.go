// Package uplink keeps a worker in touch with one Locust master over any number of
// connections: it dials, registers, sends heartbeats and messages, finds out
// whether the master still knows the worker, and proves that each report has
// arrived once. It knows nothing of users and test runs.
//
// An [Uplink] belongs to one goroutine, the owner's. Connecting, reading, writing
// and closing run in goroutines of their own, which hand what they find to the
// owner by [Config.Post]; no method of an Uplink waits for the network.
package uplink

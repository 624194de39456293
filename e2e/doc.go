// Package e2e holds the tests of the whole system as its users run it: real
// Redis with the real RedisJSON module, the API, a stock Locust master, Go
// workers and Python workers, each a process of its own on a free loopback port.
// It has no code of its own to import.
package e2e

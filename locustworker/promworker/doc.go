// Package promworker shows a worker's figures to Prometheus. A program that calls
// [locustworker.MainConfig] turns it on with one line, and its users with
// --metrics-addr:
//
//	locustworker.MainConfig(locustworker.Config{ServeMetrics: promworker.Serve}, classes...)
//
// A program that has metrics of its own registers [NewCollector] with its own
// registry instead, or mounts [Handler] on its own server. docs/worker-metrics.md
// has the table of all metrics.
//
// The package stands apart so that whoever imports only locustworker gets no
// Prometheus into the build.
package promworker

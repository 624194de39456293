// Package otelworker exports what a worker does by OpenTelemetry, as Locust 2.47 does
// with --otel. A program that calls [locustworker.MainConfig] gets the option with
// one line:
//
//	locustworker.MainConfig(locustworker.Config{Telemetry: otelworker.Start}, classes...)
//
// A program with a main function of its own calls [Start] itself: see the example.
//
// Metrics are those of Locust (locust/opentelemetry.py): the histogram
// locust.client.duration of all requests that have a response time, and in a run
// without a master the gauge locust.users.count; under a master, Locust's own master
// exports that one. The log is exported too. Spans of requests are made by choice,
// when OTEL_TRACES_EXPORTER is set. What is exported, and
// which variables are read, is in docs/worker-metrics.md.
//
// The package stands apart so that whoever imports only locustworker gets no
// OpenTelemetry into the build.
package otelworker

package otelworker

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutlog"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// exporters are those of all three signals.
type exporters struct {
	metrics []sdkmetric.Exporter
	traces  []sdktrace.SpanExporter
	logs    []sdklog.Exporter
}

// empty reports whether there are none.
func (x *exporters) empty() bool { return len(x.metrics)+len(x.traces)+len(x.logs) == 0 }

// newExporters makes the exporters that the environment asks for. None of them
// connects here.
func newExporters(ctx context.Context, env environment) (*exporters, error) {
	if err := env.validate(); err != nil {
		return nil, err
	}
	x := &exporters{}
	var faults [3]error
	x.metrics, faults[0] = each(env, metrics, func(name string) (sdkmetric.Exporter, error) { return metricExporter(ctx, env, name) })
	x.traces, faults[1] = each(env, traces, func(name string) (sdktrace.SpanExporter, error) { return spanExporter(ctx, env, name) })
	x.logs, faults[2] = each(env, logs, func(name string) (sdklog.Exporter, error) { return logExporter(ctx, env, name) })
	if err := errors.Join(faults[:]...); err != nil {
		return nil, errors.Join(err, x.shutdown(ctx))
	}
	return x, nil
}

// each makes the exporters of one signal.
func each[E any](env environment, s signal, newExporter func(name string) (E, error)) ([]E, error) {
	names, err := env.exporters(s)
	if err != nil {
		return nil, err
	}
	var all []E
	for _, name := range names {
		exporter, err := newExporter(name)
		if err != nil {
			return all, fmt.Errorf("OpenTelemetry exporter %s of %s: %w", name, s, err)
		}
		all = append(all, exporter)
	}
	return all, nil
}

// shutdown is for exporters that no provider has.
func (x *exporters) shutdown(ctx context.Context) error {
	var faults []error
	for _, e := range x.metrics {
		faults = append(faults, e.Shutdown(ctx))
	}
	for _, e := range x.traces {
		faults = append(faults, e.Shutdown(ctx))
	}
	for _, e := range x.logs {
		faults = append(faults, e.Shutdown(ctx))
	}
	return errors.Join(faults...)
}

func metricExporter(ctx context.Context, env environment, name string) (sdkmetric.Exporter, error) {
	if name == exporterConsole {
		return stdoutmetric.New()
	}
	protocol, err := env.protocol(metrics)
	switch {
	case err != nil:
		return nil, err
	case protocol == protocolHTTP && env.plain(metrics):
		return otlpmetrichttp.New(ctx, otlpmetrichttp.WithInsecure())
	case protocol == protocolHTTP:
		return otlpmetrichttp.New(ctx)
	case env.plain(metrics):
		return otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithInsecure())
	}
	return otlpmetricgrpc.New(ctx)
}

func spanExporter(ctx context.Context, env environment, name string) (sdktrace.SpanExporter, error) {
	if name == exporterConsole {
		return stdouttrace.New()
	}
	protocol, err := env.protocol(traces)
	switch {
	case err != nil:
		return nil, err
	case protocol == protocolHTTP && env.plain(traces):
		return otlptracehttp.New(ctx, otlptracehttp.WithInsecure())
	case protocol == protocolHTTP:
		return otlptracehttp.New(ctx)
	case env.plain(traces):
		return otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure())
	}
	return otlptracegrpc.New(ctx)
}

func logExporter(ctx context.Context, env environment, name string) (sdklog.Exporter, error) {
	if name == exporterConsole {
		return stdoutlog.New()
	}
	protocol, err := env.protocol(logs)
	switch {
	case err != nil:
		return nil, err
	case protocol == protocolHTTP && env.plain(logs):
		return otlploghttp.New(ctx, otlploghttp.WithInsecure())
	case protocol == protocolHTTP:
		return otlploghttp.New(ctx)
	case env.plain(logs):
		return otlploggrpc.New(ctx, otlploggrpc.WithInsecure())
	}
	return otlploggrpc.New(ctx)
}

package otelworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/bandwing/bandwing/locustworker"
)

// scope names what makes the telemetry, as in Locust.
const scope = "locust"

// Options say what is exported beyond the OTEL_* variables. The zero value is what
// Locust does.
type Options struct {
	// MaxNames is how many names of requests have metrics of their own, those that come
	// first; all others share the name "Too many unique request names". Default 20, as
	// in Locust.
	MaxNames int
}

var _ locustworker.TelemetryStart = Start

// Start starts the export with default Options. It is made for
// locustworker.Config.Telemetry.
func Start(ctx context.Context, run locustworker.TelemetryRun, log *slog.Logger) (locustworker.Telemetry, error) {
	return Options{}.Start(ctx, run, log)
}

// Start starts the export that the process's OTEL_* variables ask for. It does not wait
// for a connection. The providers become OpenTelemetry's global ones, so that the
// program's own spans and metrics go the same way; what the SDK reports about itself
// goes to log. Call Close of the result at the end.
//
// The error says what to change in the environment.
func (o Options) Start(ctx context.Context, run locustworker.TelemetryRun, log *slog.Logger) (locustworker.Telemetry, error) {
	e, err := o.start(ctx, processEnvironment(), run, log)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// An export is what one worker exports.
type export struct {
	log       *slog.Logger
	alone     bool
	metrics   *sdkmetric.MeterProvider // or nil
	meter     metric.Meter
	durations *durations
	traces    *sdktrace.TracerProvider // or nil
	tracer    *tracer
	spans     spanCount
	logs      *sdklog.LoggerProvider // or nil
	closed    sync.Once
	closeErr  error
	failures  atomic.Int64 // reported by the SDK
}

var _ locustworker.Telemetry = (*export)(nil)

func (o Options) start(ctx context.Context, env environment, run locustworker.TelemetryRun, log *slog.Logger) (*export, error) {
	if o.MaxNames < 0 {
		return nil, fmt.Errorf("otelworker: MaxNames %d is negative", o.MaxNames)
	}
	if o.MaxNames == 0 {
		o.MaxNames = defaultMaxNames
	}
	e := &export{log: log, alone: run.Alone}
	if env.disabled() {
		log.Info("OTEL_SDK_DISABLED is set: nothing is exported by OpenTelemetry")
		return e, nil
	}
	exporters, err := newExporters(ctx, env)
	if err != nil {
		return nil, err
	}
	if exporters.empty() {
		log.Info("no OpenTelemetry exporters are configured: nothing is exported")
		return e, nil
	}
	res, err := newResource(ctx, run)
	if err != nil {
		return nil, errors.Join(err, exporters.shutdown(ctx))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(e.failed))
	if err := e.provide(exporters, res, o.MaxNames); err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	log.Info("OpenTelemetry enabled", "metrics", e.metrics != nil, "traces", e.traces != nil, "logs", e.logs != nil)
	return e, nil
}

// newResource describes the program, with Locust's attributes. Those of
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME replace them. An id keeps the figures
// of several workers on one machine apart.
func newResource(ctx context.Context, run locustworker.TelemetryRun) (*resource.Resource, error) {
	host, _ := os.Hostname() // an empty name is what is then sent
	res, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName(scope),
		semconv.ServiceVersion(run.Version),
		semconv.ServiceInstanceID(uuid.NewString()),
		semconv.HostName(host),
		attribute.String("filename", run.Program),
		attribute.String("profile", run.Profile),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w; write key=value,key=value", err)
	}
	return res, nil
}

// provide makes the providers and gives them the exporters.
func (e *export) provide(x *exporters, res *resource.Resource, maxNames int) error {
	if len(x.traces) > 0 {
		options := []sdktrace.TracerProviderOption{sdktrace.WithResource(res), sdktrace.WithSpanProcessor(&e.spans)}
		for _, exporter := range x.traces {
			options = append(options, sdktrace.WithBatcher(e.spans.counting(exporter)))
		}
		e.spans.exporters = int64(len(x.traces))
		e.traces = sdktrace.NewTracerProvider(options...)
		w3c := propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})
		e.tracer = &tracer{tracer: e.traces.Tracer(scope), propagator: w3c}
		otel.SetTracerProvider(e.traces)
		otel.SetTextMapPropagator(w3c)
	}
	if len(x.logs) > 0 {
		options := []sdklog.LoggerProviderOption{sdklog.WithResource(res)}
		for _, exporter := range x.logs {
			options = append(options, sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)))
		}
		e.logs = sdklog.NewLoggerProvider(options...)
		otel.SetLoggerProvider(e.logs)
	}
	if len(x.metrics) == 0 {
		return nil
	}
	options := []sdkmetric.Option{sdkmetric.WithResource(res)}
	for _, exporter := range x.metrics {
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)))
	}
	e.metrics = sdkmetric.NewMeterProvider(options...)
	otel.SetMeterProvider(e.metrics)
	e.meter = e.metrics.Meter(scope)
	var err error
	e.durations, err = newDurations(e.meter, maxNames)
	return err
}

// failed is called by the SDK when an export fails. It must not use the exported log.
func (e *export) failed(err error) {
	e.failures.Add(1)
	e.log.Warn("OpenTelemetry: " + err.Error())
}

// Configure implements locustworker.Telemetry. It adds a listener to Events.Request
// and sets the Tracer; a Logger that is nil becomes slog.Default.
func (e *export) Configure(cfg locustworker.Config) locustworker.Config {
	if e.metrics != nil || e.traces != nil {
		cfg.Events.Add(locustworker.Events{Request: e.request})
	}
	if e.traces != nil {
		cfg.Tracer = e.tracer
	}
	if e.logs != nil {
		if cfg.Logger == nil {
			cfg.Logger = slog.Default()
		}
		bridge := otelslog.NewHandler(scope, otelslog.WithLoggerProvider(e.logs))
		cfg.Logger = slog.New(tee{cfg.Logger.Handler(), bridge})
	}
	return cfg
}

// request records a sample, in the goroutine of its user.
func (e *export) request(_ *locustworker.User, s locustworker.Sample) {
	ctx := context.Background()
	span, traced := s.Trace.(*requestSpan)
	if traced {
		ctx = span.ctx
	}
	if e.durations != nil {
		e.durations.record(ctx, s)
	}
	if traced {
		span.end(s)
	}
}

// Observe implements locustworker.Telemetry. Under a master only the master knows all
// users, and exports them itself.
func (e *export) Observe(w *locustworker.Worker) {
	if e.metrics == nil || !e.alone {
		return
	}
	_, err := e.meter.Int64ObservableGauge("locust.users.count", metric.WithUnit("{user}"),
		metric.WithDescription("Number of currently running Locust users"),
		metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
			for class, n := range w.Snapshot().Users {
				o.Observe(int64(n), metric.WithAttributes(attribute.String("user_class", class)))
			}
			return nil
		}))
	if err != nil {
		e.failed(err)
	}
}

// Close implements locustworker.Telemetry. It is safe to call twice.
func (e *export) Close(ctx context.Context) error {
	e.closed.Do(func() { e.closeErr = e.shutdown(ctx) })
	return e.closeErr
}

// shutdown ends the providers, the log last.
func (e *export) shutdown(ctx context.Context) error {
	var faults []error
	if e.traces != nil {
		faults = append(faults, e.traces.Shutdown(ctx))
		if lost := e.spans.lost(); lost > 0 {
			faults = append(faults, fmt.Errorf("%d of %d spans were not exported: "+
				"lower OTEL_TRACES_SAMPLER_ARG, or raise OTEL_BSP_MAX_QUEUE_SIZE", lost, e.spans.ended.Load()))
		}
	}
	if e.metrics != nil {
		faults = append(faults, e.metrics.Shutdown(ctx))
	}
	if e.logs != nil {
		faults = append(faults, e.logs.Shutdown(ctx))
	}
	return errors.Join(faults...)
}

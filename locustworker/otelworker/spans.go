package otelworker

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/bandwing/bandwing/locustworker"
)

// A tracer makes a span of each request.
type tracer struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
}

// StartRequest implements locustworker.RequestTracer. The span is a child of that in
// ctx, if there is one.
func (t *tracer) StartRequest(ctx context.Context, u *locustworker.User, requestType, name string) locustworker.RequestTrace {
	ctx, span := t.tracer.Start(ctx, requestType+" "+name, trace.WithSpanKind(trace.SpanKindClient))
	if span.IsRecording() {
		span.SetAttributes(attribute.String("user_class", u.ClassName()))
	}
	return &requestSpan{tracer: t, ctx: ctx, span: span}
}

// A requestSpan is the span of one request.
type requestSpan struct {
	tracer *tracer
	ctx    context.Context //nolint:containedctx // has the span, for the metrics of the same request
	span   trace.Span
}

// Headers implements locustworker.RequestTrace.
func (r *requestSpan) Headers(set func(key, value string)) {
	r.tracer.propagator.Inject(r.ctx, carrier(set))
}

// A carrier takes headers, and has none.
type carrier func(key, value string)

func (c carrier) Set(key, value string) { c(key, value) }
func (carrier) Get(string) string       { return "" }
func (carrier) Keys() []string          { return nil }

// Attribute implements locustworker.RequestTrace.
func (r *requestSpan) Attribute(key string, value any) {
	if !r.span.IsRecording() {
		return
	}
	switch v := value.(type) {
	case string:
		r.span.SetAttributes(attribute.String(key, v))
	case int64:
		r.span.SetAttributes(attribute.Int64(key, v))
	case bool:
		r.span.SetAttributes(attribute.Bool(key, v))
	}
}

// Abort implements locustworker.RequestTrace.
func (r *requestSpan) Abort(err error) {
	r.span.SetStatus(codes.Error, err.Error())
	r.span.End()
}

// end ends the span of a request that was recorded.
func (r *requestSpan) end(s locustworker.Sample) {
	if s.Err != nil && r.span.IsRecording() {
		r.span.SetAttributes(semconv.ErrorTypeKey.String(errorType(s.Err)))
		r.span.SetStatus(codes.Error, s.Err.Error())
	}
	if r.span.IsRecording() {
		r.span.SetName(s.Type + " " + s.Name) // a Catch may have changed them
	}
	r.span.End()
}

// A spanCount counts spans, so that those that the SDK drops without a word are seen.
// It is a span processor.
type spanCount struct {
	ended, exported atomic.Int64
	exporters       int64 // each of which is to export all
}

// lost returns how many spans the exporters have not delivered.
func (c *spanCount) lost() int64 { return c.ended.Load()*c.exporters - c.exported.Load() }

// OnStart implements sdktrace.SpanProcessor.
func (c *spanCount) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (c *spanCount) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() {
		c.ended.Add(1)
	}
}

// Shutdown implements sdktrace.SpanProcessor.
func (c *spanCount) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (c *spanCount) ForceFlush(context.Context) error { return nil }

// counting returns an exporter that counts the spans that were delivered.
func (c *spanCount) counting(e sdktrace.SpanExporter) sdktrace.SpanExporter {
	return countedExporter{e, c}
}

type countedExporter struct {
	sdktrace.SpanExporter
	count *spanCount
}

// ExportSpans implements sdktrace.SpanExporter.
func (c countedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		c.count.exported.Add(int64(len(spans)))
	}
	return err //nolint:wrapcheck // this is a forward
}

package locustworker

import (
	"context"
	"log/slog"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
	"github.com/bandwing/bandwing/locustworker/internal/traceback"
)

// telemetryTimeout bounds how long a program that ends waits for its last export.
const telemetryTimeout = 10 * time.Second

// A TelemetryStart starts what --otel asks for: otelworker.Start, or a function of
// your own. It is called once, before the worker is made. log is the worker's log
// without the additions of Telemetry.Configure.
type TelemetryStart func(ctx context.Context, run TelemetryRun, log *slog.Logger) (Telemetry, error)

// A TelemetryRun says what is about to run.
type TelemetryRun struct {
	// Program is the program's name.
	Program string
	// Version is the program's version: Config.Version.
	Version string
	// Profile is the value of --profile, a name that groups runs.
	Profile string
	// Alone says that the run has no master, so that the users of the worker are all
	// users of the test.
	Alone bool
}

// A Telemetry exports what one worker does.
type Telemetry interface {
	// Configure returns cfg with what the export needs: listeners of events, a
	// logger, a tracer. It is called before the worker is made.
	Configure(cfg Config) Config
	// Observe is called with the worker before it runs.
	Observe(w *Worker)
	// Close exports what is left, when the worker has ended, and releases all
	// resources. It blocks until ctx ends at most. The error says what was not
	// exported.
	Close(ctx context.Context) error
}

// noTelemetry is that of a program without --otel.
type noTelemetry struct{}

func (noTelemetry) Configure(cfg Config) Config { return cfg }
func (noTelemetry) Observe(*Worker)             {}
func (noTelemetry) Close(context.Context) error { return nil }

// startTelemetry starts what --otel asks for. A program without it says so and goes
// on, as Locust does.
func startTelemetry(ctx context.Context, cfg Config, s cli.Settings) (Telemetry, error) {
	switch {
	case !s.OTel:
		return noTelemetry{}, nil
	case cfg.Telemetry == nil:
		cfg.Logger.Error("--otel: this program has no OpenTelemetry, nothing is exported: its main must set Config.Telemetry " +
			"to otelworker.Start, of the package github.com/bandwing/bandwing/locustworker/otelworker")
		return noTelemetry{}, nil
	}
	run := TelemetryRun{Program: s.Program, Version: cfg.Version, Profile: s.Profile, Alone: s.Headless.On}
	var t Telemetry
	err := traceback.Guard(func() (err error) {
		t, err = cfg.Telemetry(ctx, run, cfg.Logger)
		return err
	})
	return t, err
}

// closeTelemetry waits for the last export, also when ctx has ended.
func closeTelemetry(ctx context.Context, t Telemetry, log *slog.Logger) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), telemetryTimeout)
	defer cancel()
	if err := traceback.Guard(func() error { return t.Close(limit) }); err != nil {
		log.Error("OpenTelemetry: not all was exported", "error", err)
	}
}

// A RequestTracer follows requests on their way: it makes a span of each. Its method
// is safe for concurrent use.
type RequestTracer interface {
	// StartRequest is called before a request is sent, in the goroutine that sends
	// it. ctx is that of the request; requestType and name are those of its row, as
	// far as they are known. nil: the request is not followed.
	StartRequest(ctx context.Context, u *User, requestType, name string) RequestTrace
}

// A RequestTrace follows one request. Its methods are called by one goroutine at a
// time.
type RequestTrace interface {
	// Headers calls set with each header that tells the target about the trace:
	// traceparent, and tracestate and baggage when there are any (W3C Trace Context).
	Headers(set func(key, value string))
	// Attribute notes a fact of the request, by the name that OpenTelemetry's semantic
	// conventions give it. value is a string, an int64 or a bool.
	Attribute(key string, value any)
	// Abort ends the trace of a request of which no sample is recorded, because it was
	// cut off, or never sent. The trace of any other ends with its Sample.
	Abort(err error)
}

// Traced reports whether StartTrace may return a trace: for clients that must compute
// a request's name first.
func (c Client) Traced() bool { return c.user.world.tracer != nil }

// StartTrace begins to follow a request that is about to be sent, or returns nil
// when no tracer does (Config.Tracer). The client sends the trace's Headers with the
// request, notes what it learns as Attributes, and puts the trace into the request's
// Sample, or calls Abort when there is none.
func (c Client) StartTrace(ctx context.Context, requestType, name string) RequestTrace {
	if t := c.user.world.tracer; t != nil {
		return t.StartRequest(ctx, c.user, requestType, name)
	}
	return nil
}

package locustworker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
)

// A fakeTelemetry notes what it is asked for.
type fakeTelemetry struct {
	run      TelemetryRun
	calls    []string
	quitting int
	closeErr error
}

func (f *fakeTelemetry) start(_ context.Context, run TelemetryRun, _ *slog.Logger) (Telemetry, error) {
	f.run = run
	f.calls = append(f.calls, "start")
	return f, nil
}

func (f *fakeTelemetry) Configure(cfg Config) Config {
	f.calls = append(f.calls, "configure")
	cfg.Events.Add(Events{Quit: func(*Environment, Counters) error { f.quitting++; return nil }})
	return cfg
}

func (f *fakeTelemetry) Observe(w *Worker) {
	if w != nil {
		f.calls = append(f.calls, "observe")
	}
}

func (f *fakeTelemetry) Close(ctx context.Context) error {
	if ctx.Err() == nil { // although the worker was told to end
		f.calls = append(f.calls, "close")
	}
	return f.closeErr
}

// Conformance: C13
func TestOTel(t *testing.T) {
	for _, test := range []struct {
		args string
		env  map[string]string
		want TelemetryRun
	}{
		{args: "--otel", want: TelemetryRun{Program: "shoptest", Version: "1.2"}},
		{
			args: "--otel --profile night --headless -u 1 -t 1s",
			want: TelemetryRun{Program: "shoptest", Version: "1.2", Profile: "night", Alone: true},
		},
		{env: map[string]string{"LOCUST_ENABLE_OPENTELEMETRY": "true"}, want: TelemetryRun{Program: "shoptest", Version: "1.2"}},
	} {
		f := &fakeTelemetry{closeErr: errors.New("nobody listens")}
		c, sh := testCommand(test.env, Config{Telemetry: f.start, Version: "1.2"}, shopClasses(), strings.Fields(test.args)...)
		code := runStopped(t, c)
		if code != cli.ExitOK || f.run != test.want || f.quitting != 1 || !slices.Equal(f.calls, []string{"start", "configure", "observe", "close"}) {
			t.Errorf("%q: exit code %d, %+v, %q, %d\n%s", test.args, code, f.run, f.calls, f.quitting, sh.stderr.String())
		}
		if !strings.Contains(sh.stderr.String(), "nobody listens") {
			t.Errorf("%q: the log does not say what Close said:\n%s", test.args, sh.stderr.String())
		}
	}
}

// TestOTelIsNotAskedFor holds that nothing starts without the option.
func TestOTelIsNotAskedFor(t *testing.T) {
	f := &fakeTelemetry{}
	c, _ := testCommand(nil, Config{Telemetry: f.start}, shopClasses())
	if code := runStopped(t, c); code != cli.ExitOK || len(f.calls) > 0 {
		t.Errorf("exit code %d, %q", code, f.calls)
	}
}

// TestOTelIsNotLinkedIn holds that a program without OpenTelemetry says what to import
// and runs all the same, as Locust does.
func TestOTelIsNotLinkedIn(t *testing.T) {
	c, sh := testCommand(nil, Config{}, shopClasses(), "--otel")
	if code := runStopped(t, c); code != cli.ExitOK {
		t.Errorf("exit code %d", code)
	}
	if log := sh.stderr.String(); !strings.Contains(log, "/ERROR/") || !strings.Contains(log, "bandwing/locustworker/otelworker") {
		t.Errorf("%s", log)
	}
}

func TestOTelDoesNotStart(t *testing.T) {
	for name, start := range map[string]TelemetryStart{
		"error": func(context.Context, TelemetryRun, *slog.Logger) (Telemetry, error) {
			return nil, errors.New("no such exporter")
		},
		"panic": func(context.Context, TelemetryRun, *slog.Logger) (Telemetry, error) { panic("no such exporter") },
	} {
		c, sh := testCommand(nil, Config{Telemetry: start}, shopClasses(), "--otel")
		if code := c.Run(t.Context()); code != cli.ExitUsage || !strings.Contains(sh.stderr.String(), "no such exporter") {
			t.Errorf("%s: exit code %d, %s", name, code, sh.stderr.String())
		}
	}
}

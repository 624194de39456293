package otelworker

import (
	"slices"
	"strings"
	"testing"
)

// fake is an environment with these variables: "A=b C=d".
func fake(settings string) environment {
	values := map[string]string{}
	for _, setting := range strings.Fields(settings) {
		name, value, _ := strings.Cut(setting, "=")
		values[name] = value
	}
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

func TestExporters(t *testing.T) {
	for _, test := range []struct {
		signal signal
		env    string
		want   string // names, or the fault
	}{
		{metrics, "", "otlp"},
		{logs, "", "otlp"},
		{traces, "", ""},
		{traces, "OTEL_TRACES_EXPORTER=otlp", "otlp"},
		{traces, "OTEL_TRACES_EXPORTER=", ""},
		{metrics, "OTEL_METRICS_EXPORTER=none", ""},
		{metrics, "OTEL_METRICS_EXPORTER=OTLP,console,otlp,,none", "otlp,console"},
		{metrics, "OTEL_TRACES_EXPORTER=none", "otlp"},
		{metrics, "OTEL_METRICS_EXPORTER=prometheus", "OTEL_METRICS_EXPORTER: there is no exporter prometheus here: use --metrics-addr for Prometheus"},
		{logs, "OTEL_LOGS_EXPORTER=otpl", `OTEL_LOGS_EXPORTER: unknown exporter "otpl": use otlp, console or none`},
	} {
		names, err := fake(test.env).exporters(test.signal)
		got := strings.Join(names, ",")
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s with %q: %q, want %q", test.signal, test.env, got, test.want)
		}
	}
}

func TestProtocol(t *testing.T) {
	for env, want := range map[string]string{
		"": "grpc",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf":                                          "http/protobuf",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http":                                                   "http/protobuf",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=grpc":             "grpc",
		"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http":                                            "grpc",
		"OTEL_EXPORTER_OTLP_PROTOCOL=GRPC":                                                   "grpc",
		"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/json OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=http:/": "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL or OTEL_EXPORTER_OTLP_PROTOCOL: unknown protocol \"http/json\": use grpc or http/protobuf",
	} {
		got, err := fake(env).protocol(logs)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", env, got, want)
		}
	}
}

func TestPlainWithoutAnEndpoint(t *testing.T) {
	for env, want := range map[string]bool{
		"": true,
		"OTEL_EXPORTER_OTLP_ENDPOINT=https://collector:4317":     false,
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://traces:4317": true,
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=https://m:4317":     false,
		"OTEL_EXPORTER_OTLP_INSECURE=false":                      false,
	} {
		if got := fake(env).plain(metrics); got != want {
			t.Errorf("%q: %v, want %v", env, got, want)
		}
	}
}

func TestEndpointsAreURLs(t *testing.T) {
	if err := fake("OTEL_EXPORTER_OTLP_ENDPOINT=http://a:4317 OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=https://b").validate(); err != nil {
		t.Error(err)
	}
	err := fake("OTEL_EXPORTER_OTLP_ENDPOINT=a:4317 OTEL_EXPORTER_OTLP_LOGS_ENDPOINT=b").validate()
	const want = `OTEL_EXPORTER_OTLP_ENDPOINT: "a:4317" is not a URL such as http://collector:4317` + "\n" +
		`OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "b" is not a URL such as http://collector:4317`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// TestEveryExporterIsMade: none of them needs somebody who listens.
func TestEveryExporterIsMade(t *testing.T) {
	for _, env := range []string{
		"OTEL_TRACES_EXPORTER=otlp,console OTEL_METRICS_EXPORTER=otlp,console OTEL_LOGS_EXPORTER=otlp,console",
		"OTEL_TRACES_EXPORTER=otlp,console OTEL_METRICS_EXPORTER=otlp,console OTEL_LOGS_EXPORTER=otlp,console OTEL_EXPORTER_OTLP_PROTOCOL=http",
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:4317",
		"OTEL_TRACES_EXPORTER=otlp OTEL_EXPORTER_OTLP_ENDPOINT=https://localhost:4317 OTEL_EXPORTER_OTLP_PROTOCOL=http",
	} {
		x, err := newExporters(t.Context(), fake(env))
		if err != nil {
			t.Fatal(err)
		}
		want := 1 + strings.Count(env, "console")/3
		if got := []int{len(x.metrics), len(x.traces), len(x.logs)}; !slices.Equal(got, []int{want, want, want}) {
			t.Errorf("%q: %v exporters", env, got)
		}
		if err := x.shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
	_, err := newExporters(t.Context(), fake("OTEL_METRICS_EXPORTER=a OTEL_LOGS_EXPORTER=b OTEL_EXPORTER_OTLP_PROTOCOL=http"))
	if err == nil || !strings.Contains(err.Error(), `"a"`) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("not all faults: %v", err)
	}
}

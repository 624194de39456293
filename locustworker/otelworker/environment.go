package otelworker

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// An environment looks up a variable. The exporters of OpenTelemetry's SDK read the
// process's own OTEL_* variables by themselves; what they do not read is read here.
type environment func(name string) (value string, set bool)

// processEnvironment is what the SDK reads too.
func processEnvironment() environment {
	return os.LookupEnv //nolint:forbidigo // the SDK reads its variables there too
}

// text returns the value of the first variable that is set to more than spaces, else
// otherwise.
func (e environment) text(otherwise string, names ...string) string {
	for _, name := range names {
		if value, _ := e(name); strings.TrimSpace(value) != "" {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// A signal is one of the three kinds of data: its name in variables.
type signal string

const (
	traces  signal = "TRACES"
	metrics signal = "METRICS"
	logs    signal = "LOGS"
)

func (s signal) variable(name string) string {
	return strings.Replace(name, "*", string(s), 1)
}

// Names of exporters and protocols.
const (
	exporterOTLP    = "otlp"
	exporterConsole = "console"
	exporterNone    = "none"

	protocolGRPC = "grpc"
	protocolHTTP = "http/protobuf"
)

// exporters returns the names of the exporters of a signal, without none. Locust's
// default is otlp for all; spans are made only when they are asked for.
func (e environment) exporters(s signal) ([]string, error) {
	variable, otherwise := s.variable("OTEL_*_EXPORTER"), exporterOTLP
	if s == traces {
		otherwise = exporterNone
	}
	var names []string
	for name := range strings.SplitSeq(strings.ToLower(e.text(otherwise, variable)), ",") {
		switch name = strings.TrimSpace(name); name {
		case "", exporterNone:
		case exporterOTLP, exporterConsole:
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		case "prometheus":
			return nil, fmt.Errorf("%s: there is no exporter prometheus here: use --metrics-addr for Prometheus", variable)
		default:
			return nil, fmt.Errorf("%s: unknown exporter %q: use otlp, console or none", variable, name)
		}
	}
	return names, nil
}

// protocol returns how a signal is sent. Locust's default is grpc.
func (e environment) protocol(s signal) (string, error) {
	own := s.variable("OTEL_EXPORTER_OTLP_*_PROTOCOL")
	switch p := strings.ToLower(e.text(protocolGRPC, own, "OTEL_EXPORTER_OTLP_PROTOCOL")); p {
	case protocolGRPC, protocolHTTP:
		return p, nil
	case "http":
		return protocolHTTP, nil
	default:
		return "", fmt.Errorf("%s or OTEL_EXPORTER_OTLP_PROTOCOL: unknown protocol %q: use grpc or http/protobuf", own, p)
	}
}

// plain reports whether a signal is sent without TLS because nothing is said about
// where to: the default endpoint is http://localhost:4317, or 4318 for HTTP.
func (e environment) plain(s signal) bool {
	return e.text("", s.variable("OTEL_EXPORTER_OTLP_*_ENDPOINT"), "OTEL_EXPORTER_OTLP_ENDPOINT",
		s.variable("OTEL_EXPORTER_OTLP_*_INSECURE"), "OTEL_EXPORTER_OTLP_INSECURE") == ""
}

// validate finds endpoints that the SDK would take for something else.
func (e environment) validate() error {
	var faults []error
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
		"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
	} {
		if value := e.text("", name); value != "" && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
			faults = append(faults, fmt.Errorf("%s: %q is not a URL such as http://collector:4317", name, value))
		}
	}
	return errors.Join(faults...)
}

// disabled reports whether OpenTelemetry as a whole is switched off.
func (e environment) disabled() bool {
	return strings.EqualFold(e.text("false", "OTEL_SDK_DISABLED"), "true")
}

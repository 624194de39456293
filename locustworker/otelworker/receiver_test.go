package otelworker

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// received is what came over OTLP, by gRPC or HTTP. The metrics are cumulative: the
// last of a name counts.
type received struct {
	mu       sync.Mutex
	resource *resourcepb.Resource
	metrics  map[string]*metricspb.Metric
	spans    []*tracepb.Span
	logs     []*logspb.LogRecord
}

func (r *received) takeMetrics(m *colmetrics.ExportMetricsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range m.GetResourceMetrics() {
		r.resource = one.GetResource()
		for _, scope := range one.GetScopeMetrics() {
			for _, metric := range scope.GetMetrics() {
				r.metrics[metric.GetName()] = metric
			}
		}
	}
}

func (r *received) takeSpans(m *coltrace.ExportTraceServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range m.GetResourceSpans() {
		for _, scope := range one.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
}

func (r *received) takeLogs(m *collogs.ExportLogsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range m.GetResourceLogs() {
		for _, scope := range one.GetScopeLogs() {
			r.logs = append(r.logs, scope.GetLogRecords()...)
		}
	}
}

// receiveHTTP returns the endpoint of a receiver over HTTP, until the test ends.
func receiveHTTP(t *testing.T) (*received, string) {
	t.Helper()
	r := &received{metrics: map[string]*metricspb.Metric{}}
	mux := http.NewServeMux()
	handle(mux, "POST /v1/metrics", &colmetrics.ExportMetricsServiceRequest{}, r.takeMetrics)
	handle(mux, "POST /v1/traces", &coltrace.ExportTraceServiceRequest{}, r.takeSpans)
	handle(mux, "POST /v1/logs", &collogs.ExportLogsServiceRequest{}, r.takeLogs)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return r, server.URL
}

func handle[M proto.Message](mux *http.ServeMux, pattern string, like M, take func(M)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		message, _ := like.ProtoReflect().New().Interface().(M)
		if err == nil {
			err = proto.Unmarshal(body, message)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		take(message)
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
}

// receiveGRPC returns the endpoint of a receiver over gRPC, until the test ends.
func receiveGRPC(t *testing.T) (*received, string) {
	t.Helper()
	r := &received{metrics: map[string]*metricspb.Metric{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	colmetrics.RegisterMetricsServiceServer(server, metricsService{r: r})
	coltrace.RegisterTraceServiceServer(server, traceService{r: r})
	collogs.RegisterLogsServiceServer(server, logsService{r: r})
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return r, "http://" + l.Addr().String()
}

type metricsService struct {
	colmetrics.UnimplementedMetricsServiceServer
	r *received
}

func (s metricsService) Export(_ context.Context, m *colmetrics.ExportMetricsServiceRequest) (*colmetrics.ExportMetricsServiceResponse, error) {
	s.r.takeMetrics(m)
	return &colmetrics.ExportMetricsServiceResponse{}, nil
}

type traceService struct {
	coltrace.UnimplementedTraceServiceServer
	r *received
}

func (s traceService) Export(_ context.Context, m *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	s.r.takeSpans(m)
	return &coltrace.ExportTraceServiceResponse{}, nil
}

type logsService struct {
	collogs.UnimplementedLogsServiceServer
	r *received
}

func (s logsService) Export(_ context.Context, m *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	s.r.takeLogs(m)
	return &collogs.ExportLogsServiceResponse{}, nil
}

// text returns the attributes' values as text.
func text(attributes []*commonpb.KeyValue) map[string]string {
	all := map[string]string{}
	for _, kv := range attributes {
		value := kv.GetValue()
		if s, ok := value.GetValue().(*commonpb.AnyValue_StringValue); ok {
			all[kv.GetKey()] = s.StringValue
		} else {
			all[kv.GetKey()] = value.String()
		}
	}
	return all
}

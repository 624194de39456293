package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	colmetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"
)

// An otlpReceiver keeps what a program exports by OTLP over HTTP. Metrics are
// cumulative: the last of a name counts.
type otlpReceiver struct {
	url string

	mu       sync.Mutex
	resource *resourcepb.Resource
	scopes   map[string]bool
	metrics  map[string]*metricspb.Metric
	severity map[string]bool // of the log's records
}

func newOTLPReceiver(t *testing.T) *otlpReceiver {
	t.Helper()
	r := &otlpReceiver{scopes: map[string]bool{}, metrics: map[string]*metricspb.Metric{}, severity: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/metrics", func(w http.ResponseWriter, q *http.Request) {
		m := &colmetrics.ExportMetricsServiceRequest{}
		if readOTLP(t, w, q, m) {
			r.takeMetrics(m)
		}
	})
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, q *http.Request) {
		m := &collogs.ExportLogsServiceRequest{}
		if readOTLP(t, w, q, m) {
			r.takeLogs(m)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func readOTLP(t *testing.T, w http.ResponseWriter, q *http.Request, into proto.Message) bool {
	body, err := io.ReadAll(q.Body)
	if err == nil {
		err = proto.Unmarshal(body, into)
	}
	if err != nil {
		t.Errorf("%s: %v", q.URL.Path, err)
		w.WriteHeader(http.StatusBadRequest)
		return false
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	return true
}

func (r *otlpReceiver) takeMetrics(m *colmetrics.ExportMetricsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range m.GetResourceMetrics() {
		for _, scope := range one.GetScopeMetrics() {
			for _, metric := range scope.GetMetrics() {
				if strings.HasPrefix(metric.GetName(), "locust.") { // Python's SDK exports more, of itself
					r.resource = one.GetResource()
					r.scopes[scope.GetScope().GetName()] = true
					r.metrics[metric.GetName()] = metric
				}
			}
		}
	}
}

func (r *otlpReceiver) takeLogs(m *collogs.ExportLogsServiceRequest) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range m.GetResourceLogs() {
		for _, scope := range one.GetScopeLogs() {
			for _, record := range scope.GetLogRecords() {
				r.severity[record.GetSeverityNumber().String()+" "+record.GetSeverityText()] = true
			}
		}
	}
}

// requests returns how many each series of the histogram has counted.
func (r *otlpReceiver) requests() map[string]int {
	counts := map[string]int{}
	for _, p := range r.metrics["locust.client.duration"].GetHistogram().GetDataPoints() {
		a := attributeValues(p.GetAttributes())
		counts[strings.TrimSpace(a["name"]+" "+a["error.type"])] += int(p.GetCount())
	}
	return counts
}

func attributeValues(attributes []*commonpb.KeyValue) map[string]string {
	values := map[string]string{}
	for _, kv := range attributes {
		values[kv.GetKey()] = kv.GetValue().GetStringValue()
	}
	return values
}

// describe says of a metric all but its figures.
func describe(m *metricspb.Metric) string {
	var keys []string
	add := func(attributes []*commonpb.KeyValue) {
		for _, kv := range attributes {
			if !slices.Contains(keys, kv.GetKey()) {
				keys = append(keys, kv.GetKey())
			}
		}
		slices.Sort(keys)
	}
	text := fmt.Sprintf("%s, %q, unit %q, ", m.GetName(), m.GetDescription(), m.GetUnit())
	if h := m.GetHistogram(); h != nil {
		text += fmt.Sprintf("histogram, %s, ", h.GetAggregationTemporality())
		for _, p := range h.GetDataPoints() {
			add(p.GetAttributes())
		}
		if len(h.GetDataPoints()) > 0 {
			text += fmt.Sprint("buckets ", h.GetDataPoints()[0].GetExplicitBounds(), ", ")
		}
	}
	if g := m.GetGauge(); g != nil {
		text += "gauge, "
		for _, p := range g.GetDataPoints() {
			add(p.GetAttributes())
			text += fmt.Sprintf("%T, ", p.GetValue())
		}
	}
	return text + "attributes " + strings.Join(keys, " ")
}

// TestOTelIsThatOfPython runs the same users with --otel in Go and in Python, with the
// service and without one: both export the same metrics under the same attributes, and
// the counts of both are those of their own tables.
//
// Conformance: C13
func TestOTelIsThatOfPython(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if out, err := exec.Command(built.worker, "data", "-n", "20", "-host", c.apiURL).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var sent [2]*otlpReceiver
	for i, program := range []string{built.worker, built.locust} {
		for _, host := range []string{c.apiURL, "http://127.0.0.1:1"} {
			r := newOTLPReceiver(t)
			args := []string{"--otel", "-u", "4", "-r", "4", "-t", "4s", "-H", host, "--profile", "night", "--json-file", "rows", "JSONGet"}
			if program == built.locust {
				args = append([]string{"-f", filepath.Join(built.root, "locustfile.py")}, args...)
			}
			run := c.runHeadlessWith([]string{
				"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT=" + r.url,
				"OTEL_TRACES_EXPORTER=none", "OTEL_RESOURCE_ATTRIBUTES=team=load",
			}, program, nil, args...)
			total := 0
			for _, n := range r.requests() {
				total += n
			}
			if table := run.jsonTotal(t); total == 0 || total != table { // Python's CSV files lack the last second
				t.Errorf("%s: %d requests exported, %d in the table\n%s", program, total, table, run.log)
			}
			if host == c.apiURL {
				sent[i] = r
				continue
			}
			for series := range r.requests() {
				if !strings.HasSuffix(series, "Error") {
					t.Errorf("%s: %q without a service has no error.type", program, series)
				}
			}
		}
	}
	compareOTLP(t, sent[0], sent[1])
}

func compareOTLP(t *testing.T, got, want *otlpReceiver) {
	t.Helper()
	if !maps.Equal(got.scopes, want.scopes) {
		t.Errorf("scopes %v, Python's are %v", got.scopes, want.scopes)
	}
	if len(want.metrics) != 2 {
		t.Errorf("Python has exported %v", want.metrics)
	}
	for _, name := range slices.Sorted(maps.Keys(want.metrics)) {
		if a, b := describe(got.metrics[name]), describe(want.metrics[name]); a != b {
			t.Errorf("Go:\n%s\nPython:\n%s", a, b)
		}
	}
	if a, b := slices.Sorted(maps.Keys(got.requests())), slices.Sorted(maps.Keys(want.requests())); !slices.Equal(a, b) {
		t.Errorf("series %q, Python's are %q", a, b)
	}
	ours, theirs := attributeValues(got.resource.GetAttributes()), attributeValues(want.resource.GetAttributes())
	// The SDK, the program, its version and its instance are each one's own.
	own := []string{"filename", "service.version", "service.instance.id", "telemetry.sdk.language", "telemetry.sdk.name", "telemetry.sdk.version"}
	for key, value := range theirs {
		if mine, ok := ours[key]; !ok || mine != value && !slices.Contains(own, key) {
			t.Errorf("resource: %s is %q, Python's is %q", key, mine, value)
		}
	}
	if info := "SEVERITY_NUMBER_INFO INFO"; !got.severity[info] || !want.severity[info] {
		t.Errorf("log records: %v, Python's are %v", got.severity, want.severity)
	}
}

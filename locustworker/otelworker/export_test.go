package otelworker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/httpuser"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A target counts requests, keeps their traceparent, and answers /missing with 404.
type target struct {
	*httptest.Server

	mu      sync.Mutex
	parents map[string]int
}

func newTarget(t *testing.T) *target {
	t.Helper()
	s := &target{parents: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.parents[r.Header.Get("traceparent")]++
		s.mu.Unlock()
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

type visitor struct{ httpuser.User }

// visit makes 10 requests, of which one fails, and records a sample without a time.
func (v *visitor) visit(ctx context.Context) error {
	for range 9 {
		if _, err := v.Get(ctx, "/here"); err != nil {
			return err
		}
	}
	if _, err := v.Get(ctx, "/missing", httpuser.Name("gone")); err != nil {
		return err
	}
	v.Record(locustworker.Sample{Type: "WS", Name: "/push", NoTime: true})
	return locustworker.ErrStopUser
}

// exportRun runs 3 users without a master, with these variables set.
func exportRun(t *testing.T, host string, env map[string]string) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	e, err := Start(t.Context(), locustworker.TelemetryRun{Program: "shoptest", Version: "1.2", Profile: "night", Alone: true}, log)
	if err != nil {
		t.Fatal(err)
	}
	class := httpuser.NewClass[visitor]("Visitor", httpuser.Config{}).Task("visit", 1, (*visitor).visit)
	w, err := locustworker.New(e.Configure(locustworker.Config{Host: host, Logger: log}), class)
	if err != nil {
		t.Fatal(err)
	}
	e.Observe(w)
	if _, err := w.RunHeadless(t.Context(), locustworker.Headless{Users: 3, SpawnRate: 100, RunTime: time.Second}); err != nil {
		t.Error(err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

// Conformance: C13
func TestExport(t *testing.T) {
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		t.Run(protocol, func(t *testing.T) {
			receive := map[string]func(*testing.T) (*received, string){"grpc": receiveGRPC, "http/protobuf": receiveHTTP}[protocol]
			r, endpoint := receive(t)
			target := newTarget(t)
			exportRun(t, target.URL, map[string]string{
				"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
				"OTEL_TRACES_EXPORTER": "otlp", "OTEL_RESOURCE_ATTRIBUTES": "deployment=test,profile=day",
			})
			checkMetrics(t, r)
			checkSpans(t, r, target)
			checkResourceAndLog(t, r)
		})
	}
}

func checkMetrics(t *testing.T, r *received) {
	t.Helper()
	times := r.metrics["locust.client.duration"]
	if times.GetUnit() != "s" || times.GetHistogram().GetAggregationTemporality() != metricspb.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE {
		t.Errorf("%v", times)
	}
	counts := map[string]uint64{}
	for _, p := range times.GetHistogram().GetDataPoints() {
		attributes := text(p.GetAttributes())
		counts[attributes["name"]+" "+attributes["error.type"]] = p.GetCount()
		for _, exemplar := range p.GetExemplars() {
			if len(exemplar.GetTraceId()) != 16 || len(exemplar.GetSpanId()) != 8 {
				t.Errorf("exemplar %v", exemplar)
			}
		}
		if len(p.GetExemplars()) == 0 {
			t.Errorf("%v has no exemplar", attributes)
		}
	}
	if len(counts) != 2 || counts["/here "] != 27 || counts["gone HTTPError"] != 3 {
		t.Errorf("%v", counts)
	}
	users := r.metrics["locust.users.count"]
	points := users.GetGauge().GetDataPoints()
	if users.GetUnit() != "{user}" || len(points) != 1 || text(points[0].GetAttributes())["user_class"] != "Visitor" || points[0].GetAsInt() != 0 {
		t.Errorf("%v", users)
	}
}

func checkSpans(t *testing.T, r *received, target *target) {
	t.Helper()
	if len(r.spans) != 30 || len(target.parents) != 30 {
		t.Errorf("%d spans, %d different traceparents", len(r.spans), len(target.parents))
	}
	for _, span := range r.spans {
		attributes := text(span.GetAttributes())
		parent := "00-" + hexOf(span.GetTraceId()) + "-" + hexOf(span.GetSpanId()) + "-01"
		switch {
		case target.parents[parent] != 1:
			t.Errorf("%s was received %d times", parent, target.parents[parent])
		case attributes["user_class"] != "Visitor" || attributes["http.request.method"] != "GET" || !strings.HasPrefix(attributes["url.full"], target.URL+"/"):
			t.Errorf("%v", attributes)
		case span.GetName() == "GET gone":
			if attributes["error.type"] != "HTTPError" || attributes["http.response.status_code"] != "int_value:404" || span.GetStatus().GetMessage() == "" {
				t.Errorf("%v %v", span.GetStatus(), attributes)
			}
		case span.GetName() != "GET /here" || attributes["http.response.status_code"] != "int_value:200" || span.GetStatus().GetMessage() != "":
			t.Errorf("%v", span)
		}
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

func checkResourceAndLog(t *testing.T, r *received) {
	t.Helper()
	got := text(r.resource.GetAttributes())
	host, _ := os.Hostname()
	for key, want := range map[string]string{
		"service.name": "locust", "service.version": "1.2", "host.name": host, "filename": "shoptest", "profile": "day", "deployment": "test",
		"telemetry.sdk.language": "go",
	} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
	if got["service.instance.id"] == "" {
		t.Error("no service.instance.id")
	}
	ended := false
	for _, record := range r.logs {
		ended = ended || record.GetBody().GetStringValue() == "run ended"
	}
	if !ended {
		t.Errorf("the log: %v", r.logs)
	}
}

// TestSampling holds that a sampler of the environment is obeyed, and that the target
// learns of it.
func TestSampling(t *testing.T) {
	r, endpoint := receiveHTTP(t)
	target := newTarget(t)
	exportRun(t, target.URL, map[string]string{
		"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "always_off",
	})
	if len(r.spans) != 0 || len(target.parents) != 30 {
		t.Errorf("%d spans, %d traceparents", len(r.spans), len(target.parents))
	}
	for parent := range target.parents {
		if !strings.HasSuffix(parent, "-00") {
			t.Errorf("%s is sampled", parent)
		}
	}
}

// TestWithoutTraces holds the default: metrics and log, and nothing added to requests.
func TestWithoutTraces(t *testing.T) {
	r, endpoint := receiveHTTP(t)
	target := newTarget(t)
	exportRun(t, target.URL, map[string]string{"OTEL_EXPORTER_OTLP_PROTOCOL": "http", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
	if len(r.spans) != 0 || len(r.metrics) != 2 || len(r.logs) == 0 || len(target.parents) != 1 || target.parents[""] != 30 {
		t.Errorf("%d spans, %d metrics, %d log records, %v", len(r.spans), len(r.metrics), len(r.logs), target.parents)
	}
}

// TestNothingToExport holds that a worker runs with the export switched off.
func TestNothingToExport(t *testing.T) {
	for _, env := range []string{
		"OTEL_SDK_DISABLED=true",
		"OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none",
	} {
		e, err := Options{}.start(t.Context(), fake(env), locustworker.TelemetryRun{Alone: true}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		cfg := e.Configure(locustworker.Config{})
		e.Observe(nil)
		if !reflect.DeepEqual(cfg, locustworker.Config{}) {
			t.Errorf("%s: %+v", env, cfg)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestFaultsOfTheStart(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if _, err := (Options{MaxNames: -1}).start(t.Context(), fake(""), locustworker.TelemetryRun{}, log); err == nil {
		t.Error("MaxNames -1 is taken")
	}
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "no pair")
	if _, err := Start(t.Context(), locustworker.TelemetryRun{}, log); err == nil || !strings.Contains(err.Error(), "OTEL_RESOURCE_ATTRIBUTES") {
		t.Errorf("%v", err)
	}
}

// TestACollectorThatIsAway holds that Close says what was not exported, and ends.
func TestACollectorThatIsAway(t *testing.T) {
	away := httptest.NewServer(http.NotFoundHandler())
	away.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", away.URL)
	t.Setenv("OTEL_TRACES_EXPORTER", "otlp")
	e, err := Options{}.start(t.Context(), processEnvironment(), locustworker.TelemetryRun{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	cfg := e.Configure(locustworker.Config{})
	u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{})
	e.request(u, locustworker.Sample{Name: "/a", ResponseTime: time.Second, Trace: cfg.Tracer.StartRequest(t.Context(), u, "GET", "/a")})
	cfg.Tracer.StartRequest(t.Context(), u, "GET", "/a").Abort(errors.New("cut off"))
	limit, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := e.Close(limit); err == nil || !strings.Contains(err.Error(), "2 of 2 spans were not exported") {
		t.Errorf("Close: %v", err)
	}
}

package boomer

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// figures are what OnEvent gets of four requests in one second.
func figures() map[string]interface{} {
	var t tally
	t.add(sample("GET", "/a", 10*time.Millisecond, 100))
	t.add(sample("GET", "/a", 20*time.Millisecond, 200))
	t.add(failedSample("GET", "/a", 45*time.Millisecond, "no"))
	t.add(sample("PO\xffST", "/b", 1500*time.Microsecond, 7))
	data := t.take()
	data["user_count"] = int32(5)
	for _, r := range append(data["stats"].([]interface{}), data["stats_total"]) { // whatever the clock says
		fields := r.(map[string]interface{})
		fields["num_reqs_per_sec"] = map[int64]int64{1: fields["num_requests"].(int64)}
		if n := fields["num_failures"].(int64); n > 0 {
			fields["num_fail_per_sec"] = map[int64]int64{1: n}
		}
	}
	return data
}

func TestConsole(t *testing.T) {
	text := &logText{}
	o := NewConsoleOutput().WithLogger(nil).WithLogger(text.logger())
	o.OnStart()
	o.OnEvent(figures())
	o.OnStop()
	lines := strings.Split(text.String(), "\n")
	if !strings.Contains(lines[0], "Users: 5, Total RPS: 4, Total Fail Ratio: 25.0%") {
		t.Errorf("the first line is %q", lines[0])
	}
	for i, want := range []string{
		"Type Name # requests # fails Median Average Min Max Content Size # reqs/sec # fails/sec",
		"GET /a 3 1 20 25.00 10 45 100 3 1",
		"PO\xffST /b 1 0 2 2.00 2 2 7 1 0",
		"Total 4 1 10 19.25 2 45 76 4 1",
	} {
		if got := strings.Join(strings.Fields(lines[i+1]), " "); got != want {
			t.Errorf("line %d is\n%s\nwant\n%s", i+1, got, want)
		}
	}
}

// TestPushgateway: what a gateway gets, read as Prometheus reads it.
func TestPushgateway(t *testing.T) {
	var families map[string]*dto.MetricFamily
	var path string
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path
		families = make(map[string]*dto.MetricFamily)
		decoder := expfmt.NewDecoder(r.Body, expfmt.ResponseFormat(r.Header))
		for {
			family := &dto.MetricFamily{}
			if err := decoder.Decode(family); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Error(err)
				return
			}
			families[family.GetName()] = family
		}
	}))
	defer gateway.Close()
	text := &logText{}
	o := NewPrometheusPusherOutput(gateway.URL, "nightly").WithLogger(nil).WithLogger(text.logger())
	o.OnStart()
	for range 2 {
		o.OnEvent(figures())
	}
	o.OnStop()
	if path != "PUT /metrics/job/nightly" || text.String() != "" {
		t.Errorf("the gateway got %s; the log:\n%s", path, text)
	}
	want := map[string]float64{
		"num_requests": 3, "num_failures": 1, "median_response_time": 20, "average_response_time": 25, "min_response_time": 10,
		"max_response_time": 45, "average_content_length": 100, "current_rps": 3, "current_fail_per_sec": 1,
		"users": 5, "total_rps": 4, "fail_ratio": 0.25,
	}
	for name, value := range want {
		family := families["boomer_"+name]
		if family == nil {
			t.Errorf("there is no boomer_%s", name)
			continue
		}
		m := family.GetMetric()[0]
		if got := m.GetGauge().GetValue(); got != value {
			t.Errorf("boomer_%s is %v; want %v", name, got, value)
		}
		if labels := m.GetLabel(); len(labels) == 2 && (labels[0].GetValue() != "GET" || labels[1].GetName() != "name") {
			t.Errorf("boomer_%s has the labels %v", name, labels)
		}
	}
	if len(families) != len(want) {
		t.Errorf("%d metrics; want %d", len(families), len(want))
	}
}

// TestOutputsSayWhatIsWrong: a gateway that is not there, and a map that is none of
// ours.
func TestOutputsSayWhatIsWrong(t *testing.T) {
	gateway := httptest.NewServer(http.NotFoundHandler())
	defer gateway.Close()
	text := &logText{}
	pusher := NewPrometheusPusherOutput(gateway.URL, "a").WithLogger(text.logger())
	pusher.OnEvent(figures())
	pusher.OnEvent(nil)
	NewConsoleOutput().WithLogger(text.logger()).OnEvent(map[string]interface{}{"user_count": 1})
	for _, want := range []string{"404", "user_count is <nil>", "the console shows nothing: user_count is int"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, text)
		}
	}
}

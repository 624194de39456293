package promworker

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/bandwing/bandwing/locustworker"
)

// fixed is a source that always shows the same.
type fixed locustworker.Snapshot

func (f fixed) Snapshot() locustworker.Snapshot { return locustworker.Snapshot(f) }

func times(counts ...int64) locustworker.Histogram {
	h := locustworker.Histogram{
		Bounds: []time.Duration{100 * time.Microsecond, 1638400 * time.Microsecond},
		Counts: counts, Sum: 2500 * time.Millisecond,
	}
	for _, n := range counts {
		h.Count += n
	}
	return h
}

func someFigures() fixed {
	return fixed{
		Counters: locustworker.Counters{Recorded: 107, Confirmed: 90, Open: 10, Discarded: 7, Cut: 2},
		Rows: []locustworker.RowTotals{
			{Type: "GET", Name: `/a"\` + "\n", Requests: 100, Failures: 4, Times: times(50, 30, 19)},
			{Type: "PUT", Name: "/a", Requests: 7, Times: times(0, 7, 0)},
		},
		Users: map[string]int{"Reader": 3, "Writer": 0}, Link: locustworker.LinkProbing, Connections: 5, Lateness: times(1, 2, 3),
	}
}

func TestCollectorShowsTheSnapshot(t *testing.T) {
	const want = `
# HELP bandwing_worker_failures_total Requests that failed.
# TYPE bandwing_worker_failures_total counter
bandwing_worker_failures_total{method="GET",name="/a\"\\\n"} 4
bandwing_worker_failures_total{method="PUT",name="/a"} 0
# HELP bandwing_worker_link_state 1 for the state of the link to the master, 0 for the other states.
# TYPE bandwing_worker_link_state gauge
bandwing_worker_link_state{state="down"} 0
bandwing_worker_link_state{state="joining"} 0
bandwing_worker_link_state{state="probing"} 1
bandwing_worker_link_state{state="registered"} 0
# HELP bandwing_worker_open_connections Open connections to the system under test.
# TYPE bandwing_worker_open_connections gauge
bandwing_worker_open_connections 5
# HELP bandwing_worker_request_duration_seconds Response times of all requests that have one.
# TYPE bandwing_worker_request_duration_seconds histogram
bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a\"\\\n",le="0.0001"} 50
bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a\"\\\n",le="1.6384"} 80
bandwing_worker_request_duration_seconds_bucket{method="GET",name="/a\"\\\n",le="+Inf"} 99
bandwing_worker_request_duration_seconds_sum{method="GET",name="/a\"\\\n"} 2.5
bandwing_worker_request_duration_seconds_count{method="GET",name="/a\"\\\n"} 99
bandwing_worker_request_duration_seconds_bucket{method="PUT",name="/a",le="0.0001"} 0
bandwing_worker_request_duration_seconds_bucket{method="PUT",name="/a",le="1.6384"} 7
bandwing_worker_request_duration_seconds_bucket{method="PUT",name="/a",le="+Inf"} 7
bandwing_worker_request_duration_seconds_sum{method="PUT",name="/a"} 2.5
bandwing_worker_request_duration_seconds_count{method="PUT",name="/a"} 7
# HELP bandwing_worker_requests_cut_total Requests sent and never recorded: their user was stopped and the drain timeout passed.
# TYPE bandwing_worker_requests_cut_total counter
bandwing_worker_requests_cut_total 2
# HELP bandwing_worker_requests_total Requests that users recorded, failures included.
# TYPE bandwing_worker_requests_total counter
bandwing_worker_requests_total{method="GET",name="/a\"\\\n"} 100
bandwing_worker_requests_total{method="PUT",name="/a"} 7
# HELP bandwing_worker_samples_confirmed_total Samples that are proven to have arrived at the master.
# TYPE bandwing_worker_samples_confirmed_total counter
bandwing_worker_samples_confirmed_total 90
# HELP bandwing_worker_samples_discarded_total Samples dropped because their run was over before they could be delivered, or on a reset.
# TYPE bandwing_worker_samples_discarded_total counter
bandwing_worker_samples_discarded_total 7
# HELP bandwing_worker_samples_pending Samples recorded and neither confirmed nor discarded: not sent yet, or on their way.
# TYPE bandwing_worker_samples_pending gauge
bandwing_worker_samples_pending 10
# HELP bandwing_worker_samples_recorded_total Samples that users recorded: the sum of all requests.
# TYPE bandwing_worker_samples_recorded_total counter
bandwing_worker_samples_recorded_total 107
# HELP bandwing_worker_scheduler_lateness_seconds How long after the intended time users woke from the waits between their tasks.
# TYPE bandwing_worker_scheduler_lateness_seconds histogram
bandwing_worker_scheduler_lateness_seconds_bucket{le="0.0001"} 1
bandwing_worker_scheduler_lateness_seconds_bucket{le="1.6384"} 3
bandwing_worker_scheduler_lateness_seconds_bucket{le="+Inf"} 6
bandwing_worker_scheduler_lateness_seconds_sum 2.5
bandwing_worker_scheduler_lateness_seconds_count 6
# HELP bandwing_worker_users Users alive, those that are stopping included.
# TYPE bandwing_worker_users gauge
bandwing_worker_users{user_class="Reader"} 3
bandwing_worker_users{user_class="Writer"} 0
`
	if err := testutil.CollectAndCompare(NewCollector(someFigures()), strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

// TestCollectorIsSound: the registry checks that what is collected is what is
// described, and the linter that names and types are as Prometheus asks for.
func TestCollectorIsSound(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(someFigures()))
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// TestDocumentation holds the table of docs/worker-metrics.md against the code.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/worker-metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed, described []string
	rows := regexp.MustCompile("(?m)^\\| `(bandwing_[a-z_]+)` \\| [a-z]+ \\|( [a-z_`, ]+)? \\|")
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		labels := strings.NewReplacer("`", "", ", ", " ").Replace(row[2])
		listed = append(listed, row[1]+" ["+strings.TrimSpace(labels)+"]")
	}
	descs := make(chan *prometheus.Desc, 100)
	NewCollector(someFigures()).Describe(descs)
	close(descs)
	form := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([a-z_,]*)\}`)
	for d := range descs {
		m := form.FindStringSubmatch(d.String())
		described = append(described, m[1]+" ["+strings.ReplaceAll(m[2], ",", " ")+"]")
	}
	if !slices.Equal(listed, described) {
		t.Errorf("the documentation lists\n%q\nthe code\n%q", listed, described)
	}
}

func TestArrivals(t *testing.T) {
	figures := fixed{Arrivals: []locustworker.ArrivalTotals{{
		Class: "Visitor", Due: 10, Started: 7, Dropped: 2, Visitors: 4,
		Lateness: times(7, 0, 0), FromIntended: times(1, 2, 3), FromSent: times(3, 3, 0),
	}}}
	const want = `
# HELP bandwing_worker_arrivals_dropped_total Arrivals that became none, because no visitor was free or it was stopped first.
# TYPE bandwing_worker_arrivals_dropped_total counter
bandwing_worker_arrivals_dropped_total{user_class="Visitor"} 2
# HELP bandwing_worker_arrivals_total Arrivals of classes that have a rate of them.
# TYPE bandwing_worker_arrivals_total counter
bandwing_worker_arrivals_total{user_class="Visitor"} 10
# HELP bandwing_worker_iterations_started_total Arrivals that became iterations.
# TYPE bandwing_worker_iterations_started_total counter
bandwing_worker_iterations_started_total{user_class="Visitor"} 7
# HELP bandwing_worker_visitors Visitors alive, free ones included.
# TYPE bandwing_worker_visitors gauge
bandwing_worker_visitors{user_class="Visitor"} 4
`
	names := []string{
		"bandwing_worker_arrivals_dropped_total", "bandwing_worker_arrivals_total",
		"bandwing_worker_iterations_started_total", "bandwing_worker_visitors",
	}
	if err := testutil.CollectAndCompare(NewCollector(figures), strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(NewCollector(figures), "bandwing_worker_arrival_request_duration_seconds", "bandwing_worker_arrival_lateness_seconds"); n != 3 {
		t.Errorf("%d histograms; want 3", n)
	}
	if problems, err := testutil.CollectAndLint(NewCollector(figures)); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

package promworker

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandwing/bandwing/locustworker"
)

// A Source is what the metrics are read from: a *locustworker.Worker.
type Source interface {
	Snapshot() locustworker.Snapshot
}

var _ Source = (*locustworker.Worker)(nil)

// NewCollector returns a collector of the metrics whose names begin with
// bandwing_worker_. Each time it is read it takes one snapshot, so that the figures
// of one scrape belong together. Counters go on as long as the worker lives: no new
// run and no reset of the figures takes anything from them. It is safe for
// concurrent use.
func NewCollector(w Source) prometheus.Collector {
	row := []string{"method", "name"}
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("bandwing_worker_"+name, help, labels, nil)
	}
	return &collector{
		source:      w,
		requests:    describe("requests_total", "Requests that users recorded, failures included.", row...),
		failures:    describe("failures_total", "Requests that failed.", row...),
		duration:    describe("request_duration_seconds", "Response times of all requests that have one.", row...),
		users:       describe("users", "Users alive, those that are stopping included.", "user_class"),
		recorded:    describe("samples_recorded_total", "Samples that users recorded: the sum of all requests."),
		confirmed:   describe("samples_confirmed_total", "Samples that are proven to have arrived at the master."),
		pending:     describe("samples_pending", "Samples recorded and neither confirmed nor discarded: not sent yet, or on their way."),
		discarded:   describe("samples_discarded_total", "Samples dropped because their run was over before they could be delivered, or on a reset."),
		cut:         describe("requests_cut_total", "Requests sent and never recorded: their user was stopped and the drain timeout passed."),
		link:        describe("link_state", "1 for the state of the link to the master, 0 for the other states.", "state"),
		lateness:    describe("scheduler_lateness_seconds", "How long after the intended time users woke from the waits between their tasks."),
		connections: describe("open_connections", "Open connections to the system under test."),
		arrivals: arrivalDescs{
			due:      describe("arrivals_total", "Arrivals of classes that have a rate of them.", "user_class"),
			started:  describe("iterations_started_total", "Arrivals that became iterations.", "user_class"),
			dropped:  describe("arrivals_dropped_total", "Arrivals that became none, because no visitor was free or it was stopped first.", "user_class"),
			visitors: describe("visitors", "Visitors alive, free ones included.", "user_class"),
			lateness: describe("arrival_lateness_seconds", "How long after the intended time iterations started.", "user_class"),
			times: describe("arrival_request_duration_seconds",
				"Response times of requests in iterations, from when they were to be sent or from when they were sent.", "user_class", "from"),
		},
	}
}

type collector struct {
	source Source

	requests, failures, duration            *prometheus.Desc
	users                                   *prometheus.Desc
	recorded, confirmed, pending, discarded *prometheus.Desc
	cut, link, lateness, connections        *prometheus.Desc
	arrivals                                arrivalDescs
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.requests, c.failures, c.duration, c.users, c.recorded, c.confirmed, c.pending, c.discarded,
		c.cut, c.link, c.lateness, c.connections,
	} {
		ch <- d
	}
	c.arrivals.describe(ch)
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.source.Snapshot()
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	for _, row := range s.Rows {
		count(c.requests, row.Requests, row.Type, row.Name)
		count(c.failures, row.Failures, row.Type, row.Name)
		ch <- histogram(c.duration, row.Times, row.Type, row.Name)
	}
	for class, n := range s.Users {
		gauge(c.users, int64(n), class)
	}
	count(c.recorded, s.Counters.Recorded)
	count(c.confirmed, s.Counters.Confirmed)
	gauge(c.pending, s.Counters.Open)
	count(c.discarded, s.Counters.Discarded)
	count(c.cut, s.Counters.Cut)
	for _, state := range locustworker.LinkStates() {
		var on int64
		if state == s.Link {
			on = 1
		}
		gauge(c.link, on, state.String())
	}
	ch <- histogram(c.lateness, s.Lateness)
	gauge(c.connections, s.Connections)
	c.arrivals.collect(ch, s.Arrivals)
}

// histogram makes Prometheus' form of a histogram, whose buckets add up.
func histogram(d *prometheus.Desc, h locustworker.Histogram, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var sum uint64
	for i, bound := range h.Bounds {
		sum += uint64(h.Counts[i])
		buckets[seconds(bound)] = sum
	}
	return prometheus.MustNewConstHistogram(d, uint64(h.Count), seconds(h.Sum), buckets, labels...)
}

// seconds divides once, so that 1.6384 s does not become 1.6384000000000003.
func seconds(d time.Duration) float64 { return float64(d) / float64(time.Second) }

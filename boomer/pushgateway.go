package boomer

import (
	"log"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

// A PrometheusPusherOutput pushes the figures of each report to a Prometheus
// Pushgateway, as gauges:
//
//	boomer_num_requests, boomer_num_failures, boomer_median_response_time,
//	boomer_average_response_time, boomer_min_response_time,
//	boomer_max_response_time, boomer_average_content_length,
//	boomer_current_rps, boomer_current_fail_per_sec   by method and name
//	boomer_users, boomer_total_rps, boomer_fail_ratio
//
// Times are in milliseconds. All are figures of one report, not sums since the start;
// a row without a request since the last report has none.
type PrometheusPusherOutput struct {
	gateway, job string
	logger       *log.Logger
}

var _ Output = (*PrometheusPusherOutput)(nil)

// NewPrometheusPusherOutput returns an output that pushes to the gateway of this URL
// under this job.
func NewPrometheusPusherOutput(gatewayURL, jobName string) *PrometheusPusherOutput {
	return &PrometheusPusherOutput{gatewayURL, jobName, log.Default()}
}

// WithLogger sets where failed pushes are logged. nil changes nothing.
func (o *PrometheusPusherOutput) WithLogger(logger *log.Logger) *PrometheusPusherOutput {
	if logger != nil {
		o.logger = logger
	}
	return o
}

// OnStart does nothing.
func (o *PrometheusPusherOutput) OnStart() {}

// OnStop does nothing.
func (o *PrometheusPusherOutput) OnStop() {}

// OnEvent pushes the figures. A push that fails is logged; the next one does not make
// up for it.
func (o *PrometheusPusherOutput) OnEvent(data map[string]interface{}) {
	figures, err := read(data)
	if err == nil {
		err = push.New(o.gateway, o.job).Gatherer(gauges(figures)).Push()
	}
	if err != nil {
		o.logger.Printf("boomer: nothing was pushed to %s: %v", o.gateway, err)
	}
}

// gauges makes the metrics of a report.
func gauges(figures shown) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	single := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "boomer", Name: name, Help: help})
		g.Set(value)
		registry.MustRegister(g)
	}
	single("users", "The users that run.", float64(figures.users))
	single("total_rps", "The requests a second.", float64(figures.rps))
	single("fail_ratio", "The failures of all requests.", figures.failRatio)
	for _, column := range []struct {
		name, help string
		value      func(shownRow) float64
	}{
		{"num_requests", "The requests.", func(r shownRow) float64 { return float64(r.requests) }},
		{"num_failures", "The failures.", func(r shownRow) float64 { return float64(r.failures) }},
		{"median_response_time", "The median of the response times in ms.", func(r shownRow) float64 { return float64(r.median) }},
		{"average_response_time", "The average response time in ms.", func(r shownRow) float64 { return r.average }},
		{"min_response_time", "The shortest response time in ms.", func(r shownRow) float64 { return float64(r.least) }},
		{"max_response_time", "The longest response time in ms.", func(r shownRow) float64 { return float64(r.most) }},
		{"average_content_length", "The average length in bytes.", func(r shownRow) float64 { return float64(r.length) }},
		{"current_rps", "The requests a second.", func(r shownRow) float64 { return float64(r.rps) }},
		{"current_fail_per_sec", "The failures a second.", func(r shownRow) float64 { return float64(r.failuresPerSec) }},
	} {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "boomer", Name: column.name, Help: column.help}, []string{"method", "name"})
		registry.MustRegister(v)
		for _, r := range figures.rows {
			v.WithLabelValues(strings.ToValidUTF8(r.method, "\uFFFD"), strings.ToValidUTF8(r.name, "\uFFFD")).Set(column.value(r))
		}
	}
	return registry
}

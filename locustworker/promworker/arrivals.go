package promworker

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bandwing/bandwing/locustworker"
)

// arrivalDescs are the metrics of classes with arrivals.
type arrivalDescs struct {
	due, started, dropped, visitors, lateness, times *prometheus.Desc
}

func (d arrivalDescs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{d.due, d.started, d.dropped, d.visitors, d.lateness, d.times} {
		ch <- desc
	}
}

func (d arrivalDescs) collect(ch chan<- prometheus.Metric, all []locustworker.ArrivalTotals) {
	for _, a := range all {
		count := func(desc *prometheus.Desc, n int64) {
			ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), a.Class)
		}
		count(d.due, a.Due)
		count(d.started, a.Started)
		count(d.dropped, a.Dropped)
		ch <- prometheus.MustNewConstMetric(d.visitors, prometheus.GaugeValue, float64(a.Visitors), a.Class)
		ch <- histogram(d.lateness, a.Lateness, a.Class)
		ch <- histogram(d.times, a.FromIntended, a.Class, string(locustworker.FromIntended))
		ch <- histogram(d.times, a.FromSent, a.Class, string(locustworker.FromSent))
	}
}

package api

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// PoolStats are counts of a store's connections. All but Connections and Idle only grow.
type PoolStats struct {
	Hits        uint64 // a free connection was there
	Misses      uint64 // a connection had to be made
	Timeouts    uint64 // none became free in time
	Stale       uint64 // broken or too old
	Connections uint64 // open now
	Idle        uint64 // of these, not in use
}

// Pool is what a Store may have beside its methods; /metrics shows it then. It is safe for concurrent use.
type Pool interface {
	PoolStats() PoolStats
}

// poolCollector reads the pool whenever /metrics is asked for.
type poolCollector struct {
	pool        Pool
	uses        *prometheus.Desc
	stale       *prometheus.Desc
	connections *prometheus.Desc
}

func newPoolCollector(pool Pool) *poolCollector {
	return &poolCollector{
		pool: pool,
		uses: prometheus.NewDesc("bandwing_api_redis_pool_uses_total",
			"Connections that commands asked for: hit (one was free), miss (one had to be made), timeout (none became free).", []string{"result"}, nil),
		stale: prometheus.NewDesc("bandwing_api_redis_pool_stale_total", "Connections that were given up, broken or too old.", nil, nil),
		connections: prometheus.NewDesc("bandwing_api_redis_pool_connections",
			"Connections now, by state: idle or used.", []string{"state"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (p *poolCollector) Describe(out chan<- *prometheus.Desc) {
	out <- p.uses
	out <- p.stale
	out <- p.connections
}

// Collect implements prometheus.Collector.
func (p *poolCollector) Collect(out chan<- prometheus.Metric) {
	s := p.pool.PoolStats()
	for result, n := range map[string]uint64{"hit": s.Hits, "miss": s.Misses, "timeout": s.Timeouts} {
		out <- prometheus.MustNewConstMetric(p.uses, prometheus.CounterValue, float64(n), result)
	}
	out <- prometheus.MustNewConstMetric(p.stale, prometheus.CounterValue, float64(s.Stale))
	used := s.Connections - min(s.Idle, s.Connections)
	out <- prometheus.MustNewConstMetric(p.connections, prometheus.GaugeValue, float64(s.Idle), "idle")
	out <- prometheus.MustNewConstMetric(p.connections, prometheus.GaugeValue, float64(used), "used")
}

// logAccess writes a line for a request that has ended.
func (s *Server) logAccess(c *gin.Context, w *countingWriter) {
	s.cfg.Logger.InfoContext(c.Request.Context(), "request", "method", c.Request.Method, "path", c.Request.URL.Path,
		"status", w.Status(), "bytes", max(w.Size(), 0), "took", time.Since(w.start), "client", c.Request.RemoteAddr)
}

// profile serves /debug/pprof/.
func profile(c *gin.Context) {
	handlers := map[string]http.HandlerFunc{
		"/cmdline": pprof.Cmdline, "/profile": pprof.Profile, "/symbol": pprof.Symbol, "/trace": pprof.Trace,
	}
	handle, found := handlers[c.Param("name")]
	if !found {
		handle = pprof.Index
	}
	handle(c.Writer, c.Request)
}

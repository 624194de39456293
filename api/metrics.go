package api

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics has a registry of its own, so that several servers in one process count apart.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bandwing_api_requests_total",
			Help: "Requests by route, method and status. Counted before the first byte of the reply leaves.",
		}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bandwing_api_request_duration_seconds",
			Help: "Time from a request's header to the first byte of its reply, by route.",
			// 100 µs to 6.5 s, each twice the one before.
			Buckets: prometheus.ExponentialBuckets(100e-6, 2, 17),
		}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.latency,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (s *Server) getMetrics() gin.HandlerFunc {
	return gin.WrapH(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
}

// count is the outermost middleware: it counts every request exactly once, also one whose handler panics or whose
// client has hung up, and it does so before the first byte of the reply is handed to net/http. A client that has
// read its reply and then reads /metrics therefore finds itself counted, which the comparison of a load test's own
// count with ours relies on. Counting after the handler would be too late: a long reply is on the wire by then.
func (s *Server) count(c *gin.Context) {
	w := &countingWriter{
		ResponseWriter: c.Writer, metrics: s.metrics, start: time.Now(),
		route: routeLabel(c), method: methodLabel(c.Request.Method),
	}
	c.Writer = w
	defer w.count() // replies without a body, and panics that go on to net/http
	c.Next()
}

// countingWriter counts its request when the reply begins.
type countingWriter struct {
	gin.ResponseWriter
	metrics *metrics
	start   time.Time
	route   string
	method  string
	counted bool
}

func (w *countingWriter) count() {
	if w.counted {
		return
	}
	w.counted = true
	w.metrics.requests.WithLabelValues(w.route, w.method, strconv.Itoa(w.Status())).Inc()
	w.metrics.latency.WithLabelValues(w.route).Observe(time.Since(w.start).Seconds())
}

func (w *countingWriter) Write(b []byte) (int, error) {
	w.count()
	return w.ResponseWriter.Write(b)
}

func (w *countingWriter) WriteString(text string) (int, error) {
	w.count()
	return w.ResponseWriter.WriteString(text)
}

func (w *countingWriter) WriteHeaderNow() {
	w.count()
	w.ResponseWriter.WriteHeaderNow()
}

func (w *countingWriter) Flush() {
	w.count()
	w.ResponseWriter.Flush()
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// routeLabel is the route's pattern. What matches none shares a label by its part of the service, so that clients
// cannot make up labels.
func routeLabel(c *gin.Context) string {
	if path := c.FullPath(); path != "" {
		return path
	}
	if strings.HasPrefix(c.Request.URL.Path, "/api/v1/") {
		return "/api/v1/unmatched"
	}
	return "unmatched"
}

func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method
	}
	return "other"
}

// recover turns a handler's panic into a 500. When the reply has begun it breaks the connection instead, because the
// client must not take a part for the whole.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if err, isError := fault.(error); isError && errors.Is(err, http.ErrAbortHandler) {
			panic(fault)
		}
		s.cfg.Logger.Error("panic in a handler", "method", c.Request.Method, "path", c.Request.URL.Path,
			"panic", fault, "stack", string(debug.Stack()))
		c.Abort()
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		s.replyError(c, http.StatusInternalServerError, "internal error, report it: the service's log has the details")
	}()
	c.Next()
}

package api

import (
	"bytes"
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
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
	success  map[string]*success // by route; does not change once it serves
}

// success keeps the series of the requests that a route answered with 200: finding them costs more than counting.
type success struct {
	method string
	series atomic.Pointer[successSeries]
}

type successSeries struct {
	requests prometheus.Counter
	latency  prometheus.Observer
}

func newMetrics() *metrics {
	m := &metrics{
		success:  map[string]*success{},
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

// prepare is called once for each route.
func (m *metrics) prepare(r route) { m.success[r.path] = &success{method: r.method} }

// count counts one request. A series comes into being with its first request: /metrics shows no others.
func (m *metrics) count(route, method string, status int, took time.Duration) {
	s := m.success[route]
	if s == nil || s.method != method || status != http.StatusOK {
		m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
		m.latency.WithLabelValues(route).Observe(took.Seconds())
		return
	}
	series := s.series.Load()
	if series == nil {
		series = &successSeries{m.requests.WithLabelValues(route, method, "200"), m.latency.WithLabelValues(route)}
		s.series.Store(series)
	}
	series.requests.Inc()
	series.latency.Observe(took.Seconds())
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
	defer func() {
		w.end()
		if s.cfg.AccessLog {
			s.logAccess(c, w)
		}
	}()
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
	body    *bytes.Buffer // of the request, once it was read
}

// end counts replies without a body, and panics that go on to net/http. The store and the reply need the body no more.
func (w *countingWriter) end() {
	w.count()
	if w.body != nil && w.body.Cap() <= keepBuffer {
		buffers.Put(w.body)
	}
	w.body = nil
}

func (w *countingWriter) count() {
	if w.counted {
		return
	}
	w.counted = true
	w.metrics.count(w.route, w.method, w.Status(), time.Since(w.start))
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

package promworker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bandwing/bandwing/locustworker"
)

const (
	// headerTimeout bounds how long a client may take to say what it wants.
	headerTimeout = 5 * time.Second
	// stopTimeout bounds how long scrapes under way may go on when the worker ends.
	stopTimeout = time.Second
)

var _ locustworker.MetricsServer = Serve

// Handler returns a handler that shows the worker's metrics, and those of the
// process and of Go's runtime (process_*, go_*), in the format that the client
// asks for. It has a registry of its own and is safe for concurrent use.
func Handler(w Source) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(NewCollector(w),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// Serve serves Handler under /metrics on l until ctx ends, and closes l. Scrapes
// under way then get a second to end. It is made for Config.ServeMetrics.
func Serve(ctx context.Context, l net.Listener, w *locustworker.Worker) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", Handler(w))
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(rw, "A Locust worker. Its metrics for Prometheus: /metrics")
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

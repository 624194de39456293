package locustworker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// A MetricsServer serves the figures of a worker on a listener until ctx ends,
// closes the listener and returns when nothing of it is left; nil, or why it had to
// end before.
type MetricsServer func(ctx context.Context, l net.Listener, w *Worker) error

// metricsAddress checks an address for Config.MetricsAddr.
func metricsAddress(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("metrics address %q is not host:port, such as 127.0.0.1:9646 or :9646", addr)
	}
	return host, port, nil
}

// validateMetrics returns what is wrong with the settings of metrics.
func (c Config) validateMetrics() error {
	if c.MetricsAddr == "" {
		return nil
	}
	if _, _, err := metricsAddress(c.MetricsAddr); err != nil {
		return err
	}
	if c.ServeMetrics == nil {
		return errors.New("a metrics address is given, but the program has nothing that serves metrics: " +
			"its main must set Config.ServeMetrics (to promworker.Serve, for Prometheus)")
	}
	return nil
}

// listenMetrics opens the metrics' listener, or returns nil when none is asked for.
func (w *Worker) listenMetrics(ctx context.Context) (net.Listener, error) {
	if w.cfg.MetricsAddr == "" {
		return nil, nil //nolint:nilnil // no listener is no error
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", w.cfg.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetrics, err)
	}
	w.cfg.Logger.Info("serving metrics", "address", l.Addr().String())
	return l, nil
}

// serveMetrics blocks until ctx ends. That metrics cannot be served any more ends
// no load test.
func (w *Worker) serveMetrics(ctx context.Context, l net.Listener) {
	defer func() { _ = l.Close() }()
	if err := guard(func() error { return w.cfg.ServeMetrics(ctx, l, w) }); err != nil {
		w.cfg.Logger.Error("metrics are not served any more", "error", err)
	}
}

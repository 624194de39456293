package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// Server is the service. It is an http.Handler, safe for concurrent use.
type Server struct {
	cfg      Config
	store    Store
	metrics  *metrics
	engine   *gin.Engine
	pages    pages
	failures chan error // of requests that got a 503, for watchStore
}

const (
	// headerTimeout bounds reading a request's line and header, as ReadTimeout does for all of it.
	headerTimeout = 10 * time.Second
	// maxHeader is the size of a request's line and header in bytes beyond which it is a 431. A path of MaxPathLen bytes
	// has three times as many when all are escaped.
	maxHeader = 64 << 10
)

// warnFull returns what logs that no connection is free, once a minute.
func (s *Server) warnFull() func() {
	var last time.Time
	return func() {
		if last.IsZero() || time.Since(last) >= quiet {
			last = time.Now()
			s.cfg.Logger.Warn("no connection is free: others wait until one closes (API_MAX_CONNECTIONS)", "connections", s.cfg.MaxConnections)
		}
	}
}

// New makes a service on a store. It returns all faults of cfg at once. It switches gin, which has one mode for the
// whole process, to release mode.
func New(cfg Config, store Store) (*Server, error) {
	faults := cfg.Validate()
	if store == nil {
		faults = errors.Join(faults, errors.New("api: New needs a Store"))
	}
	if faults != nil {
		return nil, faults
	}
	s := &Server{cfg: cfg.withDefaults(), store: store, metrics: newMetrics(), failures: make(chan error, 1)}
	if pool, ok := store.(Pool); ok {
		s.metrics.registry.MustRegister(newPoolCollector(pool))
	}
	gin.SetMode(gin.ReleaseMode)
	routes := s.routes()
	s.engine = s.newEngine(routes)
	var err error
	s.pages, err = newPages(routes)
	return s, err
}

// ServeHTTP handles one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.engine.ServeHTTP(w, r)
}

// Serve accepts connections from listener until ctx ends. Then it stops gracefully: it closes the listener, lets
// requests in flight finish, and returns nil. When they need longer than ShutdownTimeout it closes their
// connections and returns an error. Serve blocks; it always closes the listener. It logs when the store is lost and when
// it is back.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadTimeout:       s.cfg.ReadTimeout,
		ReadHeaderTimeout: min(s.cfg.ReadTimeout, headerTimeout),
		MaxHeaderBytes:    maxHeader,
		WriteTimeout:      s.cfg.WriteTimeout,
		IdleTimeout:       s.cfg.IdleTimeout,
		ConnContext:       withConn,
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelWarn),
	}
	watch, endWatch := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watchStore(watch) })
	defer watching.Wait()
	defer endWatch()
	served := make(chan error, 1)
	go func() { served <- server.Serve(newConnListener(listener, s.cfg.MaxConnections, s.warnFull())) }()

	select {
	case err := <-served:
		return fmt.Errorf("api: serve %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.ShutdownTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if err != nil {
		err = fmt.Errorf("api: requests still in flight after %v were cut off: %w",
			s.cfg.ShutdownTimeout, errors.Join(err, server.Close()))
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

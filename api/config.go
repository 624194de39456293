package api

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config sets up a Server. The zero value is the documented default.
type Config struct {
	// MaxBody is the largest request body in bytes; a larger one is a 413. Default 16 MiB.
	MaxBody int64

	// ReadTimeout bounds reading one request, WriteTimeout handling it and writing the response. Default 60 s each.
	ReadTimeout  time.Duration
	WriteTimeout time.Duration

	// IdleTimeout is how long a keep-alive connection may wait for its next request. Default 5 min: longer than the
	// wait times of load-test users, because a connection that is closed under a request is a failure in the test.
	IdleTimeout time.Duration

	// MaxConnections is the most connections at a time; others wait until one closes, and the Logger gets a warning.
	// Default 16384, which take some 300 MB when all are in use.
	MaxConnections int

	// ShutdownTimeout is how long a graceful stop waits for requests in flight. Default 10 s.
	ShutdownTimeout time.Duration

	// Logger gets panics, faults of connections, and a line when the store is lost and when it is back. Default: nothing
	// is logged.
	Logger *slog.Logger

	// AccessLog has the Logger get every request, at level info, when it has ended.
	AccessLog bool

	// Profile serves Go's profiles below /debug/pprof/, for whoever can reach the service.
	Profile bool
}

const (
	defaultMaxBody         = 16 << 20
	defaultReadTimeout     = 60 * time.Second
	defaultWriteTimeout    = 60 * time.Second
	defaultMaxConnections  = 16384
	defaultIdleTimeout     = 5 * time.Minute
	defaultShutdownTimeout = 10 * time.Second
)

// Validate returns all faults of the configuration as one error, nil when there are none.
func (c Config) Validate() error {
	var faults []error
	if c.MaxBody < 0 {
		faults = append(faults, fmt.Errorf("api: MaxBody is %d bytes: it must be positive, or 0 for the default", c.MaxBody))
	}
	if c.MaxConnections < 0 {
		faults = append(faults, fmt.Errorf("api: MaxConnections is %d: it must be positive, or 0 for the default", c.MaxConnections))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"ReadTimeout", c.ReadTimeout},
		{"WriteTimeout", c.WriteTimeout},
		{"IdleTimeout", c.IdleTimeout},
		{"ShutdownTimeout", c.ShutdownTimeout},
	} {
		if d.value < 0 {
			faults = append(faults, fmt.Errorf("api: %s is %v: it must be positive, or 0 for the default", d.name, d.value))
		}
	}
	return errors.Join(faults...)
}

func (c Config) withDefaults() Config {
	orDefault(&c.MaxBody, defaultMaxBody)
	orDefault(&c.ReadTimeout, defaultReadTimeout)
	orDefault(&c.WriteTimeout, defaultWriteTimeout)
	orDefault(&c.MaxConnections, defaultMaxConnections)
	orDefault(&c.IdleTimeout, defaultIdleTimeout)
	orDefault(&c.ShutdownTimeout, defaultShutdownTimeout)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func orDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

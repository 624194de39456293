package locustworker

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Defaults of Config.
const (
	defaultMasterHost    = "127.0.0.1"
	defaultMasterPort    = 5557
	defaultDrainTimeout  = time.Second
	defaultMasterTimeout = time.Minute
)

// A Config says how a worker meets its master. The zero value is a worker of a
// master on this machine with every default.
type Config struct {
	// MasterHost is the master's host name or address, resolved anew at each
	// connection. Default 127.0.0.1 (Locust's --master-host).
	MasterHost string
	// MasterPort is the master's port. Default 5557 (Locust's --master-port).
	MasterPort int
	// Host is the base URL of the system under test until the master names one
	// (Locust's --host).
	Host string
	// StopTimeout is how long running tasks may go on after a stop until the
	// master's first spawn says otherwise. Default 0 (Locust's --stop-timeout).
	StopTimeout time.Duration
	// DrainTimeout is how long requests in flight may take to come back after
	// their user was stopped, beyond the stop timeout, so that they are counted.
	// Default 1 s; negative means none, as in a Python worker.
	DrainTimeout time.Duration
	// MasterTimeout is how long users go on running while no master is seen.
	// Default 60 s (Locust's MASTER_HEARTBEAT_TIMEOUT).
	MasterTimeout time.Duration
	// LocustBuckets rounds all response times as Locust does, to 1 ms below
	// 100 ms. Default false: finer below 100 ms.
	LocustBuckets bool
	// Seed seeds the users' random numbers. 0 draws one.
	Seed uint64
	// Logger gets the worker's log. Default slog.Default().
	Logger *slog.Logger
}

// Validate returns every fault of the configuration, joined and wrapping
// ErrConfig, or nil.
func (c Config) Validate() error {
	var faults []error
	if c.MasterPort < 0 || c.MasterPort > 65535 {
		faults = append(faults, fmt.Errorf("master port %d is not between 1 and 65535", c.MasterPort))
	}
	if c.StopTimeout < 0 {
		faults = append(faults, fmt.Errorf("stop timeout %v is negative", c.StopTimeout))
	}
	if c.MasterTimeout < 0 {
		faults = append(faults, fmt.Errorf("master timeout %v is negative", c.MasterTimeout))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(faults...))
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	if c.MasterHost == "" {
		c.MasterHost = defaultMasterHost
	}
	if c.MasterPort == 0 {
		c.MasterPort = defaultMasterPort
	}
	switch {
	case c.DrainTimeout == 0:
		c.DrainTimeout = defaultDrainTimeout
	case c.DrainTimeout < 0:
		c.DrainTimeout = 0
	}
	if c.MasterTimeout == 0 {
		c.MasterTimeout = defaultMasterTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

package redisstore

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// Config says which Redis to use and how. The zero value of each field but Addr is the documented default.
type Config struct {
	// Addr is the host:port of the server. It is required, but for a Cluster or a Sentinel.
	Addr string

	// Cluster is the host:port of some nodes of a Redis Cluster, which know of the others.
	Cluster []string

	// Sentinel names a master by its sentinels, so that the store follows a failover.
	Sentinel Sentinel

	// Username and Password authenticate each connection; empty for none. A Password without a Username belongs to
	// Redis's default user.
	Username string
	Password string

	DB  int         // number of the logical database, default 0
	TLS *tls.Config // nil for a plain connection

	// DialTimeout bounds the making of a connection, default 1 s. Timeout bounds each of: waiting for a free
	// connection, writing a command and reading its reply, default 2 s. ScanTimeout bounds the search for keys as a
	// whole, which may need many commands, default 20 s. EditTimeout bounds the attempts to change a string that others
	// change at the same time, default 5 s.
	DialTimeout time.Duration
	Timeout     time.Duration
	ScanTimeout time.Duration
	EditTimeout time.Duration

	PoolSize int // most connections to a server, default 10 for each CPU

	// LegacyPaths is for RedisJSON 1.x: paths without `$`. A JSONPath is api.ErrInvalid then.
	LegacyPaths bool
}

// Sentinel is the way to a master that Redis Sentinel watches. Username and Password are for the sentinels.
type Sentinel struct {
	Master   string // its name, empty for no Sentinel
	Addrs    []string
	Username string
	Password string
}

const (
	defaultDialTimeout = time.Second
	defaultTimeout     = 2 * time.Second
	defaultScanTimeout = 20 * time.Second
	defaultEditTimeout = 5 * time.Second
)

// Validate returns all faults of the configuration as one error, nil when there are none.
func (c Config) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("redisstore: "+format, args...))
	}
	for _, addr := range c.addrs() {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			fault("Addr is %q: write host:port, such as 127.0.0.1:6379", addr)
		}
	}
	if len(c.Cluster) > 0 && c.Sentinel.Master != "" {
		fault("there are a Cluster and a Sentinel: choose one")
	}
	if len(c.Cluster) > 0 && c.DB != 0 {
		fault("DB is %d: a cluster has database 0 only", c.DB)
	}
	if c.Sentinel.Master != "" && len(c.Sentinel.Addrs) == 0 {
		fault("Sentinel %q has no Addrs", c.Sentinel.Master)
	}
	if c.Username != "" && c.Password == "" {
		fault("Username %q has no Password", c.Username)
	}
	if c.DB < 0 {
		fault("DB is %d: it must be 0 or more", c.DB)
	}
	if c.PoolSize < 0 {
		fault("PoolSize is %d: it must be positive, or 0 for the default", c.PoolSize)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"DialTimeout", c.DialTimeout},
		{"Timeout", c.Timeout},
		{"ScanTimeout", c.ScanTimeout},
		{"EditTimeout", c.EditTimeout},
	} {
		if d.value < 0 {
			fault("%s is %v: it must be positive, or 0 for the default", d.name, d.value)
		}
	}
	return errors.Join(faults...)
}

func (c Config) addrs() []string {
	switch {
	case len(c.Cluster) > 0:
		return c.Cluster
	case c.Sentinel.Master != "":
		return c.Sentinel.Addrs
	}
	return []string{c.Addr}
}

func (c Config) withDefaults() Config {
	c.DialTimeout = cmp.Or(c.DialTimeout, defaultDialTimeout)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.ScanTimeout = cmp.Or(c.ScanTimeout, defaultScanTimeout)
	c.EditTimeout = cmp.Or(c.EditTimeout, defaultEditTimeout)
	return c
}

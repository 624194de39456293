package redisuser

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/bandwing/bandwing/locustworker"
)

// poolSize is larger than the one connection that a link has to a server: after so many
// failures to find a master, go-redis asks the Sentinels once a second only.
const poolSize = 100

// ErrConfig says that a Config, or the user's host, cannot be used.
var ErrConfig = errors.New("redisuser: invalid configuration")

// The default of Config.Timeout: how long redis-py waits is for ever; go-redis's 3 s
// would make failures of slow replies.
const defaultTimeout = 60 * time.Second

// A Config says how a user's commands are sent. The zero value is usable.
type Config struct {
	// URL is the server's, as in the package's documentation. Default: the user's
	// host.
	URL string
	// Username and Password override those of the URL.
	Username, Password string
	// DB is the database that is selected. Default: that of the URL, else 0. A
	// cluster has none but 0.
	DB int
	// TLS is used for every connection when it is not nil, and for rediss URLs,
	// whose certificates are verified when it is nil.
	TLS *tls.Config
	// SentinelMaster is the name of the master that the Sentinels at the URL's
	// addresses know. Default "": the addresses are those of Redis itself.
	SentinelMaster string
	// SentinelUsername and SentinelPassword are for the Sentinels themselves.
	SentinelUsername, SentinelPassword string
	// Cluster says that a single address is a node of a cluster. Several addresses
	// without SentinelMaster are one in any case.
	Cluster bool
	// Timeout limits how long a command waits for its reply, and a connection for
	// being opened. Default 60 s; negative means none.
	Timeout time.Duration
	// EachCommand records the commands of a pipeline or transaction one by one, each
	// with the time of the whole and an equal share of its length.
	EachCommand bool
	// CommandName names a command's sample where Name does not. Default: the
	// command's name in upper case.
	CommandName func(redis.Cmder) string
	// Pool, if it is not nil, holds the connections that the user shares with others.
	// It decides where they lead, and all fields above but EachCommand and
	// CommandName must be left out. Default: each user has a connection of its own.
	Pool *Pool
}

// dials reports whether the Config says anything about connections.
func (c *Config) dials() bool {
	return c.URL != "" || c.Username != "" || c.Password != "" || c.DB != 0 || c.TLS != nil || c.SentinelMaster != "" ||
		c.SentinelUsername != "" || c.SentinelPassword != "" || c.Cluster || c.Timeout != 0
}

// options returns what a client of one connection a server is made from.
func (c *Config) options(host string) (*redis.UniversalOptions, error) {
	parsed, rest, err := parseHost(cmp.Or(c.URL, host))
	if err != nil {
		return nil, err
	}
	timeout := cmp.Or(c.Timeout, defaultTimeout)
	o := &redis.UniversalOptions{
		Addrs:    append([]string{parsed.Addr}, rest...),
		Username: cmp.Or(c.Username, parsed.Username), Password: cmp.Or(c.Password, parsed.Password),
		DB: cmp.Or(c.DB, parsed.DB), TLSConfig: parsed.TLSConfig,
		MasterName: c.SentinelMaster, SentinelUsername: c.SentinelUsername, SentinelPassword: c.SentinelPassword,
		IsClusterMode: c.Cluster,
		DialTimeout:   timeout, ReadTimeout: timeout, WriteTimeout: timeout,
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1, // a command that is sent twice would be two at the server and one sample
		DialerRetries:            1,
		Protocol:                 2, // without the notifications of protocol 3
		DisableIdentity:          true,
		PoolSize:                 poolSize,
		PipelinePoolSize:         -1, // pipelines use the one connection too
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if c.Timeout < 0 {
		o.ReadTimeout, o.WriteTimeout = -1, -1
		o.DialTimeout = 0
	}
	if c.TLS != nil {
		o.TLSConfig = c.TLS
	}
	if c.SentinelMaster != "" && c.Cluster {
		return nil, fmt.Errorf("%w: Cluster and SentinelMaster exclude each other", ErrConfig)
	}
	return o, nil
}

// parseHost reads a redis URL, an address, or several of them separated by commas:
// what the first one says of user, database and TLS counts for all.
func parseHost(host string) (first *redis.Options, rest []string, err error) {
	all := strings.Split(host, ",")
	for i, one := range all {
		one = strings.TrimSpace(one)
		if one == "" {
			return nil, nil, fmt.Errorf("%w: no host: set it in the web UI, with --host, in the class or as Config.URL, such as redis://localhost:6379", ErrConfig)
		}
		if !strings.Contains(one, "://") {
			one = "redis://" + one
		}
		o, err := redis.ParseURL(one)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: host %s; it must be like redis://localhost:6379 or rediss://cache:6380/0",
				ErrConfig, locustworker.HidePasswords(fmt.Sprintf("%q: %v", one, err)))
		}
		if i == 0 {
			first = o
		} else {
			rest = append(rest, o.Addr)
		}
	}
	return first, rest, nil
}

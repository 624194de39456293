package redisstore

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient makes the client for one server, for the master that sentinels name, or for a cluster.
func newClient(cfg Config) redis.UniversalClient {
	opts := &redis.UniversalOptions{
		Addrs:     []string{cfg.Addr},
		Username:  cfg.Username,
		Password:  cfg.Password,
		DB:        cfg.DB,
		TLSConfig: cfg.TLS,

		// RESP2 because RedisJSON's replies differ in RESP3.
		Protocol:        2,
		DisableIdentity: true, // CLIENT SETINFO needs Redis 7.2 and a permission

		MaxRetries:            -1, // see the package comment
		DialerRetries:         1,  // a request fails at once when Redis is down, and the next one dials again
		DialTimeout:           cfg.DialTimeout,
		ReadTimeout:           cfg.Timeout,
		WriteTimeout:          cfg.Timeout,
		PoolTimeout:           cfg.Timeout,
		ContextTimeoutEnabled: true,
		PoolSize:              cfg.PoolSize,
		PipelinePoolSize:      -1, // they have what the pool has

		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}, // needs RESP3
	}
	switch {
	case len(cfg.Cluster) > 0:
		opts.Addrs, opts.IsClusterMode = cfg.Cluster, true
	case cfg.Sentinel.Master != "":
		opts.Addrs, opts.MasterName = cfg.Sentinel.Addrs, cfg.Sentinel.Master
		opts.SentinelUsername, opts.SentinelPassword = cfg.Sentinel.Username, cfg.Sentinel.Password
	}
	return redis.NewUniversalClient(opts)
}

// Servers names what a store with this configuration talks to.
func (c Config) Servers() string {
	switch {
	case len(c.Cluster) > 0:
		return "cluster " + strings.Join(c.Cluster, ",")
	case c.Sentinel.Master != "":
		return c.Sentinel.Master + " of sentinel " + strings.Join(c.Sentinel.Addrs, ",")
	}
	return c.Addr
}

// node is a server that holds keys of its own.
type node interface {
	Process(ctx context.Context, cmd redis.Cmder) error
	Scan(ctx context.Context, cursor uint64, match string, count int64) *redis.ScanCmd
}

// masters returns the server, or all masters of a cluster.
func (s *sender) masters(ctx context.Context) ([]node, error) {
	cluster, isCluster := s.client.(*redis.ClusterClient)
	if !isCluster {
		return []node{s.client}, nil
	}
	var (
		mu    sync.Mutex
		nodes []node
	)
	err := cluster.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error { // all at once
		mu.Lock()
		defer mu.Unlock()
		nodes = append(nodes, master)
		return nil
	})
	return nodes, err
}

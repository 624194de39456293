// Package redisstore is the api.Store on Redis with the RedisJSON module, by go-redis: on one server, on the master that
// sentinels name, or on a cluster; with RedisJSON 2.x, or 1.x by Config.LegacyPaths.
//
// Reply bytes are handed on as they came, without a copy. Commands are sent at most once: a reply that got lost is an
// error and no reason to send again, because an increment or an append would then count twice.
package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

var (
	_ api.Store = (*Store)(nil)
	_ api.Pool  = (*Store)(nil)
)

const (
	// readyKey is read by Ready. It need not exist.
	readyKey = "bandwing:readyz"
)

// Store is an api.Store. It is safe for concurrent use.
type Store struct {
	*sender
	addr        string // for error texts
	legacy      bool
	scanTimeout time.Duration
	editTimeout time.Duration
	scripts     scripts
}

// New makes a store. It does not connect: Redis may be down and come up later, Ready tells. Close the store when it
// is no longer used.
func New(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Store{
		sender: newSender(newClient(cfg)), addr: cfg.Servers(), legacy: cfg.LegacyPaths,
		scanTimeout: cfg.ScanTimeout, editTimeout: cfg.EditTimeout, scripts: newScripts(),
	}, nil
}

// PoolStats implements api.Pool; in a cluster for all nodes together.
func (s *Store) PoolStats() api.PoolStats {
	p := s.client.PoolStats()
	return api.PoolStats{
		Hits: uint64(p.Hits), Misses: uint64(p.Misses), Timeouts: uint64(p.Timeouts), Stale: uint64(p.StaleConns),
		Connections: uint64(p.TotalConns), Idle: uint64(p.IdleConns),
	}
}

// Close closes all connections.
func (s *Store) Close() error { return s.client.Close() }

// Ready implements api.Store. It sets a key that does not exist, only if it exists: that changes nothing, but Redis
// refuses it whenever it would refuse to read or write documents. All masters of a cluster are asked.
func (s *Store) Ready(ctx context.Context) error {
	masters, err := s.masters(ctx)
	if err != nil {
		return s.failure(err, target{key: readyKey})
	}
	for _, master := range masters {
		if err := s.ready(ctx, master); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) ready(ctx context.Context, master node) error {
	err := master.Process(ctx, redis.NewStatusCmd(ctx, "JSON.SET", readyKey, s.root(), "0", "XX"))
	if err == nil || errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "MOVED ") ||
		isNoKeyAccess(err) { // a user who may work on other keys
		return nil
	}
	err = s.failure(err, target{key: readyKey})
	if errors.Is(err, api.ErrInvalid) || errors.Is(err, api.ErrNotFound) {
		return fmt.Errorf("%w: Redis at %s has RedisJSON 1: set REDIS_JSON_LEGACY=true, or load RedisJSON 2", api.ErrUnavailable, s.addr)
	}
	return err
}

// Get implements api.Reader with JSON.GET.
func (s *Store) Get(ctx context.Context, key string, path api.Path) (json.RawMessage, error) {
	at := target{key: key, path: path}
	if path.Whole() {
		document, from, to, err := s.getWhole(ctx, at)
		return document[from:to], err
	}
	expr, err := s.expr(path)
	if err != nil {
		return nil, err
	}
	cmd := redis.NewStringCmd(ctx, "JSON.GET", key, expr)
	_ = s.send(ctx, onceString{cmd}, 0)
	matches, err := cmd.Bytes()
	if err != nil {
		return nil, s.atPath(ctx, err, at, "")
	}
	if !s.legacy && isEmptyArray(matches) {
		return nil, at.notFound()
	}
	if path.Many() {
		return matches, nil
	}
	return s.value(matches), nil
}

// Fields implements api.Reader with JSON.OBJKEYS.
func (s *Store) Fields(ctx context.Context, key string, path api.Path) ([][]string, error) {
	at := target{key: key, path: path}
	if path.Whole() {
		return s.fieldsWhole(ctx, at)
	}
	expr, err := s.expr(path)
	if err != nil {
		return nil, err
	}
	cmd := redis.NewSliceCmd(ctx, "JSON.OBJKEYS", key, expr)
	if err := s.send(ctx, onceSlice{cmd}, 0); err != nil {
		return nil, s.atPath(ctx, err, at, "an object")
	}
	if s.legacy {
		return [][]string{texts(cmd.Val())}, nil
	}
	fields := make([][]string, 0, len(cmd.Val()))
	objects := 0
	for _, match := range cmd.Val() {
		names, isObject := match.([]any)
		if !isObject {
			fields = append(fields, nil)
			continue
		}
		objects++
		fields = append(fields, texts(names))
	}
	switch {
	case len(fields) == 0:
		return nil, at.notFound()
	case objects == 0:
		return nil, at.wrongType("an object")
	}
	return fields, nil
}

func texts(values []any) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		if text, ok := v.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// Set implements api.Writer with JSON.SET at the root.
func (s *Store) Set(ctx context.Context, key string, document json.RawMessage) error {
	cmd := redis.NewStatusCmd(ctx, "JSON.SET", key, s.root(), []byte(document))
	return s.failure(s.send(ctx, onceStatus{cmd}, len(document)), target{key: key})
}

// Update implements api.Writer with JSON.SET … XX.
func (s *Store) Update(ctx context.Context, key string, path api.Path, value json.RawMessage) error {
	at := target{key: key, path: path}
	if path.Whole() {
		_, err := s.changeWhole(ctx, at, func(document []byte, from, to int) ([]byte, error) {
			return splice(document, from, to, value), nil
		})
		return err
	}
	expr, err := s.expr(path)
	if err != nil {
		return err
	}
	cmd := redis.NewStatusCmd(ctx, "JSON.SET", key, expr, []byte(value), "XX")
	return s.failure(s.send(ctx, onceStatus{cmd}, len(value)), at)
}

// Delete implements api.Writer with JSON.DEL.
func (s *Store) Delete(ctx context.Context, key string, path api.Path) error {
	at := target{key: key, path: path}
	if path.Whole() {
		_, err := s.changeWhole(ctx, at, func(document []byte, from, to int) ([]byte, error) {
			return without(document, from, to), nil
		})
		return err
	}
	expr, err := s.expr(path)
	if err != nil {
		return err
	}
	cmd := redis.NewIntCmd(ctx, "JSON.DEL", key, expr)
	if err := s.send(ctx, onceInt{cmd}, 0); err != nil {
		return s.failure(err, at)
	}
	if cmd.Val() == 0 {
		return at.notFound()
	}
	return nil
}

// target is what a command works on, for error texts.
type target struct {
	key   string
	path  api.Path
	field string // of a hash
	want  string // what the key must hold, empty for a JSON document
}

func (t target) notFound() error {
	switch {
	case t.field != "":
		return fmt.Errorf("%w: there is no key %.100q, or no field %.100q in it", api.ErrNotFound, t.key, t.field)
	case t.path == (api.Path{}):
		return fmt.Errorf("%w: there is no key %.100q", api.ErrNotFound, t.key)
	}
	return fmt.Errorf("%w: there is no key %.100q, or nothing at %.100q in it", api.ErrNotFound, t.key, t.path)
}

// wrongType is for a value in a document, wrongKey for a key of another Redis type.
func (t target) wrongType(want string) error {
	return fmt.Errorf("%w: the value at %.100q of key %.100q is not %s: use another path", api.ErrWrongType, t.path, t.key, want)
}

func (t target) wrongKey() error {
	return fmt.Errorf("%w: key %.100q holds no %s: use another key", api.ErrWrongType, t.key, cmp.Or(t.want, "JSON document"))
}

func isEmptyArray(b []byte) bool { return len(b) == len("[]") && b[0] == '[' }

// onlyElement takes the brackets off an array of one match.
func onlyElement(matches []byte) []byte {
	if len(matches) < len("[]") || matches[0] != '[' {
		return matches
	}
	return matches[1 : len(matches)-1]
}

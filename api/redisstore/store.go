// Package redisstore is the api.Store on Redis with the RedisJSON module 2.x, by go-redis.
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
	"strings"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/bandwing/bandwing/api"
)

var _ api.Store = (*Store)(nil)

const (
	// readyKey is read by Ready. It need not exist.
	readyKey = "bandwing:readyz"

	minScanCount = 100
	maxScanCount = 1000
)

// Store is an api.Store. It is safe for concurrent use.
type Store struct {
	*sender
	addr        string
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
	client := redis.NewUniversalClient(&redis.UniversalOptions{
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
		PipelinePoolSize:      -1, // ours are two commands long and need no connections of their own

		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}, // needs RESP3
	})
	sender, err := newSender(client)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("redisstore: %w", err), client.Close())
	}
	return &Store{
		sender: sender, addr: cfg.Addr, scanTimeout: cfg.ScanTimeout, editTimeout: cfg.EditTimeout, scripts: newScripts(),
	}, nil
}

// Close closes all connections.
func (s *Store) Close() error { return s.client.Close() }

// Ready implements api.Store with PING and a JSON.GET.
func (s *Store) Ready(ctx context.Context) error {
	pipe := s.client.Pipeline()
	ping := pipe.Ping(ctx)
	probe := redis.NewStringCmd(ctx, "JSON.GET", readyKey)
	_ = pipe.Process(ctx, probe) // a pipeline only queues here
	_, sendErr := pipe.Exec(ctx)
	// Without a connection only Exec reports an error, the commands do not; else it repeats the first of theirs.
	for _, err := range []error{ping.Err(), probe.Err(), sendErr} {
		if err != nil && !errors.Is(err, redis.Nil) {
			return s.failure(err, target{key: readyKey})
		}
	}
	return nil
}

// Get implements api.Reader with JSON.GET.
func (s *Store) Get(ctx context.Context, key string, path api.Path) (json.RawMessage, error) {
	at := target{key: key, path: path}
	cmd := redis.NewStringCmd(ctx, "JSON.GET", key, path.String())
	_ = s.send(ctx, onceString{cmd}, 0)
	matches, err := cmd.Bytes()
	if err != nil {
		return nil, s.failure(err, at)
	}
	if isEmptyArray(matches) {
		return nil, at.notFound()
	}
	if path.Many() {
		return matches, nil
	}
	return onlyElement(matches), nil
}

// Fields implements api.Reader with JSON.OBJKEYS.
func (s *Store) Fields(ctx context.Context, key string, path api.Path) ([][]string, error) {
	at := target{key: key, path: path}
	cmd := redis.NewSliceCmd(ctx, "JSON.OBJKEYS", key, path.String())
	if err := s.send(ctx, onceSlice{cmd}, 0); err != nil {
		return nil, s.failure(err, at)
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

var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

// Keys implements api.Reader with SCAN until limit keys are found or the end is reached. SCAN may return a key twice;
// Keys does not. Keys that are not UTF-8 are left out, since JSON has no way to write them.
func (s *Store) Keys(ctx context.Context, prefix string, limit int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.scanTimeout)
	defer cancel()
	var (
		pattern = globEscaper.Replace(prefix) + "*"
		count   = int64(min(max(limit, minScanCount), maxScanCount))
		keys    = []string{}
		seen    = map[string]struct{}{}
		cursor  uint64
	)
	for {
		page, next, err := s.client.Scan(ctx, cursor, pattern, count).Result()
		if err != nil {
			return nil, s.failure(err, target{})
		}
		for _, key := range page {
			if _, twice := seen[key]; twice || !utf8.ValidString(key) {
				continue
			}
			seen[key] = struct{}{}
			if keys = append(keys, key); len(keys) == limit {
				return keys, nil
			}
		}
		if next == 0 {
			return keys, nil
		}
		cursor = next
	}
}

// Set implements api.Writer with JSON.SET at the root.
func (s *Store) Set(ctx context.Context, key string, document json.RawMessage) error {
	cmd := redis.NewStatusCmd(ctx, "JSON.SET", key, "$", []byte(document))
	return s.failure(s.send(ctx, onceStatus{cmd}, len(document)), target{key: key})
}

// Update implements api.Writer with JSON.SET … XX.
func (s *Store) Update(ctx context.Context, key string, path api.Path, value json.RawMessage) error {
	cmd := redis.NewStatusCmd(ctx, "JSON.SET", key, path.String(), []byte(value), "XX")
	return s.failure(s.send(ctx, onceStatus{cmd}, len(value)), target{key: key, path: path})
}

// Delete implements api.Writer with JSON.DEL.
func (s *Store) Delete(ctx context.Context, key string, path api.Path) error {
	at := target{key: key, path: path}
	cmd := redis.NewIntCmd(ctx, "JSON.DEL", key, path.String())
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

package redisstore

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// SetHash implements api.Hashes with DEL and HSET, in a script that looks at the key's type first.
func (s *Store) SetHash(ctx context.Context, key string, fields []api.HashField) error {
	args := make([]any, 0, 2*len(fields))
	size := 0
	for _, field := range fields {
		args = append(args, field.Name, field.Value)
		size += len(field.Name) + len(field.Value)
	}
	_, err := s.run(ctx, s.scripts.setHash, hashTarget(key), size, args...)
	return err
}

// GetHash implements api.Hashes with HGETALL.
func (s *Store) GetHash(ctx context.Context, key string) ([]api.HashField, error) {
	cmd := redis.NewSliceCmd(ctx, "HGETALL", key)
	if err := s.send(ctx, onceSlice{cmd}, 0); err != nil {
		return nil, s.failure(err, hashTarget(key))
	}
	if len(cmd.Val()) == 0 {
		return nil, hashTarget(key).notFound()
	}
	return pairs(cmd.Val()), nil
}

// GetHashField implements api.Hashes with HGET.
func (s *Store) GetHashField(ctx context.Context, key, name string) (string, error) {
	cmd := redis.NewStringCmd(ctx, "HGET", key, name)
	err := s.send(ctx, onceString{cmd}, 0)
	return cmd.Val(), s.failure(err, target{key: key, want: "hash", field: name})
}

// UpdateHash implements api.Hashes with HEXISTS, HSET and HGETALL in a script.
func (s *Store) UpdateHash(ctx context.Context, key string, field api.HashField) ([]api.HashField, error) {
	at := target{key: key, want: "hash", field: field.Name}
	cmd, err := s.run(ctx, s.scripts.updateHash, at, len(field.Value), field.Name, field.Value)
	if err != nil {
		return nil, err
	}
	values, err := cmd.Slice()
	if err != nil {
		return nil, fmt.Errorf("redisstore: HGETALL in a script: %w", err)
	}
	return pairs(values), nil
}

// pairs takes name, value, name, value, … apart.
func pairs(values []any) []api.HashField {
	fields := make([]api.HashField, 0, len(values)/2)
	for i := 0; i+1 < len(values); i += 2 {
		name, _ := values[i].(string)
		value, _ := values[i+1].(string)
		fields = append(fields, api.HashField{Name: name, Value: value})
	}
	return fields
}

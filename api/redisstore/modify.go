package redisstore

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// AppendString implements api.Modifier with JSON.STRAPPEND.
func (s *Store) AppendString(ctx context.Context, key string, path api.Path, text json.RawMessage) (json.RawMessage, error) {
	cmd := redis.NewSliceCmd(ctx, "JSON.STRAPPEND", key, path.String(), []byte(text))
	return s.modify(ctx, target{key: key, path: path}, cmd, func() error { return checkLengths(cmd.Val(), target{key: key, path: path}, "a string") })
}

// AppendArray implements api.Modifier with JSON.ARRAPPEND.
func (s *Store) AppendArray(ctx context.Context, key string, path api.Path, elements []json.RawMessage) (json.RawMessage, error) {
	args := make([]any, 0, 3+len(elements))
	args = append(args, "JSON.ARRAPPEND", key, path.String())
	for _, element := range elements {
		args = append(args, []byte(element))
	}
	cmd := redis.NewSliceCmd(ctx, args...)
	return s.modify(ctx, target{key: key, path: path}, cmd, func() error { return checkLengths(cmd.Val(), target{key: key, path: path}, "an array") })
}

// IncrBy implements api.Modifier with JSON.NUMINCRBY. RedisJSON wraps integers around at 64 bits.
func (s *Store) IncrBy(ctx context.Context, key string, path api.Path, num json.RawMessage) (json.RawMessage, error) {
	return s.arithmetic(ctx, "JSON.NUMINCRBY", target{key: key, path: path}, num)
}

// MultBy implements api.Modifier with JSON.NUMMULTBY.
func (s *Store) MultBy(ctx context.Context, key string, path api.Path, num json.RawMessage) (json.RawMessage, error) {
	return s.arithmetic(ctx, "JSON.NUMMULTBY", target{key: key, path: path}, num)
}

func (s *Store) arithmetic(ctx context.Context, command string, at target, num json.RawMessage) (json.RawMessage, error) {
	cmd := redis.NewStringCmd(ctx, command, at.key, at.path.String(), []byte(num))
	return s.modify(ctx, at, cmd, func() error { return checkNumbers(cmd.Val(), at) })
}

// modify sends change and JSON.GET of the whole document as one transaction in one round trip. check looks at the
// reply of a change that Redis executed: RedisJSON takes a change that applied to nothing for a success.
func (s *Store) modify(ctx context.Context, at target, change redis.Cmder, check func() error) (json.RawMessage, error) {
	get := redis.NewStringCmd(ctx, "JSON.GET", at.key, "$")
	pipe := s.client.TxPipeline()
	_ = pipe.Process(ctx, change) // a pipeline only queues here
	_ = pipe.Process(ctx, get)
	_, err := pipe.Exec(ctx)
	if changeErr := change.Err(); changeErr != nil {
		return nil, s.failure(changeErr, at) // says more than the transaction's error
	}
	if err != nil {
		return nil, s.failure(err, at)
	}
	if err := check(); err != nil {
		return nil, err
	}
	matches, err := get.Bytes()
	return onlyElement(matches), err
}

// checkLengths looks at the new length of each match, nil for a match of another type.
func checkLengths(lengths []any, at target, want string) error {
	if len(lengths) == 0 {
		return at.notFound()
	}
	for _, length := range lengths {
		if length != nil {
			return nil
		}
	}
	return at.wrongType(want)
}

// checkNumbers looks at a JSON array with the new number of each match, null for a match of another type.
func checkNumbers(numbers string, at target) error {
	if numbers == "[]" {
		return at.notFound()
	}
	for number := range bytes.SplitSeq(onlyElement([]byte(numbers)), []byte(",")) {
		if string(number) != "null" {
			return nil
		}
	}
	return at.wrongType("a number")
}

package redisstore

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// The commands that change a value in place.
const (
	strAppend = "JSON.STRAPPEND"
	arrAppend = "JSON.ARRAPPEND"
	numIncrBy = "JSON.NUMINCRBY"
	numMultBy = "JSON.NUMMULTBY"
)

// AppendString implements api.Modifier with JSON.STRAPPEND.
func (s *Store) AppendString(ctx context.Context, key string, path api.Path, text json.RawMessage) (json.RawMessage, error) {
	return s.appendTo(ctx, strAppend, target{key: key, path: path}, "a string", text)
}

// AppendArray implements api.Modifier with JSON.ARRAPPEND.
func (s *Store) AppendArray(ctx context.Context, key string, path api.Path, elements []json.RawMessage) (json.RawMessage, error) {
	return s.appendTo(ctx, arrAppend, target{key: key, path: path}, "an array", elements...)
}

// IncrBy implements api.Modifier with JSON.NUMINCRBY.
func (s *Store) IncrBy(ctx context.Context, key string, path api.Path, num json.RawMessage) (json.RawMessage, error) {
	return s.changeNumber(ctx, numIncrBy, target{key: key, path: path}, num)
}

// MultBy implements api.Modifier with JSON.NUMMULTBY.
func (s *Store) MultBy(ctx context.Context, key string, path api.Path, num json.RawMessage) (json.RawMessage, error) {
	return s.changeNumber(ctx, numMultBy, target{key: key, path: path}, num)
}

func (s *Store) appendTo(ctx context.Context, command string, at target, want string, elements ...json.RawMessage) (json.RawMessage, error) {
	if at.path.Whole() {
		return s.modifyWhole(ctx, command, at, want, elements)
	}
	values := make([]any, len(elements))
	for i, element := range elements {
		values[i] = []byte(element)
	}
	return s.modify(ctx, command, at, want, checkLengths, values...)
}

// modify sends the command and JSON.GET of the whole document as one transaction in one round trip. check looks at the
// reply of a command that Redis executed: RedisJSON takes a change that applied to nothing for a success.
func (s *Store) modify(ctx context.Context, command string, at target, want string,
	check func(reply any, at target, want string) error, values ...any,
) (json.RawMessage, error) {
	expr, err := s.expr(at.path)
	if err != nil {
		return nil, err
	}
	change := redis.NewCmd(ctx, append([]any{command, at.key, expr}, values...)...)
	get := redis.NewStringCmd(ctx, "JSON.GET", at.key, s.root())
	pipe := s.client.TxPipeline()
	_ = pipe.Process(ctx, onceAny{change}) // a pipeline only queues here
	_ = pipe.Process(ctx, onceString{get})
	_, err = pipe.Exec(ctx)
	if changeErr := change.Err(); changeErr != nil {
		return nil, s.atPath(ctx, changeErr, at, want) // says more than the transaction's error
	}
	if err != nil {
		return nil, s.failure(err, at)
	}
	if err := check(change.Val(), at, want); err != nil {
		return nil, err
	}
	document, err := get.Bytes()
	return s.value(document), err
}

// checkLengths looks at the new length of each match, nil for a match of another type; at a legacy path at the only one.
func checkLengths(reply any, at target, want string) error {
	lengths, isArray := reply.([]any)
	switch {
	case !isArray:
		return nil
	case len(lengths) == 0:
		return at.notFound()
	}
	for _, length := range lengths {
		if length != nil {
			return nil
		}
	}
	return at.wrongType(want)
}

// checkNumbers looks at a JSON array with the new number of each match, null for a match of another type; at a legacy
// path at the only one.
func checkNumbers(reply any, at target, want string) error {
	numbers, _ := reply.(string)
	if numbers == "[]" {
		return at.notFound()
	}
	for number := range bytes.SplitSeq(onlyElement([]byte(numbers)), []byte(",")) {
		if string(number) != "null" {
			return nil
		}
	}
	return at.wrongType(want)
}

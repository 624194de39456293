package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// RedisJSON 1.x knows plain paths only, with which 2.x answers as 1.x did: with the value itself instead of an array of
// matches, and with an error where nothing matches. Config.LegacyPaths is for it.

// expr writes a path for the module that the store talks to.
func (s *Store) expr(path api.Path) (string, error) {
	switch {
	case !s.legacy:
		return path.String(), nil
	case path.Many():
		return "", fmt.Errorf("%w: this service is set up for RedisJSON 1 (REDIS_JSON_LEGACY), which has no JSONPath: "+
			"write a plain path such as a.b[0].name", api.ErrInvalid)
	case path == (api.Path{}):
		return ".", nil
	}
	return strings.TrimPrefix(path.String(), "$"), nil
}

func (s *Store) root() string {
	if s.legacy {
		return "."
	}
	return "$"
}

// value takes one match out of a reply of JSON.GET.
func (s *Store) value(reply []byte) []byte {
	if s.legacy {
		return reply
	}
	return onlyElement(reply)
}

// atPath gives an error of a command at a plain path its kind. Most of these errors do not say whether there is nothing
// or something else; JSON.TYPE does.
func (s *Store) atPath(ctx context.Context, err error, at target, want string) error {
	failed := s.failure(err, at)
	if !s.legacy || !errors.Is(failed, errLegacyPath) {
		return failed
	}
	path, err := s.expr(at.path)
	if err != nil {
		return err
	}
	cmd := redis.NewStringCmd(ctx, "JSON.TYPE", at.key, path)
	if err := s.send(ctx, onceString{cmd}, 0); err != nil {
		return s.failure(err, at)
	}
	if want == "" {
		return at.notFound()
	}
	return at.wrongType(want)
}

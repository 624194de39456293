package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// replyRule gives the kind of an error reply that begins with a text, apart from "ERR ". RedisJSON has no error codes
// and Redis few, so there is only the text to go by. The beginning, because replies go on with what the client sent.
type replyRule struct {
	prefix string
	kind   error
}

var replyRules = []replyRule{
	// Redis: not now, or not with this account or server.
	{unknownCommand, api.ErrUnavailable},
	{"LOADING ", api.ErrUnavailable},
	{"OOM ", api.ErrUnavailable},
	{"READONLY ", api.ErrUnavailable},
	{"MASTERDOWN ", api.ErrUnavailable},
	{"CLUSTERDOWN ", api.ErrUnavailable},
	{"TRYAGAIN ", api.ErrUnavailable},
	{"MISCONF ", api.ErrUnavailable},
	{"NOREPLICAS ", api.ErrUnavailable},
	{"BUSY ", api.ErrUnavailable},
	{"NOAUTH ", api.ErrUnavailable},
	{"WRONGPASS ", api.ErrUnavailable},
	{"NOPERM ", api.ErrUnavailable},
	{"The user executing the script can't run this command", api.ErrUnavailable}, // NOPERM in a script of Redis 7.0
	{"EXECABORT ", api.ErrUnavailable},
	{"max number of clients reached", api.ErrUnavailable},
	{"invalid DB index", api.ErrUnavailable},
	{"DB index is out of range", api.ErrUnavailable},

	{"MOVED ", api.ErrUnavailable},
	{"ASK ", api.ErrUnavailable},

	// RedisJSON at a path without `$`, and RedisJSON 1.
	{"Path '", errLegacyPath},
	{"wrong type of path value", api.ErrWrongType},
	{"key '", api.ErrNotFound},
	{"index '[", api.ErrNotFound},
	{"invalid key '", api.ErrNotFound},
	{"invalid index '", api.ErrNotFound},
	{"Search path error at offset", api.ErrInvalid},

	// RedisJSON: the key.
	{"could not perform this operation on a key that doesn't exist", api.ErrNotFound},
	{"new objects must be created at the root", api.ErrNotFound},
	{"Existing key has wrong Redis type", api.ErrWrongType},
	{"WRONGTYPE ", api.ErrWrongType},
	{noNumber, api.ErrWrongType},

	// RedisJSON: the input.
	{"Error occurred on position", api.ErrInvalid}, // its path parser
	{"bad input number", api.ErrInvalid},
	{"Couldn't parse as UTF-8", api.ErrInvalid},
}

// errLegacyPath is for "Path '.a' does not exist or not a string": see atPath.
var errLegacyPath = fmt.Errorf("%w: legacy path", api.ErrNotFound)

// isNoKeyAccess knows Redis's answer to a user who may use the command, but not on this key, of Redis 7.0 and of 7.2.
func isNoKeyAccess(err error) bool {
	return redis.HasErrorPrefix(err, "NOPERM this user has no permissions to access one of the keys") ||
		redis.HasErrorPrefix(err, "NOPERM No permissions to access a key")
}

// unknownCommand is Redis's answer to a JSON command without RedisJSON. The command's arguments follow.
const unknownCommand = "unknown command"

// unknownInScript is in the answer to a script with such a command. What is before it depends on Redis's version.
const unknownInScript = "Unknown Redis command called from "

// noNumber is RedisJSON's answer when arithmetic leaves the range of a 64-bit float.
const noNumber = "result is not a number"

// jsonFault is in every complaint of RedisJSON's JSON parser: "key must be a string at line 1 column 2".
const jsonFault = " at line "

// replyKind is nil for a reply that nothing is known about.
func replyKind(text string) error {
	text = strings.TrimPrefix(text, "ERR ")
	for _, rule := range replyRules {
		if strings.HasPrefix(text, rule.prefix) {
			return rule.kind
		}
	}
	if strings.Contains(text, unknownInScript) {
		return api.ErrUnavailable
	}
	if strings.Contains(text, jsonFault) {
		return api.ErrInvalid
	}
	return nil
}

// failure gives a go-redis error its api kind; nil stays nil.
func (s *Store) failure(err error, at target) error {
	var reply redis.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil):
		return at.notFound()
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("redisstore: %w", err)
	case !errors.As(err, &reply):
		// Only the way to Redis is left: dialing, the pool, a timeout, a broken connection, a closed store.
		return fmt.Errorf("%w: no answer from %s: %w", api.ErrUnavailable, s.addr, err)
	}
	text := reply.Error()
	kind := replyKind(text)
	switch {
	case kind == nil:
		return fmt.Errorf("redisstore: Redis at %s refused the command: %w", s.addr, err)
	case strings.HasPrefix(text, "ERR "+unknownCommand), strings.Contains(text, unknownInScript):
		return fmt.Errorf("%w: Redis at %s has no RedisJSON 2: load the module (rejson.so)", kind, s.addr)
	case errors.Is(kind, errLegacyPath):
		return fmt.Errorf("%w: %.300q", kind, text)
	case errors.Is(kind, api.ErrNotFound):
		return at.notFound()
	case errors.Is(kind, api.ErrWrongType) && strings.HasSuffix(text, noNumber):
		return at.outOfRange(errNoNumber)
	case errors.Is(kind, api.ErrWrongType):
		return at.wrongKey()
	}
	return fmt.Errorf("%w: Redis says %.300q", kind, text)
}

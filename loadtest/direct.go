package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker/redisuser"
)

// What follows are the classes that talk to Redis itself, on the documents of the
// others: beside their rows stand those of the same work through the service. The name
// of a row is the command's, with the kind of document and, for a part of it, field.

// directSets are the classes whose users talk to Redis itself.
func directSets() []set {
	return []set{
		{name: "DirectJSONSet", direct: true, tasks: []task{
			{"add_json", 1, tagWrite, (*user).directAddComplex},
			{"add_random_small_json", 1, tagWrite, (*user).directAddFlat},
		}},
		{name: "DirectJSONGet", direct: true, tasks: []task{
			{"get_json", 1, tagRead, (*user).directGet},
			{"get_json_by_key_and_field", 1, tagRead, (*user).directGetField},
		}},
		{name: "DirectJSONChange", direct: true, tasks: []task{
			{"updateField_json", 1, tagUpdate, (*user).directUpdate},
			{"update_nested_Field_json", 1, tagUpdate, (*user).directUpdateNested},
			{"json_append_string", 1, tagAppend, (*user).directAppendText},
			{"json_append_array", 1, tagAppend, (*user).directAppendList},
			{"numbIncryBy", 1, tagUpdate, (*user).directIncrease},
			{"numMultiBy", 1, tagUpdate, (*user).directMultiply},
		}},
		{name: "DirectHash", direct: true, tasks: []task{
			{"post_as_hash", 1, tagWrite, (*user).directAddHash},
			{"get_as_hash", 1, tagRead, (*user).directGetHash},
			{"update_as_hash", 1, tagUpdate, (*user).directUpdateHash},
		}},
		{name: "DirectString", direct: true, tasks: []task{
			{"add_string", 1, tagWrite, (*user).directAddString},
			{"get_string", 1, tagRead, (*user).directGetString},
		}},
	}
}

// connect makes the user's client.
func (u *user) connect() error {
	session, err := redisuser.New(u.self, redisuser.Config{
		URL: u.cfg.RedisURL, Timeout: u.cfg.RequestTimeout, EachCommand: true,
	})
	u.redis = session
	return err
}

// A command is one that a task sends, and what its reply leads to.
type command struct {
	on     document // zero for a new one
	args   []any
	follow func(*redis.Cmd) error // nil for nothing; called when there is a reply
}

// direct is a task: it sends as many commands as a pipeline has, each made by next,
// under the name of a row.
func (u *user) direct(ctx context.Context, task, row string, next func() (command, error)) error {
	if err := u.chosen(task); err != nil {
		return err
	}
	commands := make([]command, u.cfg.PipelineDepth)
	for i := range commands {
		var err error
		if commands[i], err = next(); err != nil {
			return err
		}
	}
	replies := u.sendDirect(redisuser.Name(ctx, row), commands)
	for i, reply := range replies {
		if err := u.settleDirect(commands[i], reply); err != nil {
			return err
		}
	}
	return nil
}

// sendDirect sends one command, or a pipeline of several.
func (u *user) sendDirect(ctx context.Context, commands []command) []*redis.Cmd {
	if len(commands) == 1 {
		return []*redis.Cmd{u.redis.Do(ctx, commands[0].args...)}
	}
	replies := make([]*redis.Cmd, len(commands))
	pipe := u.redis.Pipeline()
	for i, c := range commands {
		replies[i] = pipe.Do(ctx, c.args...)
	}
	_, _ = pipe.Exec(ctx) // each reply has its own error
	return replies
}

// isGone tells what Redis and RedisJSON say of a document that does not exist.
func isGone(err error) bool {
	return errors.Is(err, redis.Nil) || strings.Contains(err.Error(), "key that doesn't exist") ||
		strings.Contains(err.Error(), "must be created at the root")
}

// settleDirect drops a document that turned out to be gone, and does what follows.
func (u *user) settleDirect(c command, reply *redis.Cmd) error {
	switch err := reply.Err(); {
	case err != nil && isGone(err):
		u.pool.drop(c.on)
		return nil
	case err != nil:
		return redisuser.Quiet(err)
	case c.follow == nil:
		return nil
	}
	return c.follow(reply)
}

// directOn is a task on documents of a kind, which must be there. args are a command's
// for one of them, without the key after its name.
func (u *user) directOn(ctx context.Context, task, row string, k kind, args func() []any) error {
	return u.directThen(ctx, task, row, k, args, nil)
}

// directThen is directOn with what a reply leads to.
func (u *user) directThen(ctx context.Context, task, row string, k kind, args func() []any, then func(document, *redis.Cmd) error) error {
	return u.direct(ctx, task, row, func() (command, error) {
		d, err := u.document(ctx, k)
		if err != nil {
			return command{}, err
		}
		c := command{on: d, args: slices.Insert(args(), 1, any(d.key))}
		if then != nil {
			c.follow = func(reply *redis.Cmd) error { return then(d, reply) }
		}
		return c, nil
	})
}

// directAdd is a task that writes documents of a kind, which exist from then on.
func (u *user) directAdd(ctx context.Context, task, row string, k kind, args func(key string) ([]any, error)) error {
	return u.direct(ctx, task, row, func() (command, error) {
		key := u.nextKey(k)
		all, err := args(key)
		return command{args: all, follow: func(*redis.Cmd) error { u.pool.add(key); return nil }}, err
	})
}

// resetDirect gives a field that has outgrown its bounds a new random value.
func (u *user) resetDirect(ctx context.Context, d document, field string) error {
	err := u.redis.Do(redisuser.Name(ctx, rowSetField), "JSON.SET", d.key, path(field), u.value(field)).Err()
	return redisuser.Quiet(err)
}

// value is a new random value for a field, as JSON.
func (u *user) value(field string) string {
	u.body = u.body[:0]
	u.appendValue(field)
	return string(u.body)
}

// path is a field as a JSONPath.
func path(field string) string { return "$." + field }

// flatHash is a random user as the fields of a hash: texts as they are, other values
// as JSON, which is how the service stores them.
func flatHash(d flatDocument) ([]any, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, err
	}
	fields := make([]any, 0, 2*len(raw))
	for name, value := range raw {
		var s string
		if json.Unmarshal(value, &s) != nil {
			s = string(value)
		}
		fields = append(fields, name, s)
	}
	return fields, nil
}

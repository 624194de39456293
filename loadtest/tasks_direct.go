package loadtest

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// rowSetField is the row of setting a field, for whatever reason.
const rowSetField = "JSON.SET complex:* field"

// maxItems is how many words an array may grow to: about maxGrown bytes of JSON.
const maxItems = 400

func (u *user) directAddComplex(ctx context.Context) error {
	return u.directAdd(ctx, "add_json", "JSON.SET complex:*", complexKind, func(key string) ([]any, error) {
		return []any{"JSON.SET", key, "$", appendComplex(nil, key, u.cfg.DocumentSize)}, nil
	})
}

func (u *user) directAddFlat(ctx context.Context) error {
	return u.directAdd(ctx, "add_random_small_json", "JSON.SET basicUser:*", flat, func(key string) ([]any, error) {
		body, err := json.Marshal(newFlatDocument(u.faker, key))
		return []any{"JSON.SET", key, "$", body}, err
	})
}

func (u *user) directGet(ctx context.Context) error {
	return u.directOn(ctx, "get_json", "JSON.GET complex:*", complexKind, func() []any { return []any{"JSON.GET"} })
}

func (u *user) directGetField(ctx context.Context) error {
	return u.directOn(ctx, "get_json_by_key_and_field", "JSON.GET complex:* field", complexKind, func() []any {
		return []any{"JSON.GET", path(one(u.rand, readFields[complexKind]))}
	})
}

func (u *user) directUpdate(ctx context.Context) error {
	return u.directOn(ctx, "updateField_json", rowSetField, complexKind, func() []any {
		field := one(u.rand, staticFields[complexKind])
		return []any{"JSON.SET", path(field), u.value(field)}
	})
}

func (u *user) directUpdateNested(ctx context.Context) error {
	return u.directOn(ctx, "update_nested_Field_json", "JSON.SET complex:* nested field", complexKind, func() []any {
		field := one(u.rand, nestedFields[complexKind])
		return []any{"JSON.SET", path(field), u.value(field)}
	})
}

func (u *user) directAppendText(ctx context.Context) error {
	args := func() []any {
		return []any{"JSON.STRAPPEND", path(fieldAbout), string(appendQuoted(nil, " "+u.faker.Word()))}
	}
	return u.directThen(ctx, "json_append_string", "JSON.STRAPPEND complex:*", complexKind, args,
		func(d document, reply *redis.Cmd) error { return u.keepBelow(ctx, d, fieldAbout, reply, maxGrown) })
}

func (u *user) directAppendList(ctx context.Context) error {
	args := func() []any {
		args := []any{"JSON.ARRAPPEND", path(fieldTags)}
		for range u.faker.Number(1, 3) {
			args = append(args, string(appendQuoted(nil, u.faker.Word())))
		}
		return args
	}
	return u.directThen(ctx, "json_append_array", "JSON.ARRAPPEND complex:*", complexKind, args,
		func(d document, reply *redis.Cmd) error { return u.keepBelow(ctx, d, fieldTags, reply, maxItems) })
}

// keepBelow sets a field anew whose length, which the reply tells, is above a limit.
func (u *user) keepBelow(ctx context.Context, d document, field string, reply *redis.Cmd, limit int64) error {
	lengths, err := reply.Int64Slice()
	if err == nil && len(lengths) == 1 && lengths[0] > limit {
		return u.resetDirect(ctx, d, field)
	}
	return nil
}

func (u *user) directIncrease(ctx context.Context) error {
	return u.directOn(ctx, "numbIncryBy", "JSON.NUMINCRBY complex:*", complexKind, func() []any {
		return []any{"JSON.NUMINCRBY", path(fieldPower), u.faker.Number(1, 10)}
	})
}

func (u *user) directMultiply(ctx context.Context) error {
	args := func() []any { return []any{"JSON.NUMMULTBY", path(fieldSpeed), one(u.rand, factors)} }
	return u.directThen(ctx, "numMultiBy", "JSON.NUMMULTBY complex:*", complexKind, args,
		func(d document, reply *redis.Cmd) error {
			text, _ := reply.Text() // an array of one number
			n, err := strconv.ParseFloat(strings.Trim(text, "[]"), 64)
			if err == nil && (n > maxNumber || n < minNumber) {
				return u.resetDirect(ctx, d, fieldSpeed)
			}
			return nil
		})
}

func (u *user) directAddHash(ctx context.Context) error {
	return u.directAdd(ctx, "post_as_hash", "HSET hashUser:*", hash, func(key string) ([]any, error) {
		fields, err := flatHash(newFlatDocument(u.faker, key))
		return append([]any{"HSET", key}, fields...), err
	})
}

func (u *user) directGetHash(ctx context.Context) error {
	args := func() []any { return []any{"HGETALL"} }
	return u.directThen(ctx, "get_as_hash", "HGETALL hashUser:*", hash, args,
		func(d document, reply *redis.Cmd) error {
			if fields, err := reply.Slice(); err == nil && len(fields) == 0 {
				u.pool.drop(d)
			}
			return nil
		})
}

func (u *user) directUpdateHash(ctx context.Context) error {
	return u.directOn(ctx, "update_as_hash", "HSET hashUser:* field", hash, func() []any {
		field := one(u.rand, updateFields[hash])
		var text string
		if value := u.value(field); json.Unmarshal([]byte(value), &text) != nil {
			text = value
		}
		return []any{"HSET", field, text}
	})
}

func (u *user) directAddString(ctx context.Context) error {
	return u.directAdd(ctx, "add_string", "SET complexString:*", text, func(key string) ([]any, error) {
		return []any{"SET", key, appendComplex(nil, key, u.cfg.DocumentSize)}, nil
	})
}

func (u *user) directGetString(ctx context.Context) error {
	return u.directOn(ctx, "get_string", "GET complexString:*", text, func() []any { return []any{"GET"} })
}

package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// operation is one method of the store, with arguments that fit the key k unless the case says otherwise.
type operation struct {
	name string
	call func(ctx context.Context, s *Store, key string, p api.Path) error
}

func operations() []operation {
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	return []operation{
		{"Get", func(ctx context.Context, s *Store, key string, p api.Path) error {
			_, err := s.Get(ctx, key, p)
			return err
		}},
		{"Fields", func(ctx context.Context, s *Store, key string, p api.Path) error {
			_, err := s.Fields(ctx, key, p)
			return err
		}},
		{"Update", func(ctx context.Context, s *Store, key string, p api.Path) error {
			return s.Update(ctx, key, p, raw("1"))
		}},
		{"Delete", func(ctx context.Context, s *Store, key string, p api.Path) error {
			return s.Delete(ctx, key, p)
		}},
		{"AppendString", func(ctx context.Context, s *Store, key string, p api.Path) error {
			_, err := s.AppendString(ctx, key, p, raw(`"x"`))
			return err
		}},
		{"AppendArray", func(ctx context.Context, s *Store, key string, p api.Path) error {
			_, err := s.AppendArray(ctx, key, p, []json.RawMessage{raw("1")})
			return err
		}},
		{"IncrBy", func(ctx context.Context, s *Store, key string, p api.Path) error {
			_, err := s.IncrBy(ctx, key, p, raw("1"))
			return err
		}},
		{"MultBy", func(ctx context.Context, s *Store, key string, p api.Path) error {
			_, err := s.MultBy(ctx, key, p, raw("2"))
			return err
		}},
	}
}

// everyOperation has the ones that do not need a path or a key, too.
func everyOperation() []operation {
	return append(operations(),
		operation{"Set", func(ctx context.Context, s *Store, key string, _ api.Path) error {
			return s.Set(ctx, key, json.RawMessage("{}"))
		}},
		operation{"SetString", func(ctx context.Context, s *Store, key string, _ api.Path) error {
			return s.SetString(ctx, key, []byte("{}"))
		}},
		operation{"GetString", func(ctx context.Context, s *Store, key string, _ api.Path) error {
			_, err := s.GetString(ctx, key)
			return err
		}},
		operation{"SetHash", func(ctx context.Context, s *Store, key string, _ api.Path) error {
			return s.SetHash(ctx, key, []api.HashField{{Name: "n", Value: "1"}})
		}},
		operation{"UpdateHash", func(ctx context.Context, s *Store, key string, _ api.Path) error {
			_, err := s.UpdateHash(ctx, key, api.HashField{Name: "n", Value: "1"})
			return err
		}},
		operation{"Keys", func(ctx context.Context, s *Store, _ string, _ api.Path) error {
			_, err := s.Keys(ctx, "k", 1)
			return err
		}},
		operation{"Ready", func(ctx context.Context, s *Store, _ string, _ api.Path) error { return s.Ready(ctx) }},
	)
}

// TestRecordedReplies asks the real module for every failure that a request can bring about.
func TestRecordedReplies(t *testing.T) {
	s := openShared(t)
	const doc = `{"s":"x","l":[],"n":1,"o":{},"z":null}`
	if err := s.client.Set(t.Context(), "plain", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]string{ // a value of another type than the operation needs
		"Fields": "n", "AppendString": "n", "AppendArray": "s", "IncrBy": "s", "MultBy": "z",
	}
	for _, op := range operations() {
		for _, tc := range []struct {
			what, key, path string
			want            error
		}{
			{"no key", "nokey", "n", api.ErrNotFound},
			{"no key, JSONPath", "nokey", "$..n", api.ErrNotFound},
			{"no key, root", "nokey", ".", api.ErrNotFound},
			{"no path", "k", "nope", api.ErrNotFound},
			{"no path, nested", "k", "n.a.b", api.ErrNotFound},
			{"no path, index", "k", "l[7]", api.ErrNotFound},
			{"no path, JSONPath", "k", "$..nope", api.ErrNotFound},
			{"malformed JSONPath", "k", "$.o[", api.ErrInvalid},
			{"malformed JSONPath with an error name", "k", "$.LOADING unknown command[", api.ErrInvalid},
			{"another Redis type", "plain", "n", api.ErrWrongType},
			{"another Redis type, root", "plain", ".", api.ErrWrongType},
			{"another type", "k", wrong[op.name], api.ErrWrongType},
			{"another type, JSONPath", "k", "$." + wrong[op.name], api.ErrWrongType},
		} {
			if strings.TrimPrefix(tc.path, "$.") == "" {
				continue // the operation takes all types
			}
			set(t, s, "k", doc)
			err := op.call(t.Context(), s, tc.key, path(t, tc.path))
			if !errors.Is(err, tc.want) {
				t.Errorf("%s, %s: %v, want %v", op.name, tc.what, err, tc.want)
			}
			if got := document(t, s, "k"); got != doc {
				t.Errorf("%s, %s: the document became %s", op.name, tc.what, got)
			}
		}
	}
	if err := s.Set(t.Context(), "plain", json.RawMessage("{}")); !errors.Is(err, api.ErrWrongType) {
		t.Errorf("Set on another Redis type: %v", err)
	}
}

func TestRecordedRepliesToBadValues(t *testing.T) {
	s := openShared(t)
	for _, value := range []string{
		"", "{", `{"a":tru}`, `{"a":1,}`, "{'a':1}", "NaN", "1e400", "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, "\"a\x01b\"", "\ufeff{}", "01", "-", "[1 2]",
		strings.Repeat("[", 129) + strings.Repeat("]", 129),
	} {
		set(t, s, "k", `{"n":1,"l":[]}`)
		_, appended := s.AppendArray(t.Context(), "k", path(t, "l"), []json.RawMessage{json.RawMessage(value)})
		for what, err := range map[string]error{
			"Set":         s.Set(t.Context(), "new", json.RawMessage(value)),
			"Update":      s.Update(t.Context(), "k", path(t, "n"), json.RawMessage(value)),
			"AppendArray": appended,
		} {
			if !errors.Is(err, api.ErrInvalid) {
				t.Errorf("%s of %.20q: %v", what, value, err)
			}
		}
	}
	for _, num := range []string{"", "x", `"1"`, "1e400", "1 2", "{}", "[1]", "null"} {
		if _, err := s.IncrBy(t.Context(), "k", path(t, "n"), json.RawMessage(num)); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("IncrBy %q: %v", num, err)
		}
	}
	set(t, s, "k", `{"n":1e300}`)
	_, err := s.MultBy(t.Context(), "k", path(t, "n"), json.RawMessage("1e300"))
	if !errors.Is(err, api.ErrWrongType) || !strings.Contains(err.Error(), "no number") {
		t.Errorf("MultBy beyond the range: %v", err)
	}
}

// TestFailureRules holds the replies that a test cannot bring about with one server.
func TestFailureRules(t *testing.T) {
	for _, tc := range []struct {
		reply string
		want  error
	}{
		{"LOADING Redis is loading the dataset in memory", api.ErrUnavailable},
		{"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", api.ErrUnavailable},
		{"CLUSTERDOWN The cluster is down", api.ErrUnavailable},
		{"TRYAGAIN Multiple keys request during rehashing of slot", api.ErrUnavailable},
		{"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", api.ErrUnavailable},
		{"NOREPLICAS Not enough good replicas to write.", api.ErrUnavailable},
		{"BUSY Redis is busy running a script.", api.ErrUnavailable},
		{"ERR max number of clients reached", api.ErrUnavailable},
		{"WRONGTYPE Operation against a key holding the wrong kind of value", api.ErrWrongType},
		{"ERR new objects must be created at the root", api.ErrNotFound},
		{"ERR value at line 3 is odd", api.ErrInvalid},
		{"ERR unheard of LOADING OOM", nil},
		{"", nil},
	} {
		s := &Store{addr: "redis.example:6379"}
		err := s.failure(proto(tc.reply), target{key: "k"})
		var kinds []error
		for _, kind := range []error{api.ErrUnavailable, api.ErrNotFound, api.ErrWrongType, api.ErrInvalid} {
			if errors.Is(err, kind) {
				kinds = append(kinds, kind)
			}
		}
		switch {
		case err == nil:
			t.Errorf("%q: no error", tc.reply)
		case tc.want == nil && len(kinds) != 0, tc.want != nil && (len(kinds) != 1 || !errors.Is(err, tc.want)):
			t.Errorf("%q: %v", tc.reply, err)
		}
	}
}

// proto is an error reply as go-redis makes them.
type proto string

func (p proto) Error() string { return string(p) }
func (proto) RedisError()     {}

var _ redis.Error = proto("")

func TestFailureOfTheWayToRedis(t *testing.T) {
	s := &Store{addr: "redis.example:6379"}
	for _, err := range []error{context.DeadlineExceeded, redis.ErrPoolTimeout, redis.ErrClosed, errors.New("EOF")} {
		got := s.failure(fmt.Errorf("wrapped: %w", err), target{})
		if !errors.Is(got, api.ErrUnavailable) || !strings.Contains(got.Error(), s.addr) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if got := s.failure(context.Canceled, target{}); !errors.Is(got, context.Canceled) || errors.Is(got, api.ErrUnavailable) {
		t.Errorf("a client that hung up became %v", got)
	}
	if got := s.failure(nil, target{}); got != nil {
		t.Errorf("nil became %v", got)
	}
}

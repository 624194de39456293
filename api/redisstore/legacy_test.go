package redisstore

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
)

// TestLegacyPaths walks all routes with the paths of RedisJSON 1, to which RedisJSON 2 answers as 1 did.
func TestLegacyPaths(t *testing.T) {
	openShared(t) // empties it
	s := open(t, Config{Addr: shared.Addr, LegacyPaths: true})
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	const doc = `{"id":"k","n":1,"s":"x","l":[1],"o":{"a b":{"c":[]}}}`
	ok := func(value string) string { return `{"status":"ok","json":` + value + `}` }
	startREST(t, api.Config{}, s).run(t, []step{
		{"POST", "redisjson", doc, 200, `{"status":"ok","key":"k","json":` + doc + `}`},
		{"GET", "doc/k", "", 200, ok(doc)},
		{"GET", "subdoc/k/o", "", 200, ok(`{"a b":{"c":[]}}`)},
		{"GET", "subdoc/k/o.a b.c", "", 200, ok(`[]`)},
		{"GET", "subdoc/k/l[0]", "", 200, ok(`1`)},
		{"GET", "fields/k", "", 200, ok(`["id","n","s","l","o"]`)},
		{"GET", "fields/k?path=o", "", 200, ok(`["a b"]`)},
		{"PUT", "redisjson/update", `{"key":"k","field":"o","str":{}}`, 200, ok(`"k"`)},
		{"PUT", "redisjson/append", `{"key":"k","field":"s","str":"y"}`, 200, ok(`{"id":"k","n":1,"s":"xy","l":[1],"o":{}}`)},
		{"PUT", "redisjson/appendarray", `{"key":"k","field":"l","arr":[2,3]}`, 200, ok(`{"id":"k","n":1,"s":"xy","l":[1,2,3],"o":{}}`)},
		{"PUT", "redisjson/increby", `{"key":"k","field":"n","num":2}`, 200, ok(`{"id":"k","n":3,"s":"xy","l":[1,2,3],"o":{}}`)},
		{"PUT", "redisjson/multiby", `{"key":"k","field":"n","num":2}`, 200, ok(`{"id":"k","n":6,"s":"xy","l":[1,2,3],"o":{}}`)},
		{"DELETE", "redisjson/delete/k?path=o", "", 200, ok(`"k"`)},
		{"GET", "doc/nope", "", 404, "no key"},
		{"GET", "subdoc/k/nope", "", 404, "nothing at"},
		{"GET", "subdoc/k/$.n", "", 400, "REDIS_JSON_LEGACY"},
		{"DELETE", "redisjson/delete/k?path=nope", "", 404, "nothing at"},
		{"DELETE", "redisjson/delete/k", "", 200, ok(`"k"`)},
	})
}

// TestLegacyFailures holds that the same failures have the same kinds, though RedisJSON 1 tells fewer of them apart.
func TestLegacyFailures(t *testing.T) {
	s := openShared(t)
	if err := s.client.Set(t.Context(), "plain", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	legacy := open(t, Config{Addr: shared.Addr, LegacyPaths: true})
	wrong := map[string]string{"Fields": "n", "AppendString": "n", "AppendArray": "s", "IncrBy": "s", "MultBy": "z"}
	for _, op := range operations() {
		for _, tc := range []struct {
			key, path string
			want      error
		}{
			{"nokey", "n", api.ErrNotFound},
			{"k", "nope", api.ErrNotFound},
			{"k", "n.a.b", api.ErrNotFound},
			{"k", "l[7]", api.ErrNotFound},
			{"plain", "n", api.ErrWrongType},
			{"k", wrong[op.name], api.ErrWrongType},
		} {
			if tc.path == "" {
				continue // the operation takes all types
			}
			set(t, s, "k", `{"s":"x","l":[],"n":1,"o":{},"z":null}`)
			if err := op.call(t.Context(), legacy, tc.key, path(t, tc.path)); !errors.Is(err, tc.want) {
				t.Errorf("%s %s %s: %v, want %v", op.name, tc.key, tc.path, err, tc.want)
			}
		}
	}
}

// TestRedisJSON1IsNamed has a server answer as RedisJSON 1 does to a `$` path. There is no module 1 that loads into this
// Redis, so its words are played.
func TestRedisJSON1IsNamed(t *testing.T) {
	for _, reply := range []string{
		"ERR Search path error at offset 1", "ERR new objects must be created at the root", "ERR key '$' does not exist at level 0 in path",
	} {
		s := openShared(t)
		err := s.ready(t.Context(), scriptedNode{proto(reply)})
		if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "REDIS_JSON_LEGACY") {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

// scriptedNode answers every command with an error.
type scriptedNode struct{ err error }

func (n scriptedNode) Process(context.Context, redis.Cmder) error { return n.err }

func (n scriptedNode) Scan(context.Context, uint64, string, int64) *redis.ScanCmd { return nil }

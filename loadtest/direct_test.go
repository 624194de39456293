package loadtest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/locustworker"
)

// commandOf is the command of a row.
func commandOf(r row) string {
	name, _, _ := strings.Cut(r.name, " ")
	return strings.ToLower(name)
}

// processed returns how often the commands of the Direct* classes were executed.
func processed(t *testing.T, client *redis.Client) map[string]int {
	t.Helper()
	info, err := client.Info(context.Background(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	others := strings.Fields("info config config|resetstat client hello flushall select ping")
	counts := map[string]int{}
	for line := range strings.SplitSeq(info, "\r\n") {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		calls, _, ok := strings.Cut(rest, ",")
		if n, err := strconv.Atoi(calls); ok && err == nil && !slices.Contains(others, name) {
			counts[name] = n
		}
	}
	return counts
}

// Both workers make the same rows, without a failure, and Redis has executed what the
// rows say, with and without pipelines.
func TestBothWorkersTalkToRedisAlike(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	fill := func() {
		client.FlushAll(t.Context())
		for i, key := range everyKind {
			d := string(appendComplex(nil, "x", Size13KB))
			switch k, _ := kindOf(key); k {
			case complexKind:
				client.JSONSet(t.Context(), key, "$", d)
			case text:
				client.Set(t.Context(), key, d, 0)
			case hash:
				client.HSet(t.Context(), key, "age", i, "about", "x")
			case flat, nested, kinds:
			}
		}
		client.ConfigResetStat(t.Context())
	}
	for _, depth := range []int{1, 7} {
		for _, class := range directSets() {
			at := place{"http://127.0.0.1:1", everyKind, class.name, Config{RedisURL: "redis://" + server.Addr, PipelineDepth: depth}}
			fill()
			got := goRows(t, at, 20)
			served := processed(t, client)
			fill()
			want := pythonRows(t, 20, at)[0]
			if len(got.failures)+len(want.failures) > 0 || !maps.Equal(got.rows, want.rows) {
				t.Errorf("%s: Go %v, Python %v", class.name, got, want)
			}
			if python := processed(t, client); !maps.Equal(served, python) {
				t.Errorf("%s: Redis counts %v of Go, %v of Python", class.name, served, python)
			}
			rows, total := map[string]int{}, 0
			for r, n := range got.rows {
				rows[commandOf(r)] += n
				total += n
			}
			if !maps.Equal(rows, served) || total < 20*depth*len(class.tasks) {
				t.Errorf("%s: rows %v, Redis counts %v", class.name, rows, served)
			}
		}
	}
}

// What was deleted by somebody else is dropped, and what has grown too large is set
// anew.
func TestDirectUsersSettleDocuments(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer client.Close()
	s, err := New(Config{RedisURL: server.Addr})
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range directSets() {
		for _, task := range class.tasks {
			if task.tag == tagWrite {
				continue
			}
			s.pool.take(class.name+task.name, everyKind)
			client.FlushAll(t.Context())
			self := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Seed: 1})
			u, err := s.newUser(self, class)
			if err != nil {
				t.Fatal(err)
			}
			before := s.pool.size()
			err = task.do(u, self.Context())
			if class.name == "DirectHash" && task.tag == tagUpdate {
				continue // HSET makes the hash
			}
			if err != nil || s.pool.size() != before-1 {
				t.Errorf("%s.%s: %v, %d of %d documents are known", class.name, task.name, err, s.pool.size(), before)
			}
		}
	}
	testGrown(t, s, client)
}

func testGrown(t *testing.T, s *Scenario, client *redis.Client) {
	t.Helper()
	client.JSONSet(t.Context(), "complex:1", "$", string(complexDocument))
	long := strings.Repeat("x", maxGrown)
	client.JSONSet(t.Context(), "complex:1", "$.about", `"`+long+`"`)
	client.JSONSet(t.Context(), "complex:1", "$.stats.speed", "1e13")
	client.JSONSet(t.Context(), "complex:1", "$.tags", "["+strings.Repeat(`"x",`, maxItems)+`"x"]`)
	s.pool.take("grown", []string{"complex:1"})
	self := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Seed: 1})
	u, err := s.newUser(self, directSets()[2])
	if err != nil {
		t.Fatal(err)
	}
	ctx := self.Context()
	if err := errors.Join(u.directAppendText(ctx), u.directAppendList(ctx), u.directMultiply(ctx)); err != nil {
		t.Fatal(err)
	}
	got := client.JSONGet(t.Context(), "complex:1").Val()
	if strings.Contains(got, long) || strings.Contains(got, "e13") || len(got) > 2*len(complexDocument) {
		t.Errorf("a document of %d bytes has not been set anew", len(got))
	}
}

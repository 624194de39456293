package redisuser

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/locustworker"
)

// A row is what a test wants of a sample.
type row struct {
	name   string
	length int64
	err    string // a part of the text; "" for a success
}

func wantRows(t *testing.T, got []locustworker.Sample, want ...row) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d: %+v", len(got), len(want), got)
	}
	for i, s := range got {
		text := ""
		if s.Err != nil {
			text = s.Err.Error()
		}
		if s.Type != SampleType || s.Name != want[i].name || s.Length != want[i].length ||
			(text == "") != (want[i].err == "") || !strings.Contains(text, want[i].err) {
			t.Errorf("sample %d: %s %s, %d bytes, %q; want %+v", i, s.Type, s.Name, s.Length, text, want[i])
		}
		if s.ResponseTime <= 0 {
			t.Errorf("sample %d took %v", i, s.ResponseTime)
		}
	}
}

func TestCommands(t *testing.T) {
	l := sharedLab(t, Config{})
	ctx := l.user.Context()
	key := t.Name()
	must(t, l.Set(ctx, key, "value", 0).Err())
	must(t, l.JSONSet(ctx, key+":doc", "$", `{"a":1}`).Err())
	if got := l.JSONGet(ctx, key+":doc", "$.a").Val(); got != "[1]" {
		t.Errorf("JSON.GET gives %s", got)
	}
	if err := l.Get(ctx, key+":none").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("a missing key: %v", err)
	}
	if err := l.LPush(ctx, key, "x").Err(); err == nil || Quiet(err) != nil {
		t.Errorf("a wrong type: %v, quiet %v", err, Quiet(err))
	}
	if got := l.Do(ctx, "ECHO", "abc").Val(); got != "abc" {
		t.Errorf("ECHO gives %v", got)
	}
	must(t, l.Get(Name(ctx, "the value"), key).Err())
	must(t, l.Get(ctx, key).Err())
	for _, word := range []string{"info", "nodes"} {
		if err := l.Do(ctx, "cluster", word).Err(); err == nil {
			t.Errorf("CLUSTER %s of a server without a cluster has no error", word)
		}
	}
	got, cut := l.take()
	alone := "ERR This instance has cluster support disabled"
	wrong := "WRONGTYPE Operation against a key holding the wrong kind of value"
	wantRows(
		t, got,
		row{"SET", 5, ""}, row{"JSON.SET", 5, ""}, row{"JSON.GET", 9, ""}, row{"GET", 5, ""},
		row{"LPUSH", int64(len("-" + wrong + "\r\n")), wrong}, row{"ECHO", 9, ""}, row{"the value", 11, ""},
		row{"GET", 11, ""}, row{"CLUSTER INFO", int64(len("-" + alone + "\r\n")), alone}, row{"CLUSTER NODES", int64(len("-" + alone + "\r\n")), alone},
	)
	if cut != 0 {
		t.Errorf("%d cut", cut)
	}
}

func TestPipelinesAndTransactions(t *testing.T) {
	for _, pooled := range []bool{false, true} {
		cfg := Config{}
		if pooled {
			cfg.Pool = newPool(t, PoolConfig{Config: Config{URL: shared.Addr}})
		}
		fill := func(key string) func(redis.Pipeliner) error {
			return func(p redis.Pipeliner) error {
				p.Set(t.Context(), key, "v", 0)
				p.Get(t.Context(), key)
				p.Get(t.Context(), key+":none")
				return nil
			}
		}
		l := sharedLab(t, cfg)
		ctx, key := l.user.Context(), t.Name()
		cmds, err := l.Pipelined(ctx, fill(key))
		if !errors.Is(err, redis.Nil) || cmds[1].(*redis.StringCmd).Val() != "v" {
			t.Errorf("pipeline: %v, %v", cmds, err)
		}
		if cmds, err = l.TxPipelined(ctx, fill(key)); !errors.Is(err, redis.Nil) || cmds[1].(*redis.StringCmd).Val() != "v" {
			t.Errorf("transaction: %v, %v", cmds, err)
		}
		if _, err = l.Pipelined(ctx, func(p redis.Pipeliner) error { p.LPush(ctx, key, "x"); return nil }); err == nil {
			t.Error("a failing pipeline has no error")
		}
		got, _ := l.take()
		wantRows(t, got, row{"PIPELINE", 17, ""}, row{"MULTI", 5 + 27 + 4 + 17, ""}, row{"PIPELINE", 68, "WRONGTYPE"})

		cfg.EachCommand = true
		each := sharedLab(t, cfg)
		_, _ = each.Pipelined(each.user.Context(), fill(key))
		_, _ = each.TxPipelined(each.user.Context(), fill(key))
		got, _ = each.take()
		wantRows(
			t, got,
			row{"SET", 7, ""}, row{"GET", 5, ""}, row{"GET", 5, ""},
			row{"SET", 19, ""}, row{"GET", 17, ""}, row{"GET", 17, ""},
		)
	}
}

func TestUnusableConfigs(t *testing.T) {
	pool := newPool(t, PoolConfig{Config: Config{URL: shared.Addr}})
	for name, c := range map[string]struct {
		host string
		cfg  Config
		want string
	}{
		"no host":          {"", Config{}, "redis://localhost:6379"},
		"http":             {"http://127.0.0.1:5000", Config{}, "http"},
		"bad database":     {"redis://localhost/x", Config{}, "database"},
		"pool and URL":     {"redis://localhost", Config{Pool: pool, URL: "redis://localhost"}, "PoolConfig"},
		"cluster sentinel": {"a:1,b:2", Config{Cluster: true, SentinelMaster: "m"}, "exclude"},
	} {
		u := locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Host: c.host})
		if _, err := New(u, c.cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, cfg := range map[string]PoolConfig{
		"no URL":        {},
		"negative":      {Config: Config{URL: shared.Addr}, MaxConns: -1},
		"pool in pool":  {Config: Config{URL: shared.Addr, Pool: pool}},
		"each in pool":  {Config: Config{URL: shared.Addr, EachCommand: true}},
		"names in pool": {Config: Config{URL: shared.Addr, CommandName: redis.Cmder.Name}},
	} {
		if _, err := NewPool(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("pool, %s: %v", name, err)
		}
	}
}

func TestFailures(t *testing.T) {
	server := redistest.Start(t)
	l := newLab(t, locustworker.StandaloneConfig{Host: server.Addr}, Config{Timeout: 200 * time.Millisecond})
	ctx := l.user.Context()
	must(t, l.Ping(ctx).Err())
	pauseFor(t, server, time.Second)
	if err := l.Get(ctx, "k").Err(); err == nil {
		t.Error("a server that hangs gave an answer")
	}
	server.Stop()
	for range 2 {
		if err := l.Get(ctx, "k").Err(); err == nil || errors.Is(err, ErrStopped) {
			t.Errorf("a server that is gone: %v", err)
		}
	}
	must(t, server.Restart())
	must(t, l.Ping(ctx).Err())
	got, cut := l.take()
	wantRows(
		t, got, row{"PING", 7, ""}, row{"GET", 0, "timeout"},
		row{"GET", 0, "refused"}, row{"GET", 0, "refused"}, row{"PING", 7, ""},
	)
	if cut != 0 {
		t.Errorf("%d cut", cut)
	}
}

func TestTheCallersOwnContext(t *testing.T) {
	l := sharedLab(t, Config{})
	must(t, l.Ping(l.user.Context()).Err())
	deadline, cancel := context.WithTimeout(l.user.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.BLPop(deadline, 0, "none").Err(); err == nil || errors.Is(err, ErrStopped) {
		t.Errorf("a deadline: %v", err)
	}
	must(t, l.Ping(l.user.Context()).Err())
	ctx, cancel := context.WithCancel(l.user.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := l.BLPop(ctx, 0, "none").Err(); err == nil || errors.Is(err, ErrStopped) {
		t.Errorf("a cancelled command: %v", err)
	}
	if err := l.Get(ctx, "k").Err(); !errors.Is(err, ErrStopped) || !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	got, cut := l.take()
	wantRows(t, got, row{"PING", 7, ""}, row{"BLPOP", 0, "timeout"}, row{"PING", 7, ""}, row{"BLPOP", 0, "timeout"})
	if cut != 0 {
		t.Errorf("%d cut", cut)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pauseFor makes a server answer nothing for a while.
func pauseFor(t *testing.T, server *redistest.Server, d time.Duration) {
	t.Helper()
	must(t, direct(t, server.Addr).ClientPause(t.Context(), d).Err())
}

func newPool(t *testing.T, cfg PoolConfig) *Pool {
	t.Helper()
	p, err := NewPool(cfg)
	must(t, err)
	return p
}

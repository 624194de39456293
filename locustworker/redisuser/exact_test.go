package redisuser

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/locustworker"
)

// TestServedIsReportedAndCut stops users at random moments, with and without a pool,
// and holds the server's own count of commands against the samples.
func TestServedIsReportedAndCut(t *testing.T) {
	for _, c := range []struct {
		name  string
		conns int // 0: no pool
		drain time.Duration
	}{
		{"own connections, drain", 0, time.Second},
		{"own connections, killed", 0, time.Nanosecond},
		{"pool, drain", 3, time.Second},
		{"pool, killed", 3, time.Nanosecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := redistest.Start(t)
			cfg := Config{URL: server.Addr}
			if c.conns > 0 {
				cfg = Config{Pool: newPool(t, PoolConfig{Config: cfg, MaxConns: c.conns})}
			}
			reported, cut := 0, 0
			for round := range 5 {
				labs := make([]*lab, 8)
				var users sync.WaitGroup
				for i := range labs {
					l := newLab(t, locustworker.StandaloneConfig{DrainTimeout: c.drain}, cfg)
					labs[i] = l
					users.Go(func() { evaluate(l, i%2 == 1) })
				}
				r := rand.New(rand.NewPCG(1, uint64(round)))
				for _, l := range labs {
					pause := time.NewTimer(time.Duration(r.IntN(20)) * time.Millisecond)
					<-pause.C
					l.end()
				}
				users.Wait()
				for _, l := range labs {
					samples, n := l.take()
					for _, s := range samples {
						if s.Err != nil {
							t.Errorf("failed: %v", s.Err)
						}
					}
					reported, cut = reported+len(samples), cut+n
				}
			}
			if served := processed(t, direct(t, server.Addr))["eval"]; served != reported+cut || reported == 0 {
				t.Errorf("%d served, %d reported + %d cut", served, reported, cut)
			}
			if c.drain == time.Second && cut > 0 {
				t.Errorf("%d cut within the drain time", cut)
			}
			t.Logf("%d reported, %d cut", reported, cut)
		})
	}
}

// evaluate sends a slow command again and again until the user is stopped, under the
// user's context or one that ends with it.
func evaluate(l *lab, named bool) {
	const script = `local n = 0; for i = 1, 20000 do n = n + 1 end; return n`
	ctx := l.user.Context()
	if named {
		ctx = Name(ctx, "a name")
	}
	for !errors.Is(l.Eval(ctx, script, nil).Err(), ErrStopped) {
	}
}

// TestOnStopStillSends holds that a user whose context has ended can send what belongs
// to its end, and leaves no connection behind.
func TestOnStopStillSends(t *testing.T) {
	for _, pooled := range []bool{false, true} {
		cfg := Config{URL: shared.Addr}
		if pooled {
			cfg = Config{Pool: newPool(t, PoolConfig{Config: cfg})}
		}
		l := newLab(t, locustworker.StandaloneConfig{}, cfg)
		must(t, l.Ping(l.user.Context()).Err())
		l.end()
		if err := l.Ping(l.user.Context()).Err(); !errors.Is(err, ErrStopped) {
			t.Errorf("pool %v: after the end: %v", pooled, err)
		}
		ctx := context.WithoutCancel(l.user.Context())
		must(t, l.Set(ctx, t.Name(), "x", 0).Err())
		_, err := l.Pipelined(ctx, func(p redis.Pipeliner) error { p.Del(ctx, t.Name()); return nil })
		must(t, err)
		got, _ := l.take()
		wantRows(t, got, row{"PING", 7, ""}, row{"SET", 5, ""}, row{"PIPELINE", 4, ""})
	}
}

// TestManyCommandsOfOneUser sends from several goroutines over one connection.
func TestManyCommandsOfOneUser(t *testing.T) {
	l := sharedLab(t, Config{})
	ctx := l.user.Context()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			key := fmt.Sprintf("%s:%d", t.Name(), i)
			for n := range 20 {
				if got := l.Incr(ctx, key).Val(); got != int64(n+1) {
					t.Errorf("%s is %d, want %d", key, got, n+1)
				}
			}
		})
	}
	all.Wait()
	got, _ := l.take()
	if len(got) != 160 {
		t.Errorf("%d samples", len(got))
	}
	for _, s := range got {
		if s.Length != 4 && s.Length != 5 {
			t.Errorf("a reply of %d bytes", s.Length)
		}
	}
}

// TestAPoolThatIsTooSmall holds that the wait is part of the time, and that who is
// stopped while it waits leaves no trace.
func TestAPoolThatIsTooSmall(t *testing.T) {
	server := redistest.Start(t)
	pool := newPool(t, PoolConfig{Config: Config{URL: server.Addr}, MaxConns: 1})
	holder := newLab(t, locustworker.StandaloneConfig{}, Config{Pool: pool})
	waiter := newLab(t, locustworker.StandaloneConfig{}, Config{Pool: pool})
	held := make(chan error)
	go func() { held <- holder.BLPop(holder.user.Context(), 5*time.Second, "k").Err() }()
	awaitBlocked(t, direct(t, server.Addr))
	waited := make(chan error)
	go func() { waited <- waiter.Ping(waiter.user.Context()).Err() }()
	waiter.end()
	if err := <-waited; !errors.Is(err, ErrStopped) {
		t.Errorf("stopped while waiting: %v", err)
	}
	if got, cut := waiter.take(); len(got)+cut != 0 {
		t.Errorf("%v, %d cut", got, cut)
	}
	must(t, direct(t, server.Addr).RPush(t.Context(), "k", "v").Err())
	must(t, <-held)
}

func awaitBlocked(t *testing.T, c *redis.Client) {
	t.Helper()
	for {
		info := c.InfoMap(t.Context(), "clients").Item("Clients", "blocked_clients")
		if info == "1" {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal("nobody is blocked")
		}
	}
}

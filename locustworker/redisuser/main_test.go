package redisuser

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/internal/redistest"
	"github.com/bandwing/bandwing/locustworker"
)

// shared is the server of all tests that neither stop it nor change its settings.
var shared *redistest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if shared, err = redistest.StartMain(); err != nil {
		fmt.Println(err)
		return 1
	}
	code := m.Run()
	shared.Close()
	if err := goleak.Find(); err != nil {
		fmt.Println(err)
		return 1
	}
	return code
}

// A log keeps what a user recorded.
type log struct {
	mu      sync.Mutex
	samples []locustworker.Sample
	cut     int
}

func (l *log) take() (samples []locustworker.Sample, cut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	samples, cut = l.samples, l.cut
	l.samples, l.cut = nil, 0
	return samples, cut
}

// A lab is a user with a session, its log, and the way to end it.
type lab struct {
	*Session
	*log
	user *locustworker.User
	end  context.CancelFunc
}

func newLab(t *testing.T, sc locustworker.StandaloneConfig, cfg Config) *lab {
	t.Helper()
	kept := &log{}
	l := &lab{log: kept}
	ctx, cancel := context.WithCancel(t.Context())
	l.end = cancel
	t.Cleanup(cancel)
	sc.Record = func(s locustworker.Sample) {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		kept.samples = append(kept.samples, s)
	}
	sc.Cut = func() {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		kept.cut++
	}
	l.user = locustworker.NewStandaloneUser(ctx, sc)
	s, err := New(l.user, cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.Session = s
	return l
}

func sharedLab(t *testing.T, cfg Config) *lab {
	t.Helper()
	must(t, direct(t, shared.Addr).FlushAll(t.Context()).Err())
	return newLab(t, locustworker.StandaloneConfig{Host: "redis://" + shared.Addr}, cfg)
}

// direct is a way around the session.
func direct(t *testing.T, addr string) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// processed returns how often a server has executed each command.
func processed(t *testing.T, c *redis.Client) map[string]int {
	t.Helper()
	info, err := c.Info(context.Background(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	for line := range strings.SplitSeq(info, "\r\n") {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if !ok {
			continue
		}
		calls, _, _ := strings.Cut(rest, ",")
		if counts[name], err = strconv.Atoi(calls); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/internal/redistest"
)

// checkAllUnavailable calls every method and wants ErrUnavailable with a text that says why.
func checkAllUnavailable(t *testing.T, s *Store, says string) {
	t.Helper()
	for _, op := range everyOperation() {
		err := op.call(t.Context(), s, "k", path(t, "n"))
		if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want ErrUnavailable that says %q", op.name, err, says)
		}
	}
}

func TestRedisDownAndBack(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, Config{Addr: server.Addr})
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	checkAllUnavailable(t, s, server.Addr)
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, s.Ready)
	set(t, s, "k", `{"n":1}`)
	if got := document(t, s, "k"); got != `{"n":1}` {
		t.Errorf("document %s", got)
	}
}

func TestRedisDownAtStart(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	s := open(t, Config{Addr: server.Addr})
	checkAllUnavailable(t, s, "refused")
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	eventually(t, s.Ready)
}

// TestRedisThatHangs holds that a request ends within the timeouts, and that nothing is sent twice: the increment
// that timed out happens once, when Redis runs again. (Redis knows the script from the increment before.)
func TestRedisThatHangs(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, Config{Addr: server.Addr, Timeout: 50 * time.Millisecond, DialTimeout: 50 * time.Millisecond})
	set(t, s, "k", `{"n":-1}`)
	if _, err := s.IncrBy(t.Context(), "k", path(t, "n"), json.RawMessage("1")); err != nil {
		t.Fatal(err)
	}
	pause(t, server)
	if _, err := s.IncrBy(t.Context(), "k", path(t, "n"), json.RawMessage("1")); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("IncrBy: %v", err)
	}
	checkAllUnavailableBut(t, s, "IncrBy", "MultBy", "Update", "Delete", "Set")
	resume(t, server)
	eventually(t, s.Ready)
	eventually(t, func(ctx context.Context) error {
		doc, err := s.Get(ctx, "k", api.Path{})
		if err == nil && string(doc) != `{"n":1}` {
			err = errors.New("the document is " + string(doc))
		}
		return err
	})
}

func checkAllUnavailableBut(t *testing.T, s *Store, skip ...string) {
	t.Helper()
	for _, op := range everyOperation() {
		if strings.Contains(strings.Join(skip, " "), op.name) {
			continue
		}
		if err := op.call(t.Context(), s, "k", path(t, "n")); !errors.Is(err, api.ErrUnavailable) {
			t.Errorf("%s: %v", op.name, err)
		}
	}
}

func TestRedisWithoutJSON(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{NoJSON: true})
	s := open(t, Config{Addr: server.Addr})
	for _, op := range everyOperation() {
		err := op.call(t.Context(), s, "k", path(t, "n"))
		if strings.HasSuffix(op.name, "String") && op.name != "AppendString" || strings.HasSuffix(op.name, "Hash") || op.name == "Keys" {
			if errors.Is(err, api.ErrUnavailable) {
				t.Errorf("%s needs no JSON: %v", op.name, err)
			}
			continue
		}
		if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "RedisJSON") {
			t.Errorf("%s: %v", op.name, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	server := redistest.StartWith(t, redistest.Config{Args: []string{"--requirepass", "right"}})
	t.Run("none", func(t *testing.T) { checkAllUnavailable(t, open(t, Config{Addr: server.Addr}), "NOAUTH") })
	t.Run("wrong", func(t *testing.T) {
		checkAllUnavailable(t, open(t, Config{Addr: server.Addr, Password: "wrong"}), "WRONGPASS")
	})
	t.Run("right", func(t *testing.T) {
		s := open(t, Config{Addr: server.Addr, Password: "right", DB: 3})
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.client.Do(t.Context(), "ACL", "SETUSER", "ann", "on", ">pw", "~*", "+@all").Err(); err != nil {
			t.Fatal(err)
		}
		ann := open(t, Config{Addr: server.Addr, Username: "ann", Password: "pw", DB: 3})
		set(t, ann, "k", "{}")
		if got := document(t, s, "k"); got != "{}" {
			t.Errorf("another database: %s", got)
		}
	})
	t.Run("database", func(t *testing.T) {
		checkAllUnavailable(t, open(t, Config{Addr: server.Addr, Password: "right", DB: 99}), "index")
	})
}

func TestRedisThatRefusesWrites(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, Config{Addr: server.Addr})
	set(t, s, "k", `{"n":1,"s":"","l":[]}`)
	writes := map[string]string{"Set": ".", "Update": "n", "AppendString": "s", "AppendArray": "l", "IncrBy": "n", "MultBy": "n"}
	check := func(says string, allowed ...string) {
		t.Helper()
		for _, op := range everyOperation() {
			p, isWrite := writes[op.name]
			if !isWrite || slices.Contains(allowed, op.name) {
				continue
			}
			err := op.call(t.Context(), s, "k", path(t, p))
			if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v, want ErrUnavailable that says %q", op.name, err, says)
			}
		}
		if got := document(t, s, "k"); got != `{"n":1,"s":"","l":[]}` {
			t.Errorf("document %s", got)
		}
	}
	command := func(args ...any) {
		t.Helper()
		if err := s.client.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	command("CONFIG", "SET", "maxmemory", "1")
	check("OOM", "IncrBy", "MultBy") // which need no memory
	command("CONFIG", "SET", "maxmemory", "0")
	command("CONFIG", "SET", "replica-serve-stale-data", "yes")
	command("REPLICAOF", "127.0.0.1", "1")
	check("READONLY")
}

func TestAContextThatEnded(t *testing.T) {
	s := openShared(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, op := range everyOperation() {
		if err := op.call(ctx, s, "k", path(t, "n")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", op.name, err)
		}
	}
}

// pause has the server neither answer nor end, until resume.
func pause(t *testing.T, server *redistest.Server) {
	t.Helper()
	if err := syscall.Kill(server.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

func resume(t *testing.T, server *redistest.Server) {
	t.Helper()
	if err := syscall.Kill(server.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/internal/redistest"
)

// connect is a way around the store.
func connect(t *testing.T, server *redistest.Server) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestCluster(t *testing.T) {
	nodes := redistest.StartCluster(t, 3)
	s := open(t, Config{Cluster: []string{nodes[0].Addr, nodes[1].Addr}})
	eventually(t, s.Ready)
	var want []string
	for i := range 50 {
		key := fmt.Sprintf("c:%d", i)
		want = append(want, key)
		set(t, s, key, `{"n":1,"s":"a","l":[]}`)
		if _, err := s.IncrBy(t.Context(), key, path(t, "n"), []byte("2")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.AppendArray(t.Context(), key, path(t, "l"), nil); err == nil {
			t.Error("nothing was appended")
		}
		if got := document(t, s, key); got != `{"n":3,"s":"a","l":[]}` {
			t.Errorf("%s: %s", key, got)
		}
	}
	got, err := s.Keys(t.Context(), "c:", 100)
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("keys %v, %v", got, err)
	}
	if got, err := s.Keys(t.Context(), "c:", 7); err != nil || len(got) != 7 {
		t.Errorf("7 keys: %v, %v", got, err)
	}
	for i := range 10 { // scripts and hashes on all nodes
		key := fmt.Sprintf("h:%d", i)
		if err := s.SetHash(t.Context(), key, []api.HashField{{Name: "a", Value: "1"}}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetString(t.Context(), "s"+key, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	startREST(t, api.Config{}, s).crowd(t, "c:", 50) // by pipelines

	nodes[2].Stop()
	if err := s.Ready(t.Context()); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("a master is gone: %v", err)
	}
	if _, err := s.Keys(t.Context(), "", 100_000); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("Keys without a master: %v", err)
	}
}

// crowd has many callers read documents with {"n":3} at a time.
func (r *rest) crowd(t *testing.T, prefix string, keys int) {
	t.Helper()
	done := make(chan string, 100)
	for caller := range 100 {
		go func() {
			_, body := r.do(t, "GET", fmt.Sprintf("/api/v1/subdoc/%s%d/n", prefix, caller%keys), "")
			done <- body
		}()
	}
	for range 100 {
		if body := <-done; body != `{"status":"ok","json":3}` {
			t.Errorf("%s", body)
		}
	}
}

// TestSentinel kills a master and wants the store to follow to the replica that the sentinel promotes.
func TestSentinel(t *testing.T) {
	master := redistest.Start(t)
	replica := redistest.StartWith(t, redistest.Config{Args: []string{"--replicaof", master.Host + " " + strconv.Itoa(master.Port)}, NoProbe: true})
	sentinel := redistest.StartSentinel(t, "main", master)
	s := open(t, Config{Sentinel: Sentinel{Master: "main", Addrs: []string{sentinel.Addr}}})
	eventually(t, s.Ready)
	set(t, s, "k", `{"n":1}`)
	copied := connect(t, replica)
	eventually(t, func(ctx context.Context) error { return copied.Do(ctx, "JSON.GET", "k").Err() })
	watcher := redis.NewSentinelClient(&redis.Options{Addr: sentinel.Addr})
	defer watcher.Close()
	eventually(t, func(ctx context.Context) error {
		known, err := watcher.Replicas(ctx, "main").Result()
		if err == nil && (len(known) != 1 || known[0]["flags"] != "slave" || known[0]["master-link-status"] != "ok") {
			err = fmt.Errorf("replicas %v", known)
		}
		return err
	})
	master.Stop()
	if err := s.Ready(t.Context()); !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "main of sentinel") {
		t.Errorf("without a master: %v", err)
	}
	eventually(t, s.Ready)
	set(t, s, "k2", `{}`)
	if got := document(t, s, "k"); got != `{"n":1}` {
		t.Errorf("after the failover: %s", got)
	}
}

// TestAReplica holds that documents can be read, that changes are refused, and that Ready says so.
func TestAReplica(t *testing.T) {
	master := redistest.Start(t)
	set(t, open(t, Config{Addr: master.Addr}), "k", `{"n":1}`)
	replica := redistest.StartWith(t, redistest.Config{Args: []string{"--replicaof", master.Host + " " + strconv.Itoa(master.Port)}, NoProbe: true})
	s := open(t, Config{Addr: replica.Addr})
	eventually(t, func(ctx context.Context) error {
		_, err := s.Get(ctx, "k", api.Path{})
		return err
	})
	for name, err := range map[string]error{
		"Ready":     s.Ready(t.Context()),
		"SetString": s.SetString(t.Context(), "s", []byte("1")),
		"SetHash":   s.SetHash(t.Context(), "h", []api.HashField{{Name: "a"}}),
	} {
		if !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "READONLY") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadySaysThatMemoryIsFull(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, Config{Addr: server.Addr})
	if err := s.client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("%v", err)
	}
	if err := s.SetString(t.Context(), "k", []byte("1")); !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("SetString: %v", err)
	}
}

func TestUsersWithLimits(t *testing.T) {
	server := redistest.Start(t)
	root := open(t, Config{Addr: server.Addr})
	for _, user := range [][]any{
		{"ACL", "SETUSER", "some", "on", ">pw", "~mine:*", "+@all"},
		{"ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@read", "+json.get"},
	} {
		if err := root.client.Do(t.Context(), user...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	some := open(t, Config{Addr: server.Addr, Username: "some", Password: "pw"})
	if err := some.Ready(t.Context()); err != nil {
		t.Errorf("a user of some keys: %v", err)
	}
	set(t, some, "mine:k", `{"n":1}`)
	if err := some.Set(t.Context(), "k", []byte("{}")); !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("another key: %v", err)
	}
	reader := open(t, Config{Addr: server.Addr, Username: "reader", Password: "pw"})
	if got := document(t, reader, "mine:k"); got != `{"n":1}` {
		t.Errorf("a reader reads %s", got)
	}
	if err := reader.Ready(t.Context()); !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "json.set") {
		t.Errorf("a reader: %v", err)
	}
}

// TestManyCallersOnARedisThatHangs holds that requests that wait for a pipeline end too.
func TestManyCallersOnARedisThatHangs(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, Config{Addr: server.Addr, Timeout: 100 * time.Millisecond, DialTimeout: 100 * time.Millisecond})
	set(t, s, "k", `{"n":0}`)
	pause(t, server)
	errs := make(chan error, 100)
	for range cap(errs) {
		go func() {
			_, err := s.Get(t.Context(), "k", api.Path{})
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, api.ErrUnavailable) {
			t.Errorf("%v", err)
		}
	}
	resume(t, server)
	eventually(t, s.Ready)
}

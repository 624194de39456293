package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/internal/redistest"
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

// open makes a store and closes it when the test ends.
func open(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// openShared makes a store on the emptied shared server.
func openShared(t *testing.T) *Store {
	t.Helper()
	s := open(t, Config{Addr: shared.Addr})
	if err := s.client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

func path(t *testing.T, text string) api.Path {
	t.Helper()
	p, err := api.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func set(t *testing.T, s *Store, key, document string) {
	t.Helper()
	if err := s.Set(t.Context(), key, json.RawMessage(document)); err != nil {
		t.Fatal(err)
	}
}

// document reads the whole document of a key.
func document(t *testing.T, s *Store, key string) string {
	t.Helper()
	doc, err := s.Get(t.Context(), key, api.Path{})
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// eventually waits until check returns nil.
func eventually(t *testing.T, check func(ctx context.Context) error) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := check(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}

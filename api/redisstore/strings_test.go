package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bandwing/bandwing/api"
	"github.com/bandwing/bandwing/internal/redistest"
)

func TestEveryStringAndHashRoute(t *testing.T) {
	s := openShared(t)
	set(t, s, "doc", `{"n":1}`)
	ok := func(value string) string { return `{"status":"ok","json":` + value + `}` }
	text := strconv.Quote
	startREST(t, api.Config{}, s).run(t, []step{
		{"POST", "string", `{"id":"s", "n":[1,{"a":18446744073709551617}]}`, 200, `{"status":"ok","key":"s","json":` + text(`{"id":"s", "n":[1,{"a":18446744073709551617}]}`) + `}`},
		{"GET", "string/s", "", 200, ok(text(`{"id":"s", "n":[1,{"a":18446744073709551617}]}`))},
		{"GET", "string/s/n[1].a", "", 200, ok(`18446744073709551617`)},
		{"PUT", "string/update", `{"key":"s","field":"n[0]","str":{"é":"\u00e9"}}`, 200, `{"status":"ok","key":"s","json":` + text(`{"id":"s", "n":[{"é":"\u00e9"},{"a":18446744073709551617}]}`) + `}`},
		{"PUT", "string/update", `{"key":"s","field":".","str":[]}`, 200, `{"status":"ok","key":"s","json":"[]"}`},
		{"GET", "string/s/n", "", 404, "nothing at"},
		{"GET", "string/nope", "", 404, "no key"},
		{"PUT", "string/update", `{"key":"nope","field":"a","str":1}`, 404, "no key"},

		{"POST", "hash", `{"id":"h","n":1.50,"b":true}`, 200, `{"status":"ok","key":"h","json":{"id":"h","n":"1.50","b":"true"}}`},
		{"GET", "hash/h", "", 200, ok(`{"id":"h","n":"1.50","b":"true"}`)},
		{"GET", "hash/h/n", "", 200, ok(`"1.50"`)},
		{"PUT", "hash/update", `{"key":"h","field":"n","str":"two"}`, 200, ok(`{"id":"h","n":"two","b":"true"}`)},
		{"POST", "hash", `{"id":"h","other":null}`, 200, `{"status":"ok","key":"h","json":{"id":"h","other":"null"}}`},
		{"GET", "hash/h", "", 200, ok(`{"id":"h","other":"null"}`)},
		{"GET", "hash/h/n", "", 404, `no field`},
		{"GET", "hash/nope", "", 404, "no key"},
		{"GET", "hash/nope/n", "", 404, "no field"},
		{"PUT", "hash/update", `{"key":"h","field":"n","str":1}`, 404, "no field"},
		{"PUT", "hash/update", `{"key":"nope","field":"n","str":1}`, 404, "no field"},

		{"GET", "string/doc", "", 409, "holds no string"},
		{"GET", "string/h/n", "", 409, "holds no string"},
		{"POST", "string", `{"id":"doc"}`, 409, "holds no string"},
		{"PUT", "string/update", `{"key":"h","field":"n","str":1}`, 409, "holds no string"},
		{"GET", "hash/s", "", 409, "holds no hash"},
		{"GET", "hash/doc/n", "", 409, "holds no hash"},
		{"POST", "hash", `{"id":"s"}`, 409, "holds no hash"},
		{"PUT", "hash/update", `{"key":"s","field":"n","str":1}`, 409, "holds no hash"},
		{"GET", "doc/h", "", 409, "holds no JSON document"},
	})
	if got := document(t, s, "doc"); got != `{"n":1}` {
		t.Errorf("the document became %s", got)
	}
}

func TestAHashOfManyFields(t *testing.T) {
	s := openShared(t)
	var fields []api.HashField
	for i := range 10_001 {
		fields = append(fields, api.HashField{Name: strconv.Itoa(i), Value: strconv.Itoa(-i)})
	}
	if err := s.SetHash(t.Context(), "h", fields); err != nil {
		t.Fatal(err)
	}
	got, err := s.GetHash(t.Context(), "h")
	if err != nil || len(got) != len(fields) {
		t.Fatalf("%d fields, %v", len(got), err)
	}
	for _, field := range got {
		if field.Value != "-"+field.Name && field.Name != "0" {
			t.Errorf("%+v", field)
		}
	}
}

// TestNoUpdateOfAStringIsLost has writers that each set a field of their own, all in one document, and read it back
// after each change.
func TestNoUpdateOfAStringIsLost(t *testing.T) {
	const writers, rounds = 16, 40
	s := openShared(t)
	r := startREST(t, api.Config{}, s)
	fields := make([]string, writers)
	for i := range fields {
		fields[i] = fmt.Sprintf(`"f%d":0`, i)
	}
	if err := s.SetString(t.Context(), "k", []byte("{"+strings.Join(fields, ",")+"}")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := 1; n <= rounds; n++ {
				status, body := r.do(t, "PUT", "/api/v1/string/update", fmt.Sprintf(`{"key":"k","field":"f%d","str":%d}`, i, n))
				if status != 200 {
					t.Errorf("%d %s", status, body)
				}
				want := fmt.Sprintf(`{"status":"ok","json":%d}`, n)
				if _, body := r.do(t, "GET", fmt.Sprintf("/api/v1/string/k/f%d", i), ""); body != want {
					t.Errorf("writer %d reads %s, want %s", i, body, want)
				}
			}
		})
	}
	wg.Wait()
}

// TestAnEditSeesTheTextThatItReplaces counts in the text itself: each lost update would be missing in the sum.
func TestAnEditSeesTheTextThatItReplaces(t *testing.T) {
	const writers, rounds = 8, 50
	s := openShared(t)
	if err := s.client.Set(t.Context(), "n", "0", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	var attempts atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				_, err := s.EditString(t.Context(), "n", func(text []byte) ([]byte, error) {
					attempts.Add(1)
					n, err := strconv.Atoi(string(text))
					return strconv.AppendInt(nil, int64(n+1), 10), err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if text, err := s.GetString(t.Context(), "n"); err != nil || string(text) != strconv.Itoa(writers*rounds) {
		t.Errorf("%s after %d edits: %v", text, writers*rounds, err)
	}
	if attempts.Load() == writers*rounds {
		t.Error("no two edits met: the test shows nothing")
	}
	if ttl := s.client.TTL(t.Context(), "n").Val(); ttl <= 0 {
		t.Errorf("the key's time to live is %v", ttl)
	}
}

func TestAnEditThatNeverComesFirst(t *testing.T) {
	openShared(t) // empties it
	s := open(t, Config{Addr: shared.Addr, EditTimeout: 20 * time.Millisecond})
	if err := s.SetString(t.Context(), "k", []byte("0")); err != nil {
		t.Fatal(err)
	}
	var n int
	meddle := func([]byte) ([]byte, error) {
		n++
		return []byte("mine"), s.client.Set(t.Context(), "k", n, 0).Err()
	}
	if _, err := s.EditString(t.Context(), "k", meddle); !errors.Is(err, api.ErrUnavailable) || !strings.Contains(err.Error(), "changed by others") {
		t.Errorf("after %d attempts: %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.EditString(ctx, "k", func(text []byte) ([]byte, error) {
		cancel()
		return meddle(text)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the client is gone: %v", err)
	}
	fault := errors.New("fault")
	if _, err := s.EditString(t.Context(), "k", func([]byte) ([]byte, error) { return nil, fault }); !errors.Is(err, fault) {
		t.Errorf("%v", err)
	}
}

// TestScriptsAreSentAgain restarts Redis, which forgets the scripts.
func TestScriptsAreSentAgain(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, Config{Addr: server.Addr})
	for range 2 {
		if err := s.SetString(t.Context(), "k", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		eventually(t, s.Ready)
	}
}

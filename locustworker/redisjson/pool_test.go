package redisjson

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestPoolKnowsOnlyOurKeysAndEachOnce(t *testing.T) {
	p := newPool()
	for _, key := range []string{"basicUser:1", "basicUser:1", "user:1", "complex:1", "users:1", "basicUser", "", "session:9"} {
		p.add(key)
	}
	for k, want := range []int{1, 1, 1} {
		if got := len(p.byKind[k]); got != want {
			t.Errorf("%d documents of kind %d, want %d", got, k, want)
		}
	}
	p.add(`basicUser:a b/"é`)
	p.drop(document{key: "basicUser:1", kind: flat})
	d, ok := p.pick(newRand(), flat)
	if want := (document{`basicUser:a b/"é`, "basicUser:a%20b%2F%22%C3%A9", `"basicUser:a b/\"é"`, flat}); !ok || d != want {
		t.Errorf("picked %+v, want %+v", d, want)
	}
}

func TestPoolPicksEvenlyAmongTheKindsAsked(t *testing.T) {
	p := newPool()
	r := newRand()
	if _, ok := p.pick(r, flat, nested, complexKind); ok {
		t.Error("picked from nothing")
	}
	for i := range 30 {
		p.add(fmt.Sprintf("basicUser:%d", i))
	}
	for i := range 10 {
		p.add(fmt.Sprintf("complex:%d", i))
		p.add(fmt.Sprintf("user:%d", i))
	}
	seen := map[string]int{}
	for range 40_000 {
		d, _ := p.pick(r, flat, complexKind)
		seen[d.key]++
	}
	if len(seen) != 40 {
		t.Fatalf("%d documents were picked, want 40", len(seen))
	}
	for key, n := range seen {
		if n < 800 || n > 1200 {
			t.Errorf("%s was picked %d times of 40000, want about 1000", key, n)
		}
	}
}

func TestPoolDropsInAnyOrder(t *testing.T) {
	p := newPool()
	r := newRand()
	left := map[string]bool{}
	for i := range 50 {
		key := fmt.Sprintf("user:%d", i)
		p.add(key)
		left[key] = true
	}
	for len(left) > 0 {
		d, ok := p.pick(r, nested)
		if !ok || !left[d.key] {
			t.Fatalf("picked %q (%v), which is gone", d.key, ok)
		}
		p.drop(d)
		p.drop(d)
		delete(left, d.key)
	}
	if _, ok := p.pick(r, nested); ok || len(p.known) != 0 {
		t.Error("something is left")
	}
}

func TestPoolIsFilledOnceARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		var fetches atomic.Int32
		fetch := func() error {
			fetches.Add(1)
			time.Sleep(time.Second)
			p.add(fmt.Sprintf("user:%d", fetches.Load()))
			return nil
		}
		for run := range 2 {
			ctx, end := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					p.join(ctx)
					if err := p.fill(ctx, fetch); err != nil {
						t.Error(err)
					}
					if d, ok := p.pick(newRand(), nested); !ok || d.key != fmt.Sprintf("user:%d", run+1) {
						t.Errorf("run %d: a user starts with %q (%v)", run, d.key, ok)
					}
				})
			}
			wg.Wait()
			if n := fetches.Load(); int(n) != run+1 {
				t.Errorf("run %d: %d fetches in all", run, n)
			}
			end()
			synctest.Wait()
		}
	})
}

func TestPoolLeavesAFailedFetchToTheNextUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool()
		failed := errors.New("failed")
		var wg sync.WaitGroup
		wg.Go(func() {
			err := p.fill(t.Context(), func() error {
				time.Sleep(time.Second)
				return failed
			})
			if !errors.Is(err, failed) {
				t.Errorf("the first fetch: %v", err)
			}
		})
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := p.fill(impatient, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a user that is stopped while it waits: %v", err)
		}
		called := false
		if err := p.fill(t.Context(), func() error { called = true; return nil }); err != nil || !called {
			t.Errorf("the next fetch: called %v, %v", called, err)
		}
		wg.Wait()
	})
}

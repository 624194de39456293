package loadtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestPoolKnowsOnlyOurKeysAndEachOnce(t *testing.T) {
	p := newPool()
	for _, key := range []string{
		"basicUser:1", "basicUser:1", "user:1", "complex:1", "complexString:1", "hashUser:1", "users:1", "basicUser", "", "hash:9",
	} {
		p.add(key)
	}
	for k, want := range []int{1, 1, 1, 1, 1} {
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

func TestPoolKeepsTheDocumentsOfOneRun(t *testing.T) {
	p := newPool()
	for _, step := range []struct {
		what string
		do   func()
		want int
	}{
		{"a share before its run begins", func() { p.take("a", []string{"user:1", "user:2", "user:1"}) }, 2},
		{"the run begins", func() { p.begin("a") }, 2},
		{"a user writes", func() { p.add("user:3") }, 3},
		{"another share of the run", func() { p.take("a", []string{"user:4"}) }, 4},
		{"the share of the next run", func() { p.take("b", []string{"user:9"}) }, 1},
		{"a run without a share", func() { p.begin("c") }, 0},
		{"its share comes late", func() { p.take("c", []string{"user:5"}) }, 1},
		{"a run of a master that names none", func() { p.begin("") }, 0},
		{"a user writes there", func() { p.add("user:6") }, 1},
		{"another such run", func() { p.begin("") }, 0},
	} {
		step.do()
		if p.size() != step.want {
			t.Errorf("%s: %d documents, want %d", step.what, p.size(), step.want)
		}
	}
}

package dispatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/internal/pythontest"
)

// A change is one cycle of a generated test: at most so many steps of it are made.
type change struct {
	users int
	rate  float64
	names []string
	most  int
}

// A peerStep is a step as Locust makes it.
type peerStep struct {
	users map[string]int
	wait  float64 // seconds
}

func (s *peerStep) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&s.users, &s.wait})
}

func generate(rng *rand.Rand) ([]Class, []change) {
	classes := make([]Class, 1+rng.IntN(6))
	names := make([]string, len(classes))
	for i, at := range rng.Perm(len(classes)) {
		names[i] = fmt.Sprintf("%cUser%d", 'A'+rune(at), rng.IntN(10))
		classes[i] = Class{Name: names[i], Weight: rng.IntN(12)}
		if rng.IntN(4) == 0 {
			classes[i].FixedCount = 1 + rng.IntN(8)
		}
	}
	rates := []float64{0.3, 0.5, 1, 1.5, 2, 3.7, 10, 33.3, 100, 1000}
	changes := make([]change, 1+rng.IntN(5))
	for i := range changes {
		c := change{users: rng.IntN(120), rate: rates[rng.IntN(len(rates))], most: 1 << 20}
		if rng.IntN(3) == 0 { // broken off
			c.most = 1 + rng.IntN(10)
		}
		if rng.IntN(4) == 0 {
			for _, at := range rng.Perm(len(names))[:1+rng.IntN(len(names))] {
				c.names = append(c.names, names[at])
			}
		}
		changes[i] = c
	}
	return classes, changes
}

// TestUsersAreDealtAsByLocust compares every step of many generated cycles with
// Locust's own dispatcher.
func TestUsersAreDealtAsByLocust(t *testing.T) {
	peer := pythontest.Start(t, "testdata/peer.py")
	for seed := range uint64(600) {
		classes, changes := generate(rand.New(rand.NewPCG(seed, 5)))
		var rows, asked []any
		for _, c := range classes {
			rows = append(rows, []any{c.Name, c.Weight, c.FixedCount})
		}
		for _, c := range changes {
			asked = append(asked, []any{c.users, c.rate, c.names, c.most})
		}
		var want [][]peerStep
		peer.Call("cycles", map[string]any{"classes": rows, "changes": asked}, &want)

		d, err := New(classes)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range changes {
			where := fmt.Sprintf("seed %d, classes %v, change %d of %v", seed, classes, i, changes)
			compareCycle(t, where, d, c, want[i])
		}
		if t.Failed() {
			return
		}
	}
}

func compareCycle(t *testing.T, where string, d *Dispatcher, c change, want []peerStep) {
	t.Helper()
	if err := d.Begin(c.users, c.rate, c.names); err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	for n := range c.most {
		got, ok := d.Next()
		if !ok {
			if n != len(want) {
				t.Errorf("%s: %d steps; want %d", where, n, len(want))
			}
			return
		}
		if n >= len(want) {
			t.Errorf("%s: a step more than %d: %v", where, len(want), got)
			return
		}
		if !maps.Equal(got.Users, want[n].users) {
			t.Errorf("%s: step %d is %v; want %v", where, n, got.Users, want[n].users)
			return
		}
		if last := n == len(want)-1; !last && math.Abs(got.Wait.Seconds()-want[n].wait) > 1e-8 {
			t.Errorf("%s: %v after step %d; want %v s", where, got.Wait, n, want[n].wait)
			return
		}
	}
}

func TestFaults(t *testing.T) {
	if _, err := New(nil); err == nil {
		t.Error("no classes: no error")
	}
	if _, err := New([]Class{{Name: "A"}, {Name: "A"}}); err == nil || !strings.Contains(err.Error(), `"A"`) {
		t.Errorf("two classes of one name: %v", err)
	}
	d, err := New([]Class{{Name: "A", Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []change{
		{users: -1, rate: 1},
		{users: 1, rate: 0},
		{users: 1, rate: -3},
		{users: 1, rate: math.NaN()},
		{users: 1, rate: math.Inf(1)},
		{users: 1, rate: 1, names: []string{"B"}},
	} {
		if err := d.Begin(c.users, c.rate, c.names); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestRateIsKept(t *testing.T) {
	d, err := New([]Class{{Name: "A", Weight: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for rate, want := range map[float64]time.Duration{0.25: 4 * time.Second, 1: time.Second, 2.5: 800 * time.Millisecond, 1000.5: 999500249} {
		if err := d.Begin(d.Count()+1_000_000, rate, nil); err != nil {
			t.Fatal(err)
		}
		s, ok := d.Next()
		if !ok || s.Wait != want {
			t.Errorf("rate %v: wait %v; want %v", rate, s.Wait, want)
		}
	}
}

func BenchmarkMillionUsers(b *testing.B) {
	for b.Loop() {
		d, _ := New([]Class{{Name: "A", Weight: 3}, {Name: "B", Weight: 1}, {Name: "C", Weight: 2}})
		_ = d.Begin(1_000_000, 10_000, nil)
		for _, ok := d.Next(); ok; _, ok = d.Next() {
		}
	}
}

//go:build !race

package redisstore

import (
	"encoding/json"
	"testing"
)

// TestAllocations pins what a command allocates here and in go-redis, over a connection of its own.
func TestAllocations(t *testing.T) {
	s := openShared(t)
	set(t, s, "k", `{"a":{"b":"x"}}`)
	nested, value := path(t, "a.b"), json.RawMessage(`"x"`)
	for name, tc := range map[string]struct {
		call func() error
		most float64
	}{
		"Get":    {func() error { _, err := s.Get(t.Context(), "k", nested); return err }, 8},
		"Update": {func() error { return s.Update(t.Context(), "k", nested, value) }, 10},
		"Set":    {func() error { return s.Set(t.Context(), "k2", value) }, 10},
	} {
		allocs := testing.AllocsPerRun(500, func() {
			if err := tc.call(); err != nil {
				t.Error(err)
			}
		})
		if allocs > tc.most {
			t.Errorf("%s: %v allocations, at most %v", name, allocs, tc.most)
		}
	}
}

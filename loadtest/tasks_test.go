package loadtest

import (
	"slices"
	"testing"
)

// setNamed is the class of that name.
func setNamed(t testing.TB, name string) set {
	t.Helper()
	all := sets()
	i := slices.IndexFunc(all, func(s set) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("there is no class %s", name)
	}
	return all[i]
}

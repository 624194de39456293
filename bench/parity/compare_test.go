package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	base := table{"GET a": {1000, 0, 100}, "PUT b": {3000, 0, 500}}
	for name, c := range map[string]struct {
		other table
		want  []string
	}{
		"the same":        {base, nil},
		"twice as many":   {table{"GET a": {2000, 0, 101}, "PUT b": {6000, 0, 491}}, nil},
		"by chance":       {table{"GET a": {1040, 0, 100}, "PUT b": {2960, 0, 500}}, nil},
		"another share":   {table{"GET a": {1300, 0, 100}, "PUT b": {2700, 0, 500}}, []string{"the shares do: chi-square 54.9, by chance at most 16.2"}},
		"another size":    {table{"GET a": {1000, 0, 110}, "PUT b": {3000, 0, 500}}, []string{"GET a has replies of 100.0 and 110.0 bytes"}},
		"failures":        {table{"GET a": {1000, 2, 100}, "PUT b": {3000, 0, 500}}, []string{"GET a has 0 and 2 failures"}},
		"one has no such": {table{"GET a": {1000, 0, 100}}, []string{"only one of the workers makes PUT b", "the shares do: chi-square 1875.0, by chance at most 16.2"}},
	} {
		if got := compare("JSONGet", base, c.other); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestToleranceOfMixedSizes(t *testing.T) {
	a, b := table{"GET a": {1000, 0, 100}}, table{"GET a": {1000, 0, 115}}
	if got := compare("RandomGet", a, b); len(got) != 0 {
		t.Errorf("15 %% of 1000 mixed requests: %q", got)
	}
	a, b = table{"GET a": {100_000, 0, 100}}, table{"GET a": {100_000, 0, 106}}
	if got := compare("RandomGet", a, b); len(got) != 1 {
		t.Errorf("6 %% of 100,000 mixed requests: %q", got)
	}
}

func TestShow(t *testing.T) {
	var out bytes.Buffer
	show(&out, "Some", table{"GET a": {100, 0, 10.25}, "PUT b": {300, 1, 5}}, table{"GET a": {50, 0, 10}}, []string{"all of it"})
	want := "Some\n" +
		"  GET a                                 100       50     25.0%  100.0%        10.2      10.0          0        0\n" +
		"  PUT b                                 300        0     75.0%    0.0%         5.0       0.0          1        0\n" +
		"  DIFFERENT: all of it\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(want))
	}
}

package loadtest

import (
	"slices"
	"testing"
)

func TestClassesWhereNobodyHasChosen(t *testing.T) {
	tests := []struct {
		name    string
		weights map[string]int
		tags    []string
		want    []string
	}{
		{"nothing", nil, nil, []string{ClassName}},
		{"a class as a tag", nil, []string{"JSONGet", "JSONSet"}, []string{"JSONSet", "JSONGet"}},
		{"a kind of request", nil, []string{"read"}, []string{ClassName}},
		{"a weight", map[string]int{"MoreJSON": 3}, nil, []string{ClassName, "MoreJSON"}},
		{"the mixed class has none", map[string]int{ClassName: 0, "MoreJSON": 3}, nil, []string{"MoreJSON"}},
		{"a weight and a tag", map[string]int{"MoreJSON": 3}, []string{"JSONGet"}, []string{"JSONGet", "MoreJSON"}},
	}
	for _, test := range tests {
		s, err := New(Config{Weights: test.weights})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.defaultClasses(test.tags); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v; want %v", test.name, got, test.want)
		}
	}
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.defaultClasses([]string{"nowhere"}); len(got) != len(sets()) {
		t.Errorf("an unknown tag: %v", got)
	}
}

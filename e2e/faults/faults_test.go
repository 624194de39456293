package faults

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
)

// A faultCase breaks something in a system that is up. It leaves the last run going, or stopped; the equations are held
// afterwards.
type faultCase struct {
	name   string
	quick  bool   // runs without -faults.all too
	class  string // default Hit
	breaks func(l *lab)
	want   expectation
}

func cases() []faultCase {
	return slices.Concat(linkCases(), masterCases(), workerCases(), targetCases())
}

// TestFaults runs the cases. Every one ends with settle.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range cases() {
		if !tt.quick && !*all {
			continue
		}
		for round := range *rounds {
			t.Run(fmt.Sprintf("%s/%d", tt.name, round), func(t *testing.T) {
				t.Parallel()
				class := tt.class
				if class == "" {
					class = "Hit"
				}
				name := fnv.New64a()
				_, _ = name.Write([]byte(t.Name()))
				l := newLab(t, class, name.Sum64())
				tt.breaks(l)
				l.settle(tt.want)
			})
		}
	}
}

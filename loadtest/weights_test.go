package loadtest

import (
	"errors"
	"math"
	"testing"

	"github.com/bandwing/bandwing/locustworker"
)

// chiSquare is how far counts are from what the weights make expect.
func chiSquare(counts map[string]int, weights map[string]int) (statistic float64, freedom int) {
	total, sum := 0, 0
	for name, weight := range weights {
		total += counts[name]
		sum += weight
	}
	for name, weight := range weights {
		if weight == 0 {
			continue
		}
		expected := float64(total) * float64(weight) / float64(sum)
		statistic += (float64(counts[name]) - expected) * (float64(counts[name]) - expected) / expected
		freedom++
	}
	return statistic, freedom - 1
}

// criticalValue is what chi-square exceeds by chance once in 10,000 times
// (Wilson and Hilferty's approximation).
func criticalValue(freedom int) float64 {
	const z = 3.719
	k := float64(freedom)
	return k * math.Pow(1-2/(9*k)+z*math.Sqrt(2/(9*k)), 3)
}

func TestChiSquare(t *testing.T) {
	// The exact values; the approximation is a little above them.
	for freedom, want := range map[int]float64{1: 15.14, 2: 18.42, 6: 27.86, 9: 33.72} {
		if got := criticalValue(freedom); math.Abs(got/want-1) > 0.08 {
			t.Errorf("freedom %d: %v, want %v", freedom, got, want)
		}
	}
	weights := map[string]int{"a": 1, "b": 3}
	if got, freedom := chiSquare(map[string]int{"a": 260, "b": 740}, weights); math.Abs(got-0.5333) > 0.001 || freedom != 1 {
		t.Errorf("chi-square %v with freedom %d, want 0.5333 with 1", got, freedom)
	}
	if got, _ := chiSquare(map[string]int{"a": 400, "b": 600}, weights); got < criticalValue(1) {
		t.Errorf("chi-square %v does not tell 400:600 from 1:3", got)
	}
}

func newSelf(t *testing.T) *locustworker.User {
	return locustworker.NewStandaloneUser(t.Context(), locustworker.StandaloneConfig{Seed: 1})
}

// A dice picks tasks as a worker does, by the weights that the classes were made
// with; the tasks give way as a run with other weights wants it.
func TestTasksRunByTheRunsWeights(t *testing.T) {
	for name, c := range map[string]struct {
		class     string
		made, run map[string]int
		want      map[string]int
	}{
		"as declared":        {ClassName, nil, nil, nil},
		"by the environment": {"JSONChange", map[string]int{"JSONChange.numMultiBy": 7}, map[string]int{"JSONChange.numMultiBy": 7}, nil},
		"by an argument":     {"JSONChange", nil, map[string]int{"JSONChange.numMultiBy": 7, "JSONChange.numbIncryBy": 0}, nil},
		"by both":            {ClassName, map[string]int{"RedisJSONUser.get_json": 9}, map[string]int{"RedisJSONUser.get_json": 1, "RedisJSONUser.updateField": 20}, nil},
		"zero at the start":  {"MoreJSON", map[string]int{"MoreJSON.get_nested_json": 0}, map[string]int{"MoreJSON.get_nested_json": 0}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			set := setNamed(t, c.class)
			made, run := Config{Weights: c.made}, Config{Weights: c.run}
			want, faces := map[string]int{}, []string{}
			for _, task := range set.tasks {
				full := set.name + "." + task.name
				want[task.name] = run.weight(full, task.weight)
				for range max(1, made.weight(full, task.weight)) {
					faces = append(faces, task.name)
				}
			}
			u := &user{set: set, run: newRun(run, made), self: newSelf(t)}
			counts := map[string]int{}
			for ran := 0; ran < 200_000; {
				face := one(u.self.Rand(), faces)
				switch err := u.chosen(face); {
				case err == nil:
					counts[face]++
					ran++
				case !errors.Is(err, locustworker.ErrRescheduleNow):
					t.Fatal(err)
				}
			}
			for task, weight := range want {
				if weight == 0 && counts[task] > 0 {
					t.Errorf("%s has weight 0 and ran %d times", task, counts[task])
				}
			}
			if got, freedom := chiSquare(counts, want); got > criticalValue(freedom) {
				t.Errorf("chi-square %v with freedom %d: counts %v, weights %v", got, freedom, counts, want)
			}
		})
	}
}

// Where tags leave only tasks of weight 0, a user pauses instead of spinning.
func TestAUserOfWeightlessTasksPauses(t *testing.T) {
	weights := Config{Weights: map[string]int{"JSONGet.get_json": 0}}
	u := &user{set: setNamed(t, "JSONGet"), run: newRun(weights, Config{}), self: newSelf(t)}
	for range maxRefused - 1 {
		if err := u.chosen("get_json"); !errors.Is(err, locustworker.ErrRescheduleNow) {
			t.Fatal(err)
		}
	}
	if err := u.chosen("get_json"); !errors.Is(err, locustworker.ErrReschedule) {
		t.Error(err)
	}
}

// Every task asks whether it may run, by its own name.
func TestEveryTaskGivesWay(t *testing.T) {
	for _, set := range sets() {
		for _, task := range set.tasks {
			chances := map[string]float64{set.name + "." + task.name: 0}
			u := &user{set: set, run: &run{chances: chances}, self: newSelf(t), pool: newPool()}
			if err := task.do(u, t.Context()); !errors.Is(err, locustworker.ErrRescheduleNow) {
				t.Errorf("%s.%s: %v", set.name, task.name, err)
			}
		}
	}
}

// With a seed, the n-th user of a class on the worker of an index does the same
// in each run; another index, class, number or seed differs, in its documents and
// in its tasks and waits.
func TestASeedRepeatsARun(t *testing.T) {
	draw := func(seed uint64, index, number int, class string) [2]uint64 {
		r := newRun(Config{Seed: seed}, Config{})
		for range number - 1 {
			r.seed(newSelf(t), class, index)
		}
		self := newSelf(t)
		documents := r.seed(self, class, index)
		return [2]uint64{documents.Uint64(), self.Rand().Uint64()}
	}
	first := draw(7, 0, 1, "JSONSet")
	if again := draw(7, 0, 1, "JSONSet"); again != first || first[0] == first[1] {
		t.Errorf("%d and %d", first, again)
	}
	for what, other := range map[string][2]uint64{
		"seed": draw(8, 0, 1, "JSONSet"), "index": draw(7, 1, 1, "JSONSet"),
		"number": draw(7, 0, 2, "JSONSet"), "class": draw(7, 0, 1, "JSONGet"),
	} {
		if other[0] == first[0] || other[1] == first[1] {
			t.Errorf("another %s draws the same", what)
		}
	}
	one, two := newRun(Config{}, Config{}), newSelf(t)
	if one.seed(two, "JSONSet", 0) != two.Rand() || two.Rand().Uint64() != newSelf(t).Rand().Uint64() {
		t.Error("without a seed, the user's own numbers are not left as they are")
	}
}

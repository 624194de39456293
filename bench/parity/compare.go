package main

import (
	"fmt"
	"math"
	"slices"
)

// A line is one row of the statistics.
type line struct {
	Requests int
	Failures int
	Size     float64 // bytes, on average
}

// A table is the rows of a run by method and name, without that of the master's own requests.
type table map[string]line

// sizeTolerance is how far average sizes may lie apart: random users are made by different generators.
const sizeTolerance = 0.03

// mixed are the classes whose rows draw from documents, or fields, of very different sizes.
func mixed() []string { return []string{"RedisJSONUser", "MoreJSON", "RandomGet", "RandomPut"} }

// tolerance is how far average sizes of a row may lie apart. Where a row draws from different sizes, it adds four
// standard errors, with a deviation as large as the average.
func tolerance(class string, p, g line) float64 {
	if !slices.Contains(mixed(), class) {
		return sizeTolerance
	}
	return sizeTolerance + 4*math.Sqrt(1/float64(p.Requests)+1/float64(g.Requests))
}

// compare tells how two runs of a class differ.
func compare(class string, python, goes table) []string {
	var faults []string
	for _, name := range names(python, goes) {
		p, g := python[name], goes[name]
		switch {
		case p.Requests == 0 || g.Requests == 0:
			faults = append(faults, fmt.Sprintf("only one of the workers makes %s", name))
			continue
		case p.Failures+g.Failures > 0:
			faults = append(faults, fmt.Sprintf("%s has %d and %d failures", name, p.Failures, g.Failures))
		}
		if math.Abs(p.Size-g.Size) > tolerance(class, p, g)*math.Max(p.Size, g.Size) {
			faults = append(faults, fmt.Sprintf("%s has replies of %.1f and %.1f bytes", name, p.Size, g.Size))
		}
	}
	statistic, freedom := homogeneity(python, goes)
	if critical := criticalValue(freedom); statistic > critical {
		faults = append(faults, fmt.Sprintf("the shares do: chi-square %.1f, by chance at most %.1f", statistic, critical))
	}
	return faults
}

// homogeneity is Pearson's chi-square of two tables: how far their shares lie apart.
func homogeneity(a, b table) (statistic float64, freedom int) {
	sum := func(t table) (n float64) {
		for _, r := range t {
			n += float64(r.Requests)
		}
		return n
	}
	all := names(a, b)
	totalA, totalB := sum(a), sum(b)
	for _, name := range all {
		row := float64(a[name].Requests + b[name].Requests)
		for _, part := range []struct{ got, total float64 }{
			{float64(a[name].Requests), totalA},
			{float64(b[name].Requests), totalB},
		} {
			if expected := row * part.total / (totalA + totalB); expected > 0 {
				statistic += (part.got - expected) * (part.got - expected) / expected
			}
		}
	}
	return statistic, len(all) - 1
}

// criticalValue is what chi-square exceeds by chance less than once in 10,000 times (Wilson and Hilferty's
// approximation, which is a little too large there).
func criticalValue(freedom int) float64 {
	const z = 3.719
	k := math.Max(1, float64(freedom))
	return k * math.Pow(1-2/(9*k)+z*math.Sqrt(2/(9*k)), 3)
}

package stats

import (
	"cmp"
	"slices"
	"strings"
)

// DefaultMaxLifetimes is the number of rows that [Store.Lifetimes] has at most,
// beside the one for the others.
const DefaultMaxLifetimes = 200

// OtherRows is the method and the name of the row that stands for all rows beyond
// the limit.
const OtherRows = "other"

// A Lifetime is what was ever recorded under one method and name: no report, no
// Reset and no new run takes anything from it.
type Lifetime struct {
	Method, Name string
	Requests     int64     // all samples, those that failed or have no time included
	Failures     int64     // samples that failed
	Times        Histogram // of the samples that have a time
}

// lifetimes are the rows of a store. First come, first served: a row that has a
// place keeps it, so that its counts never go back.
type lifetimes struct {
	rows  map[rowKey]*Lifetime
	limit int
}

// add counts one shard's row.
func (l *lifetimes) add(key rowKey, r *row) {
	sum := l.rows[key]
	if sum == nil {
		if len(l.rows) >= l.limit {
			key = rowKey{method: OtherRows, name: OtherRows}
		}
		if sum = l.rows[key]; sum == nil {
			sum = &Lifetime{Method: key.method, Name: key.name}
			l.rows[key] = sum
		}
	}
	sum.Requests += r.requests
	sum.Failures += r.failed
	for i, n := range r.spread {
		sum.Times.Counts[i] += n
	}
	sum.Times.Sum = addCapped(sum.Times.Sum, max(r.totalTime, 0))
}

// sorted returns copies of the rows, by name, then method.
func (l *lifetimes) sorted() []Lifetime {
	all := make([]Lifetime, 0, len(l.rows))
	for _, sum := range l.rows {
		all = append(all, *sum)
	}
	slices.SortFunc(all, func(a, b Lifetime) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Method, b.Method))
	})
	return all
}

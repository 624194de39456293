package stats

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// DefaultMaxErrors is the number of error rows that the master's web UI and
// JSON show at most (web.py, request_stats).
const DefaultMaxErrors = 500

// OtherErrors is the text of the row that stands, for its method and name, for
// all errors beyond the limit.
const OtherErrors = "other errors (text limit reached)"

// ErrorEntry is one row of the failures table: how often the samples of one
// method and name failed with one text.
type ErrorEntry struct {
	Method, Name, Text  string
	Occurrences         int64
	FirstSeen, LastSeen time.Time
}

func compareErrors(a, b *ErrorEntry) int {
	return cmp.Or(
		strings.Compare(a.Name, b.Name),
		strings.Compare(a.Method, b.Method),
		strings.Compare(a.Text, b.Text),
	)
}

// add adds the occurrences of other to e.
func (e *ErrorEntry) add(other *ErrorEntry) {
	e.Occurrences += other.Occurrences
	e.FirstSeen = earlier(e.FirstSeen, other.FirstSeen)
	e.LastSeen = later(e.LastSeen, other.LastSeen)
}

// mergeErrors returns the rows of a and b as a new sorted slice without
// duplicates, of at most limit rows and those for other errors.
func mergeErrors(a, b []ErrorEntry, limit int) []ErrorEntry {
	rows := compactErrors(slices.Concat(a, b))
	if limit <= 0 || len(rows) <= limit {
		return rows
	}
	return limitErrors(rows, limit)
}

// compactErrors sorts rows in place and folds those that are equal.
func compactErrors(rows []ErrorEntry) []ErrorEntry {
	slices.SortFunc(rows, func(a, b ErrorEntry) int { return compareErrors(&a, &b) })
	kept := rows[:0]
	for i := range rows {
		if last := len(kept) - 1; last >= 0 && compareErrors(&kept[last], &rows[i]) == 0 {
			kept[last].add(&rows[i])
			continue
		}
		kept = append(kept, rows[i])
	}
	return kept
}

// limitErrors keeps the limit most frequent rows and gives the others the text
// OtherErrors. Rows that have it already do not count.
func limitErrors(rows []ErrorEntry, limit int) []ErrorEntry {
	kept := 0
	return keepErrors(rows, func(*ErrorEntry) bool { kept++; return kept <= limit })
}

// admitErrors keeps the rows that have a place in the quota, or get one, and gives
// the others the text OtherErrors. The most frequent ones come first.
func admitErrors(rows []ErrorEntry, texts *quota[failureKey]) []ErrorEntry {
	return keepErrors(rows, func(e *ErrorEntry) bool {
		return texts.admit(failureKey{rowKey{method: e.Method, name: e.Name}, e.Text})
	})
}

// keepErrors gives the text OtherErrors to the rows that keep, asked for the most
// frequent ones first, says no to. It is not asked for rows that have it already.
func keepErrors(rows []ErrorEntry, keep func(*ErrorEntry) bool) []ErrorEntry {
	slices.SortFunc(rows, func(a, b ErrorEntry) int {
		return cmp.Or(cmp.Compare(b.Occurrences, a.Occurrences), compareErrors(&a, &b))
	})
	for i := range rows {
		if rows[i].Text != OtherErrors && !keep(&rows[i]) {
			rows[i].Text = OtherErrors
		}
	}
	return compactErrors(rows)
}

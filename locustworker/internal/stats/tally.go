package stats

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maxKept is the number of rows up to which a tally keeps its memory for the
// next period. More of them mean names that are not static, for example URLs
// with an id: their rows would pile up.
const maxKept = 4096

// A tally sums up the samples of one shard over one period. It lives on after
// its reset, so that recording known rows again needs no new memory.
type tally struct {
	buckets   Buckets
	rowQuota  *quota[rowKey]
	textQuota *quota[failureKey]
	rows      map[rowKey]*row
	failures  map[failureKey]*failure
	texts     int // failures used in this period, those for other errors not counted
}

type rowKey struct{ method, name string }

type failureKey struct {
	rowKey
	text string
}

// A row is an Entry in the making: times are unix nanoseconds, the seconds a
// sorted slice, because a period has only a few.
type row struct {
	requests, none, failed int64
	totalTime              time.Duration
	maxTime, minTime       time.Duration
	contentLength          int64
	last                   int64
	times                  map[int64]int64
	spread                 [HistogramBounds + 1]int64 // see Histogram
	seconds                []second
}

type second struct{ unix, requests, failed int64 }

type failure struct{ occurrences, first, last int64 }

func newTally(buckets Buckets, rows *quota[rowKey], texts *quota[failureKey]) *tally {
	return &tally{
		buckets:   buckets,
		rowQuota:  rows,
		textQuota: texts,
		rows:      make(map[rowKey]*row),
		failures:  make(map[failureKey]*failure),
	}
}

// add counts one sample: its request, its time and its failure are one unit
// (log_request and log_error in locust/stats.py).
func (t *tally) add(sm *Sample) {
	key := rowKey{method: sm.Method, name: sm.Name}
	r := t.rows[key]
	if (r == nil || r.requests == 0) && !t.rowQuota.admit(key) {
		key = otherRow
		r = t.rows[key]
	}
	if r == nil {
		r = &row{times: make(map[int64]int64)}
		t.rows[key.clone()] = r
	}
	at := sm.At.UnixNano()
	if r.requests == 0 || at > r.last {
		r.last = at
	}
	r.requests++
	r.contentLength = addCapped(r.contentLength, sm.Length)
	sec := r.second(sm.At.Unix())
	sec.requests++
	if sm.NoTime {
		r.none++
	} else {
		r.addTime(max(sm.ResponseTime, 0), t.buckets)
	}
	if sm.Failed {
		r.failed++
		sec.failed++
		t.fail(failureKey{rowKey: key, text: sm.Error}, at)
	}
}

func (r *row) addTime(d time.Duration, buckets Buckets) {
	if timed := r.requests - r.none; timed == 1 {
		r.minTime = d
	}
	r.minTime = min(r.minTime, d)
	r.maxTime = max(r.maxTime, d)
	r.totalTime = addCapped(r.totalTime, d)
	r.times[buckets.Key(d)]++
	r.spread[slot(d)]++
}

// second returns the counts of a unix second.
func (r *row) second(unix int64) *second {
	i := len(r.seconds) - 1
	if i >= 0 && r.seconds[i].unix == unix {
		return &r.seconds[i]
	}
	i, found := slices.BinarySearchFunc(r.seconds, unix, func(s second, unix int64) int {
		return cmp.Compare(s.unix, unix)
	})
	if !found {
		r.seconds = slices.Insert(r.seconds, i, second{unix: unix})
	}
	return &r.seconds[i]
}

// fail counts one failure under its text or, when there are too many texts,
// under OtherErrors. Which new texts of a period have places is decided when it
// ends (admitErrors), so that each shard keeps as many as there may be.
func (t *tally) fail(key failureKey, at int64) {
	f := t.failures[key]
	if key.text != OtherErrors && (f == nil || f.occurrences == 0) {
		if known, full := t.textQuota.known(key); (full && !known) || (!full && t.texts >= t.textQuota.limit) {
			key.text = OtherErrors
			f = t.failures[key]
		} else {
			t.texts++
		}
	}
	if f == nil {
		f = new(failure)
		t.failures[key.clone()] = f
	}
	if f.occurrences == 0 {
		f.first, f.last = at, at
	}
	f.occurrences++
	f.first, f.last = min(f.first, at), max(f.last, at)
}

// clone returns the key with strings of its own: the caller's may be parts of
// larger ones, or of memory that is used again.
func (k rowKey) clone() rowKey {
	return rowKey{method: strings.Clone(k.method), name: strings.Clone(k.name)}
}

func (k failureKey) clone() failureKey {
	return failureKey{rowKey: k.rowKey.clone(), text: strings.Clone(k.text)}
}

func (k rowKey) size() int { return len(k.method) + len(k.name) }

func (k failureKey) size() int { return k.rowKey.size() + len(k.text) }

// reset makes the tally empty for a new period. It keeps the memory of the rows
// that were used in this one and drops the others.
func (t *tally) reset() {
	resetRows(&t.rows, (*row).reset)
	resetRows(&t.failures, (*failure).reset)
	t.texts = 0
}

// resetRows resets all rows of a map and drops those that reset says were idle;
// if there are too many, it drops all.
func resetRows[K comparable, R any](rows *map[K]*R, reset func(*R) (used bool)) {
	if len(*rows) > maxKept {
		*rows = make(map[K]*R)
		return
	}
	for key, r := range *rows {
		if !reset(r) {
			delete(*rows, key)
		}
	}
}

func (r *row) reset() (used bool) {
	used = r.requests > 0
	clear(r.times)
	*r = row{times: r.times, seconds: r.seconds[:0]}
	return used
}

func (f *failure) reset() (used bool) {
	used = f.occurrences > 0
	*f = failure{}
	return used
}

func newEntry(key rowKey, start time.Time) Entry {
	return Entry{
		Name:           key.name,
		Method:         key.method,
		Start:          start,
		ResponseTimes:  make(map[int64]int64),
		RequestsPerSec: make(map[int64]int64),
		FailuresPerSec: make(map[int64]int64),
	}
}

func (f *failure) entry(key failureKey) ErrorEntry {
	return ErrorEntry{
		Method:      key.method,
		Name:        key.name,
		Text:        key.text,
		Occurrences: f.occurrences,
		FirstSeen:   time.Unix(0, f.first),
		LastSeen:    time.Unix(0, f.last),
	}
}

// addTo adds the row's figures to an entry whose maps exist.
func (r *row) addTo(e *Entry) {
	e.LastRequest = later(e.LastRequest, time.Unix(0, r.last))
	e.Requests += r.requests
	e.NoneRequests += r.none
	e.Failures += r.failed
	e.TotalTime = addCapped(e.TotalTime, r.totalTime)
	e.Max = max(e.Max, r.maxTime)
	if r.requests > r.none && (!e.HasMin || r.minTime < e.Min) {
		e.Min, e.HasMin = r.minTime, true
	}
	e.ContentLength = addCapped(e.ContentLength, r.contentLength)
	for key, count := range r.times {
		e.ResponseTimes[key] += count
	}
	for _, s := range r.seconds {
		e.RequestsPerSec[s.unix] += s.requests
		if s.failed > 0 {
			e.FailuresPerSec[s.unix] += s.failed
		}
	}
}

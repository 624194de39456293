package stats

import (
	"slices"
	"sync"
	"sync/atomic"
)

// DefaultMaxRows is the number of rows that a run has at most, beside the one for
// the others. A report of so many rows is about 4 MB.
const DefaultMaxRows = 10_000

const (
	// maxKeyBytes bounds the texts of a run's rows, and those of its errors: names
	// may be long where the limit of their number was raised.
	maxKeyBytes = 16 << 20
	// maxOffenders is how many of the keys beyond a limit an [Overflow] names.
	maxOffenders = 5
	// offenderLength is the length in bytes to which it cuts them.
	offenderLength = 200
)

// otherRow is the key of the row for all rows beyond the limit.
var otherRow = rowKey{method: OtherRows, name: OtherRows}

// An Overflow says that a run has more rows, or more texts of errors, than a
// store keeps apart.
type Overflow struct {
	Errors bool     // texts of errors; else rows
	Limit  int      // Config.MaxRows or Config.MaxErrors
	First  []string // the first that were put with the others, 1 to 5 of them
}

// A quota admits keys until it is full; those that it has admitted stay. Its
// methods are safe for concurrent use.
type quota[K comparable] struct {
	limit int
	clone func(K) K
	size  func(K) int // in bytes

	// frozen is the map of all admitted keys, which does not change any more; nil
	// while there is room.
	frozen atomic.Pointer[map[K]struct{}]
	named  atomic.Bool // refused has maxOffenders keys

	mu       sync.Mutex
	admitted map[K]struct{}
	bytes    int // of the admitted keys
	refused  []K // the first that were not admitted
	warned   bool
}

func newQuota[K comparable](limit int, clone func(K) K, size func(K) int) *quota[K] {
	return &quota[K]{limit: limit, clone: clone, size: size, admitted: make(map[K]struct{})}
}

// admit reports whether the key has a place, which it takes if there is room.
func (q *quota[K]) admit(key K) bool {
	if known, full := q.known(key); full {
		return known
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, known := q.admitted[key]; known {
		return true
	}
	size := q.size(key)
	if len(q.admitted) >= q.limit || q.bytes+size > maxKeyBytes {
		q.refuseLocked(key)
		return false
	}
	q.bytes += size
	q.admitted[q.clone(key)] = struct{}{}
	if len(q.admitted) >= q.limit {
		q.frozen.Store(&q.admitted)
	}
	return true
}

// known reports whether the quota is full, and if so whether the key has a place.
func (q *quota[K]) known(key K) (known, full bool) {
	frozen := q.frozen.Load()
	if frozen == nil {
		return false, false
	}
	if _, known = (*frozen)[key]; !known {
		q.refuse(key)
	}
	return known, true
}

// refuse notes a key that got no place.
func (q *quota[K]) refuse(key K) {
	if q.named.Load() {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.refuseLocked(key)
}

func (q *quota[K]) refuseLocked(key K) {
	if len(q.refused) < maxOffenders && !slices.Contains(q.refused, key) {
		q.refused = append(q.refused, q.clone(key))
		q.named.Store(len(q.refused) == maxOffenders)
	}
}

// reset frees all places.
func (q *quota[K]) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.admitted = make(map[K]struct{})
	q.frozen.Store(nil)
	q.bytes, q.refused, q.warned = 0, nil, false
	q.named.Store(false)
}

// overflow returns the keys that got no place, once after each reset.
func (q *quota[K]) overflow() []K {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.warned || len(q.refused) == 0 {
		return nil
	}
	q.warned = true
	return slices.Clone(q.refused)
}

// offender cuts a text to what a log line should hold.
func offender(text string) string {
	if len(text) <= offenderLength {
		return text
	}
	return shorten(text, offenderLength)
}

// overflows returns what the caller of Config.Overflow has to be given.
func (s *Store) overflows() []Overflow {
	var all []Overflow
	if rows := s.rows.overflow(); rows != nil {
		o := Overflow{Limit: s.config.MaxRows}
		for _, key := range rows {
			o.First = append(o.First, offender(key.method+" "+key.name))
		}
		all = append(all, o)
	}
	if texts := s.texts.overflow(); texts != nil {
		o := Overflow{Errors: true, Limit: s.config.MaxErrors}
		for _, key := range texts {
			o.First = append(o.First, offender(key.method+" "+key.name+": "+key.text))
		}
		all = append(all, o)
	}
	return all
}

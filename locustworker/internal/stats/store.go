package stats

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// maxShards bounds Config.Shards.
const maxShards = 1 << 12

// Config says how a [Store] works. The zero value is ready for use.
type Config struct {
	// Shards is the number of shards, rounded up to a power of two, at most
	// 4096. Default: at least four for every core that Go may use, so that two
	// goroutines rarely meet in one.
	Shards int

	// Buckets is how response times are rounded. Default: Fine.
	Buckets Buckets

	// MaxRows is how many rows there are between two calls of Reset at most. The
	// first keep their place; all others share one row, of the method and the name
	// OtherRows. Default: DefaultMaxRows.
	MaxRows int

	// MaxErrors is how many rows of errors there are between two calls of Reset at
	// most. A place that is taken is kept; of the new errors of a report, the most
	// frequent get the places that are left. All others have one row for each method
	// and name, with the text OtherErrors. Default: DefaultMaxErrors.
	MaxErrors int

	// Overflow is called when there are more rows or errors than that, once for
	// each until the next Reset. Take and Lifetimes call it, without a lock. nil
	// calls nothing.
	Overflow func(Overflow)

	// MaxLifetimes is how many rows Lifetimes has at most, beside the one for the
	// others. Default: DefaultMaxLifetimes.
	MaxLifetimes int

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Sample is one finished request, or whatever else a user measures. A negative
// ResponseTime counts as 0.
//
// Its strings must be valid UTF-8. The store copies those that it keeps, so they
// may be parts of memory that is used again.
type Sample struct {
	Method string // request type, such as "GET"
	Name   string // with Method, the row of the statistics

	At           time.Time     // wall clock of the completion; zero: when it is recorded
	ResponseTime time.Duration // ignored if NoTime
	NoTime       bool          // there is no response time: Locust's None
	Length       int64         // content length in bytes

	Failed bool
	Error  string // text of the failure, see NormalizeError; used if Failed
}

// Store records samples until they are taken as a report. All methods are safe
// for concurrent use.
type Store struct {
	config Config
	mask   uint32
	shards []shard
	rows   *quota[rowKey]
	texts  *quota[failureKey]

	// taking guards what follows, and the spare tallies of the shards.
	taking  sync.Mutex
	start   time.Time      // of the period in which samples are recorded now
	held    Report         // samples of that period that are not in the shards any more
	life    lifetimes      // all samples that are not in the shards any more
	index   map[rowKey]int // into the report that is being made; empty in between
	entries int            // entries in the last report: the next will have about as many
	counted int64          // samples ever recorded that are not in the shards any more
}

// A shard fills two cache lines, which are fetched together, so that no two
// shards share one.
type shard struct {
	mu       sync.Mutex
	active   *tally // receives samples; guarded by mu
	recorded int64  // samples ever recorded; guarded by mu
	spare    *tally // empty; guarded by Store.taking

	_ [96]byte
}

// New returns an empty store.
func New(config Config) *Store {
	if config.Shards <= 0 {
		config.Shards = 4 * runtime.GOMAXPROCS(0)
	}
	if config.MaxRows <= 0 {
		config.MaxRows = DefaultMaxRows
	}
	if config.MaxErrors <= 0 {
		config.MaxErrors = DefaultMaxErrors
	}
	if config.MaxLifetimes <= 0 {
		config.MaxLifetimes = DefaultMaxLifetimes
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	count := shardCount(config.Shards)
	s := &Store{
		config: config,
		mask:   uint32(count - 1),
		shards: make([]shard, count),
		rows:   newQuota(config.MaxRows, rowKey.clone, rowKey.size),
		texts:  newQuota(config.MaxErrors, failureKey.clone, failureKey.size),
		start:  config.Now(),
		life:   lifetimes{rows: make(map[rowKey]*Lifetime), limit: config.MaxLifetimes},
		index:  make(map[rowKey]int),
	}
	for i := range s.shards {
		s.shards[i].active = newTally(config.Buckets, s.rows, s.texts)
		s.shards[i].spare = newTally(config.Buckets, s.rows, s.texts)
	}
	return s
}

// Record adds a sample to the shard with the given number, of which the lower
// bits count: any number will do, and callers that run at the same time should
// use different ones. It does not block longer than another Record takes, and
// allocates only for what the shard did not see lately: a name, an error text, a
// second, a bucket.
func (s *Store) Record(shard uint32, sm Sample) {
	if sm.At.IsZero() {
		sm.At = s.config.Now()
	}
	sh := &s.shards[shard&s.mask]
	sh.mu.Lock()
	sh.recorded++
	sh.active.add(&sm)
	sh.mu.Unlock()
}

// Recorded returns the number of samples ever recorded, those that Reset
// dropped included.
func (s *Store) Recorded() int64 {
	var sum int64
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sum += sh.recorded
		sh.mu.Unlock()
	}
	return sum
}

// Reset drops all samples that were not taken yet, for a new test run, and returns
// how many they were. The next report starts now, with all places of MaxRows and
// MaxErrors free.
func (s *Store) Reset() int64 {
	s.taking.Lock()
	defer s.taking.Unlock()
	dropped := s.take().Total.Requests
	s.rows.reset() // what is recorded before that may take a place more than it should
	s.texts.reset()
	return dropped
}

// Take returns all samples recorded since the last Take or Reset as a report,
// which is the caller's. A sample recorded at the same time is in this report or
// the next. Recorders wait only while the sums of their shard are exchanged for
// empty ones.
func (s *Store) Take() Report {
	s.taking.Lock()
	r := s.take()
	s.taking.Unlock()
	s.tell()
	return r
}

// TakeLast is Take, and returns how many samples were ever recorded up to that
// report: what is recorded afterwards is in neither.
func (s *Store) TakeLast() (last Report, recorded int64) {
	s.taking.Lock()
	last = s.take()
	recorded = s.counted
	s.taking.Unlock()
	s.tell()
	return last, recorded
}

// Lifetimes returns the sums of all samples ever recorded, taken or dropped ones
// included, sorted by name, then method. Each row's counts never go back. Recorders
// wait no longer than for Take, and it takes nothing from the next report.
func (s *Store) Lifetimes() []Lifetime {
	s.taking.Lock()
	s.hold(s.config.Now())
	sorted := s.life.sorted()
	s.taking.Unlock()
	s.tell()
	return sorted
}

// tell calls Config.Overflow if there is a reason.
func (s *Store) tell() {
	if s.config.Overflow == nil {
		return
	}
	for _, o := range s.overflows() {
		s.config.Overflow(o)
	}
}

// take ends the period. s.taking is held.
func (s *Store) take() Report {
	now := s.config.Now()
	s.hold(now)
	r := s.held
	s.held, s.start = Report{}, now
	return r
}

// hold empties the shards into held. s.taking is held.
func (s *Store) hold(now time.Time) {
	r := Report{Start: s.start, End: now, maxErrors: s.config.MaxErrors}
	r.Entries = make([]Entry, 0, s.entries)
	var counted int64
	for i := range s.shards {
		taken, recorded := s.shards[i].swap()
		counted += recorded
		s.collect(&r, taken)
		taken.reset()
	}
	s.entries, s.counted = len(r.Entries), counted
	clear(s.index)
	r.finish(s.texts)
	if s.held.Empty() {
		s.held = r
	} else {
		s.held.Merge(r)
	}
}

// collect appends the figures of one shard to the report, unsorted.
func (s *Store) collect(r *Report, taken *tally) {
	for key, row := range taken.rows {
		if row.requests == 0 {
			continue
		}
		i, known := s.index[key]
		if !known {
			i = len(r.Entries)
			s.index[key] = i
			r.Entries = append(r.Entries, newEntry(key, r.Start))
		}
		row.addTo(&r.Entries[i])
		s.life.add(key, row)
	}
	for key, f := range taken.failures {
		if f.occurrences > 0 {
			r.Errors = append(r.Errors, f.entry(key))
		}
	}
}

// finish sorts what was collected, sums it up and limits the errors.
func (r *Report) finish(texts *quota[failureKey]) {
	slices.SortFunc(r.Entries, func(a, b Entry) int { return compareEntries(&a, &b) })
	r.Total = newEntry(rowKey{name: AggregatedName}, r.Start)
	for i := range r.Entries {
		r.Total.merge(&r.Entries[i])
	}
	r.Errors = admitErrors(compactErrors(r.Errors), texts)
}

// swap exchanges the active tally for the spare one and returns it, with the number
// of samples ever recorded. It is the spare one from then on: reset it before the
// next swap.
func (sh *shard) swap() (*tally, int64) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.active, sh.spare = sh.spare, sh.active
	return sh.spare, sh.recorded
}

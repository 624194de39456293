package locustworker

import (
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// A Sample is one finished request of any protocol: one row's worth of what
// Locust's request event carries.
type Sample struct {
	// Type is the row's method column: GET, PUT, or a protocol's own word.
	Type string
	// Name is the row's name. Keep names few: each one is a row, and there are
	// Config.MaxRows of them.
	Name string
	// ResponseTime is how long the request took. It is kept in nanoseconds and
	// reported in milliseconds with its fraction. Negative counts as 0.
	ResponseTime time.Duration
	// NoTime says that the request has no response time (Locust's None): it is
	// counted, and no time of it enters the row's figures.
	NoTime bool
	// Length is the response's size in bytes after decompression.
	Length int64
	// Err is nil for a success. Its text is the failure's row, as it stands, so it
	// should not hold ids: texts that differ are different rows. Of a NetworkError,
	// and of a text of more than 512 bytes, addresses, ports and long numbers are
	// replaced, unless Config.ExactErrors is set.
	Err error
	// Late is how long after its time the request was sent: the lateness of the
	// iteration for its first request that has a response time, in a class with
	// arrivals; else 0. The worker sets it for the Request event. ResponseTime
	// includes it there, unless Config.LatencyFrom is FromSent.
	Late time.Duration
	// Trace is what Client.StartTrace returned for the request, or nil.
	Trace RequestTrace
	// Context is for the Request event alone, which gets it as it is (the context
	// of Locust's request event).
	Context map[string]any
}

// A NetworkError is an error whose text a protocol client made, and no author of a
// test: it may hold addresses, ports and ids, which are replaced in the failure's
// row, because each would make a row. A net.Error is taken for one, too. An error
// that wraps one is not: its text is its author's.
type NetworkError interface {
	error
	// NetworkError marks the error; it does nothing.
	NetworkError()
}

// errorText is what the failures table shows: the error's own text, made valid
// UTF-8, as Locust shows a str and not as it shows an exception's repr.
func errorText(err error) string {
	text := err.Error()
	if text == "" {
		return "error without a text"
	}
	if !utf8.ValidString(text) {
		return string([]rune(text))
	}
	return text
}

// maxErrorText bounds the text of a failure's row, in bytes.
const maxErrorText = 512

// A recorder counts what users record. Its methods are safe for concurrent use.
type recorder struct {
	store *stats.Store
	hooks *hooks
	cut   atomic.Int64

	lateness    *stats.Timing // of users that woke
	connections atomic.Int64  // open now
	exact       bool          // Config.ExactErrors
	fromSent    bool          // Config.LatencyFrom is FromSent
	other       otherTimes
}

var _ sampleSink = (*recorder)(nil)

func newRecorder(c Config, h *hooks) *recorder {
	cfg := stats.Config{MaxRows: c.MaxRows, MaxErrors: c.MaxErrors, Overflow: func(o stats.Overflow) { warnOverflow(c.Logger, o) }}
	if c.LocustBuckets {
		cfg.Buckets = stats.Locust
	}
	return &recorder{store: stats.New(cfg), hooks: h, lateness: stats.NewTiming(), exact: c.ExactErrors, fromSent: c.LatencyFrom == FromSent}
}

// warnOverflow says that names or errors are too many to have a row each.
func warnOverflow(log *slog.Logger, o stats.Overflow) {
	if o.Errors {
		log.Warn("TOO MANY DIFFERENT ERRORS: those beyond the limit of this run share one row for each name. "+
			"Leave ids out of the texts of errors", "limit", o.Limit, "text_of_shared_rows", stats.OtherErrors, "first_beyond", o.First)
		return
	}
	log.Warn("TOO MANY DIFFERENT NAMES: requests beyond the limit of this run share one row. "+
		"Give requests that differ by an id one name", "limit", o.Limit, "shared_row", stats.OtherRows, "first_beyond", o.First)
}

// record adds one sample, in the shard of its user; for those of no user in any.
func (r *recorder) record(u *User, s Sample) {
	shard := uint32(u.id)
	if u.id == 0 {
		shard = rand.Uint32()
	}
	s.ResponseTime = max(s.ResponseTime, 0)
	var other time.Duration
	if v := u.visiting; v != nil {
		if s.ResponseTime, other = v.record(u, &s); r.fromSent {
			s.ResponseTime, other = other, s.ResponseTime
		}
	}
	sample := stats.Sample{
		Method:       strings.ToValidUTF8(s.Type, "\uFFFD"), // as it will be sent: two rows must not become one
		Name:         strings.ToValidUTF8(s.Name, "\uFFFD"),
		At:           time.Now(),
		ResponseTime: s.ResponseTime,
		NoTime:       s.NoTime,
		Length:       s.Length,
	}
	if s.Err != nil {
		sample.Failed = true
		sample.Error = rowText(s.Err, r.exact)
	}
	r.store.Record(shard, sample)
	if u.visiting != nil {
		r.other.record(u, sample, other)
	}
	r.hooks.request(u, s)
}

// rowText is the text of an error's row. Only what no author of a test wrote is
// changed: addresses, ports and ids in errors of the network, of which each would
// make a row, and whatever is longer than a row's text may be.
func rowText(err error, exact bool) string {
	text := errorText(err)
	if !exact && (isNetworkError(err) || len(text) > maxErrorText) {
		return stats.NormalizeError(text, maxErrorText)
	}
	return stats.CutError(text, maxErrorText)
}

// isNetworkError reports whether an error itself, and not one that it wraps, is the
// network's or a protocol client's.
func isNetworkError(err error) bool {
	switch err.(type) { //nolint:errorlint // what wraps it is an author's text
	case NetworkError, net.Error:
		return true
	}
	return false
}

func (r *recorder) countCut() { r.cut.Add(1) }

func (r *recorder) woke(u *User, late time.Duration) { r.lateness.Observe(uint32(u.id), late) }

// connected counts a connection until what it returns is called.
func (r *recorder) connected() (closed func()) {
	r.connections.Add(1)
	var once atomic.Bool
	return func() {
		if once.CompareAndSwap(false, true) {
			r.connections.Add(-1)
		}
	}
}

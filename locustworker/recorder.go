package locustworker

import (
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

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
}

var _ sampleSink = (*recorder)(nil)

func newRecorder(c Config, h *hooks) *recorder {
	cfg := stats.Config{MaxRows: c.MaxRows, MaxErrors: c.MaxErrors, Overflow: func(o stats.Overflow) { warnOverflow(c.Logger, o) }}
	if c.LocustBuckets {
		cfg.Buckets = stats.Locust
	}
	return &recorder{store: stats.New(cfg), hooks: h, lateness: stats.NewTiming(), exact: c.ExactErrors}
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

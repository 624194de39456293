package locustworker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/traceback"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
)

// A Snapshot is what a worker shows of itself at one moment: what a monitoring
// system asks for. It is the caller's.
type Snapshot struct {
	// Counters tell what became of the samples. Counters.Recorded is the sum of
	// the rows' requests, and Recorded = Confirmed + Open + Discarded.
	Counters Counters
	// Rows are the totals by name and type, sorted in that order: of all samples
	// since the worker was made. No report, no new run and no reset of the figures
	// takes anything from them. There are at most 200 rows, those that came first,
	// and one of type and name "other" for the samples of all others.
	Rows []RowTotals
	// Users are the users alive of each class, those that are stopping included.
	Users map[string]int
	// Link is what worker and master know of each other.
	Link LinkState
	// Connections is how many connections to the system under test are open, as
	// far as the users' clients count them (Client.Connected).
	Connections int64
	// Lateness is how long after the intended time users woke from the waits
	// between their tasks. Waits that a stop ended are not in it. A load generator
	// that cannot keep up shows it here first.
	Lateness Histogram
	// Arrivals are those of the classes that have some, in declaration order.
	Arrivals []ArrivalTotals
}

// RowTotals are the totals of one row.
type RowTotals struct {
	Type, Name string
	Requests   int64 // failures included
	Failures   int64
	Times      Histogram // response times; samples with NoTime have none
}

// A Histogram counts times by upper bounds that are the same in all histograms:
// 0.1 ms, each twice the one before, 104.8576 s at last. The counts are exact,
// whatever Config.LocustBuckets says.
type Histogram struct {
	// Bounds are the upper bounds, ascending.
	Bounds []time.Duration
	// Counts has at i the times above Bounds[i-1], up to and with Bounds[i]. The
	// last, one more than there are bounds, has those above all.
	Counts []int64
	// Count is the number and Sum the sum of all times.
	Count int64
	Sum   time.Duration
}

// Snapshot returns the worker's figures. It may be called before, during and
// after Run, and is safe for concurrent use. Users that record at the same time
// wait as they do for a report to the master, a few times a minute: call it about
// as often.
func (w *Worker) Snapshot() Snapshot {
	c := w.settled()
	var s Snapshot
	for _, row := range w.recorder.store.Lifetimes() {
		c.Recorded += row.Requests
		s.Rows = append(s.Rows, RowTotals{
			Type: row.Method, Name: row.Name, Requests: row.Requests, Failures: row.Failures, Times: histogram(row.Times),
		})
	}
	c.Open = c.Recorded - c.Confirmed - c.Discarded
	s.Counters = c
	s.Users = w.userCounts()
	s.Link = LinkState(w.figures.Link.Load())
	s.Connections = w.recorder.connections.Load()
	s.Lateness = histogram(w.recorder.lateness.Histogram())
	s.Arrivals = w.arrivalTotals()
	return s
}

// Counters returns what became of the samples so far. Safe for concurrent use.
func (w *Worker) Counters() Counters {
	if c := w.final.Load(); c != nil {
		return *c
	}
	c := w.settled()
	c.Recorded = w.recorder.store.Recorded()
	c.Open = c.Recorded - c.Confirmed - c.Discarded
	return c
}

// settled returns the counters without those of samples that are on their way.
// What is settled was recorded before: read that later, and nothing is negative.
func (w *Worker) settled() Counters {
	return Counters{
		Confirmed: w.figures.Confirmed.Load(),
		Discarded: w.figures.Discarded.Load(),
		Cut:       w.recorder.cut.Load(),
	}
}

func (w *Worker) userCounts() map[string]int {
	if users := w.users.Load(); users != nil {
		byClass, _ := users.counts()
		return byClass
	}
	byClass := make(map[string]int, len(w.classes))
	for _, c := range w.classes {
		byClass[c.name] = 0
	}
	return byClass
}

func histogram(h stats.Histogram) Histogram {
	bounds := make([]time.Duration, stats.HistogramBounds)
	for i := range bounds {
		bounds[i] = stats.HistogramBound(i)
	}
	return Histogram{Bounds: bounds, Counts: h.Counts[:], Count: h.Count(), Sum: h.Sum}
}

// A LinkState says what the worker and the master know of each other: LinkDown,
// LinkJoining, LinkProbing or LinkRegistered. Its String is the name in lower case:
// down, joining, probing or registered.
type LinkState = uplink.State

// The states of the link, in the order in which a worker comes to them.
const (
	// LinkDown: there is no connection.
	LinkDown = uplink.Down
	// LinkJoining: the worker has asked the master to take it in.
	LinkJoining = uplink.Joining
	// LinkProbing: after a lost connection it finds out whether the master is the
	// one that it was lost to.
	LinkProbing = uplink.Probing
	// LinkRegistered: the master knows the worker.
	LinkRegistered = uplink.Registered
)

// LinkStates returns all states of the link.
func LinkStates() []LinkState { return uplink.States() }

// A MetricsServer serves the figures of a worker on a listener until ctx ends,
// closes the listener and returns when nothing of it is left; nil, or why it had to
// end before.
type MetricsServer func(ctx context.Context, l net.Listener, w *Worker) error

// metricsAddress checks an address for Config.MetricsAddr.
func metricsAddress(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("metrics address %q is not host:port, such as 127.0.0.1:9646 or :9646", addr)
	}
	return host, port, nil
}

// validateMetrics returns what is wrong with the settings of metrics.
func (c Config) validateMetrics() error {
	if c.MetricsAddr == "" {
		return nil
	}
	if _, _, err := metricsAddress(c.MetricsAddr); err != nil {
		return err
	}
	if c.ServeMetrics == nil {
		return errors.New("a metrics address is given, but the program has nothing that serves metrics: " +
			"its main must set Config.ServeMetrics (to promworker.Serve, for Prometheus)")
	}
	return nil
}

// listenMetrics opens the metrics' listener, or returns nil when none is asked for.
func (w *Worker) listenMetrics(ctx context.Context) (net.Listener, error) {
	if w.cfg.MetricsAddr == "" {
		return nil, nil //nolint:nilnil // no listener is no error
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", w.cfg.MetricsAddr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMetrics, err)
	}
	w.cfg.Logger.Info("serving metrics", "address", l.Addr().String())
	return l, nil
}

// serveMetrics blocks until ctx ends. That metrics cannot be served any more ends
// no load test.
func (w *Worker) serveMetrics(ctx context.Context, l net.Listener) {
	defer func() { _ = l.Close() }()
	if err := traceback.Guard(func() error { return w.cfg.ServeMetrics(ctx, l, w) }); err != nil {
		w.cfg.Logger.Error("metrics are not served any more", "error", err)
	}
}

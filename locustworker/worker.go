package locustworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/arrivals"
	"github.com/bandwing/bandwing/locustworker/internal/logline"
	"github.com/bandwing/bandwing/locustworker/internal/session"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
)

// A Worker is one Locust worker. Make it with New and run it once.
type Worker struct {
	cfg      Config
	classes  []*liveClass
	book     *logline.Book // nil when the log is not for the master
	hooks    *hooks
	dial     uplink.DialFunc
	recorder *recorder
	started  atomic.Bool
	figures  session.Figures
	users    atomic.Pointer[population] // nil before Run
	final    atomic.Pointer[Counters]
	trial    *trial              // nil but for Try
	nap      func(time.Duration) // for short waits of arrivals
}

// Counters tell what became of a worker's samples: Recorded = Confirmed + Open +
// Discarded.
type Counters struct {
	// Recorded counts the samples that users recorded.
	Recorded int64
	// Confirmed counts those proven to have arrived at the master.
	Confirmed int64
	// Open counts those without such a proof: not sent yet, or on their way.
	Open int64
	// Discarded counts those dropped because their run was over before they
	// could be delivered.
	Discarded int64
	// Cut counts requests that were sent and never recorded, because their user
	// was stopped and the drain timeout passed.
	Cut int64
}

// New returns a worker that offers the classes to its master. It checks the
// configuration and every class and returns all faults at once, wrapping
// ErrConfig, or ErrUnknownClass. Classes of weight 0 without a fixed count are
// left out, as in Locust.
func New(cfg Config, classes ...Class) (*Worker, error) {
	faults := []error{cfg.Validate()}
	cfg = cfg.withDefaults()
	specs := make([]*classSpec, 0, len(classes))
	for _, c := range classes {
		s := c.spec()
		if err := s.root.validate(); err != nil {
			faults = append(faults, fmt.Errorf("%w: %w", ErrConfig, err))
		}
		if slices.ContainsFunc(specs, func(other *classSpec) bool { return other.name == s.name }) {
			faults = append(faults, fmt.Errorf("%w: two classes are named %q", ErrConfig, s.name))
		}
		specs = append(specs, s)
	}
	if cfg.OtherClasses != nil {
		if err := cfg.OtherClasses.spec().root.validate(); err != nil {
			faults = append(faults, fmt.Errorf("%w: %w", ErrConfig, err))
		}
	}
	live, err := selectClasses(specs, cfg)
	faults = append(faults, err)
	if len(live) == 0 && err == nil && cfg.OtherClasses == nil {
		faults = append(faults, fmt.Errorf("%w: no user class with a weight or a fixed count", ErrConfig))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if cfg.EqualWeights {
		for _, c := range live {
			c.equalize()
		}
	}
	w := &Worker{cfg: cfg, classes: live, dial: uplink.Dial, nap: arrivals.Nap}
	if !cfg.HideLogs {
		w.book = logline.NewBook(uplink.Hostname())
		w.cfg.Logger = slog.New(w.book.Handler(cfg.Logger.Handler()))
	}
	w.hooks = newHooks(cfg.Events)
	w.recorder = newRecorder(w.cfg, w.hooks)
	return w, nil
}

// Run connects to the master and obeys it until the master sends quit or ctx
// ends; both stop the users, deliver the last report and say quit. It blocks; no
// goroutine of the worker outlives it, except of users that ignore their
// context and message handlers that do not return. It dials for ever when there is no master, needs no start order and
// comes back after every loss of the connection.
//
// It returns nil, ErrRunning when it was called before, ErrNoMaster or
// ErrMasterLost as QuitOnMasterLoss asks for, ErrListener or ErrUndelivered; at
// once ErrMetrics when the metrics' address cannot be listened on.
func (w *Worker) Run(ctx context.Context) error {
	if !w.started.CompareAndSwap(false, true) {
		return ErrRunning
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	metrics, err := w.listenMetrics(life)
	if err != nil {
		return err
	}
	s := w.newSession(life)
	w.hooks.init()
	var wg sync.WaitGroup
	if metrics != nil {
		wg.Go(func() { w.serveMetrics(life, metrics) })
	}
	why := s.Run(ctx, life)
	end()
	wg.Wait()
	handlers, events := s.Wait()
	if len(handlers) > 0 {
		w.cfg.Logger.Error("message handlers do not end; leaving them", "types", handlers, "waited", session.CallLimit)
	}
	if len(events) > 0 {
		w.cfg.Logger.Error("event listeners do not end; leaving them", "events", events, "waited", session.CallLimit)
	}
	return w.settle(s, why)
}

// settle logs and keeps what became of the samples, and returns what Run does.
func (w *Worker) settle(s *session.Session, why error) error {
	last, recorded := w.recorder.store.TakeLast()
	left := last.Total
	open, openFailures := s.Open()
	c := Counters{
		Recorded:  recorded,
		Confirmed: w.figures.Confirmed.Load(),
		Open:      open + left.Requests,
		Discarded: w.figures.Discarded.Load(),
		Cut:       w.recorder.cut.Load(),
	}
	w.final.Store(&c)
	w.cfg.Logger.Info("worker ended", "samples_recorded", c.Recorded, "confirmed", c.Confirmed,
		"unconfirmed", c.Open, "discarded", c.Discarded, "requests_cut", c.Cut)
	w.hooks.quit(c)
	switch {
	case errors.Is(why, session.ErrNoMaster):
		return ErrNoMaster
	case errors.Is(why, session.ErrMasterLost):
		return ErrMasterLost
	case w.hooks.failed.Load():
		return ErrListener
	case openFailures+left.Failures > 0:
		return ErrUndelivered
	}
	return nil
}

package locustworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/logline"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// maxQueued bounds the messages kept for a master that cannot be reached;
// exceptions beyond it are only logged.
const maxQueued = 10_000

// A Worker is one Locust worker. Make it with New and run it once.
type Worker struct {
	cfg      Config
	classes  []*liveClass
	book     *logline.Book // nil when the log is not for the master
	hooks    *hooks
	dial     dialFunc
	recorder *recorder
	started  atomic.Bool
	vitals   vitals
	final    atomic.Pointer[Counters]
}

// Counters tell what became of a worker's samples: Recorded = Confirmed + Open +
// Forgotten.
type Counters struct {
	// Recorded counts the samples that users recorded.
	Recorded int64
	// Confirmed counts those proven to have arrived at the master.
	Confirmed int64
	// Open counts those without such a proof: not sent yet, or on their way.
	Open int64
	// Forgotten counts those dropped because their run was over before they
	// could be delivered.
	Forgotten int64
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
	live, err := selectClasses(specs, cfg)
	faults = append(faults, err)
	if len(live) == 0 && err == nil {
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
	w := &Worker{cfg: cfg, classes: live, dial: dialMaster}
	if !cfg.HideLogs {
		w.book = logline.NewBook(hostname())
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
	redial := make(chan string, 1)
	s.redial = redial
	l := &link{
		dial:   w.dial,
		addr:   net.JoinHostPort(w.cfg.MasterHost, strconv.Itoa(w.cfg.MasterPort)),
		log:    w.cfg.Logger,
		redial: redial,
		up:     func(c conn) { s.post(func() { s.connected(c) }) },
		frame:  func(c conn, frame []byte) { s.post(func() { s.received(c, frame) }) },
		down:   func(c conn, _ error) { s.post(func() { s.disconnected(c) }) },
	}
	s.sound = func() bool { return l.sound(life) }
	w.hooks.init()
	redial <- s.identity
	var wg sync.WaitGroup
	wg.Go(func() { l.run(life) })
	s.calls.begin(life)
	if metrics != nil {
		wg.Go(func() { w.serveMetrics(life, metrics) })
	}
	s.loop(ctx)
	s.close()
	end()
	wg.Wait()
	s.sounders.Wait()
	if stuck := s.calls.await(); len(stuck) > 0 {
		w.cfg.Logger.Error("message handlers do not end; leaving them", "types", stuck, "waited", callbackPatience)
	}
	return w.settle(s)
}

// newSession makes the session of a worker that has not met a master. Users live
// under ctx.
func (w *Worker) newSession(ctx context.Context) *session {
	s := &session{
		cfg:         w.cfg,
		log:         w.cfg.Logger,
		recorder:    w.recorder,
		vitals:      &w.vitals,
		hooks:       w.hooks,
		calls:       newCallbacks(),
		inbox:       make(chan func(), 64),
		ended:       make(chan struct{}),
		lastSign:    time.Now(),
		outbox:      newOutbox(),
		reports:     time.NewTicker(reportInterval),
		stopTimeout: w.cfg.StopTimeout,
		logs:        logReporter{book: w.book},
	}
	s.env = &Environment{log: w.cfg.Logger, send: s.send, count: w.Counters}
	s.env.index.Store(-1)
	s.env.setArguments(nil)
	w.hooks.env = s.env
	s.setIdentity(newIdentity())
	s.wireState.Store(wire.StateReady)
	if w.cfg.QuitOnMasterLoss {
		s.patience = s.after(joinAttempts*joinInterval, s.giveUp)
	}
	seed := w.cfg.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	shared := &world{
		recorder:  w.recorder,
		drain:     w.cfg.DrainTimeout,
		seed:      seed,
		log:       w.cfg.Logger,
		env:       s.env,
		exception: s.exception,
		problem:   s.problem,
	}
	s.users = newPopulation(ctx, shared, w.classes)
	s.users.setHost(w.cfg.Host)
	w.vitals.users.Store(s.users)
	return s
}

// close ends the session's connection and timers, after its loop.
func (s *session) close() {
	s.reports.Stop()
	for _, timer := range []*time.Timer{s.linkTimer, s.patience} {
		if timer != nil {
			timer.Stop()
		}
	}
	if s.conn != nil {
		_ = s.conn.Close() // delivers what was written
		s.pump.close()
	}
	s.link = LinkDown
	s.show()
}

// settle logs and keeps what became of the samples, and returns what Run does.
func (w *Worker) settle(s *session) error {
	left := s.recorder.store.Take().Total
	c := Counters{
		Recorded:  s.recorder.store.Recorded(),
		Confirmed: s.ledger.confirmed,
		Open:      s.ledger.open() + left.Requests,
		Forgotten: s.forgotten,
		Cut:       s.recorder.cut.Load(),
	}
	w.final.Store(&c)
	w.cfg.Logger.Info("worker ended", "samples_recorded", c.Recorded, "confirmed", c.Confirmed,
		"unconfirmed", c.Open, "forgotten", c.Forgotten, "requests_cut", c.Cut)
	w.hooks.quit(c)
	switch {
	case s.quit.why != nil:
		return s.quit.why
	case w.hooks.failed.Load():
		return ErrListener
	case s.ledger.openFailures()+left.Failures > 0:
		return ErrUndelivered
	}
	return nil
}

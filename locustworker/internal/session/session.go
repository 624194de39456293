package session

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// reportInterval is Locust's WORKER_REPORT_INTERVAL.
	reportInterval = 3 * time.Second
	// UsageInterval is Locust's CPU_MONITOR_INTERVAL.
	UsageInterval = 10 * time.Second
	// checkInterval is how often the link is looked after.
	checkInterval = time.Second
	// CPUWarning is the load at which Locust warns, in percent.
	CPUWarning = 90
	// joinInterval is Locust's CONNECT_TIMEOUT.
	joinInterval = 5 * time.Second
	// joinAttempts is Locust's CONNECT_RETRY_COUNT, and the first one.
	joinAttempts = 61
)

// Why a session ends, beside the master's quit and the end of its context.
var (
	// ErrNoMaster says that no master has taken the worker in.
	ErrNoMaster = errors.New("no master has taken the worker in")
	// ErrMasterLost says that the master has said nothing for the master timeout.
	ErrMasterLost = errors.New("the master was lost")

	errSignal = errors.New("asked to end")
)

// A Session is the worker's side of the conversation with its masters. Make it with
// New and run it once. All fields belong to the goroutine of Run, except where
// noted; everything that happens elsewhere is posted to it as a function.
type Session struct {
	cfg   Config
	log   *slog.Logger
	link  Uplink
	life  context.Context //nolint:containedctx // users and connections live under it
	inbox chan func()
	ended chan struct{} // closed when the loop has returned

	handlers *calls // of custom messages
	notices  *calls // events that nothing waits for

	registered bool  // a master has acknowledged the worker
	discarded  int64 // samples of runs that were over before they could be delivered
	reports    *time.Ticker
	logs       logReporter
	additions  additions

	run         runState
	spawnStamp  float64
	stopTimeout time.Duration
	unknown     map[string]int // classes the master asks for and the worker lacks
	target      map[string]int // users of each class that the master has asked for in this run
	job         *spawnJob
	cpuWarned   bool
	endTest     context.CancelFunc // not nil while a run is on: test_start was fired and test_stop was not
	deferred    putOff
	waiting     []*wire.Spawn // for the handlers of messages that came before them
	afterLeave  []func()      // what leaving ends with
	quit        *ending
	refusals    refusals

	// Shared with the heartbeat goroutine.
	wireState atomic.Value // wire.State
	usage     atomic.Pointer[usage]
}

type usage struct {
	cpuPercent  float64
	memoryBytes uint64
}

// New returns a session that has not met a master.
func New(cfg Config) *Session {
	if cfg.NewUplink == nil {
		cfg.NewUplink = func(c uplink.Config) Uplink { return uplink.New(c) }
	}
	if cfg.MaxUsers == 0 {
		cfg.MaxUsers = DefaultMaxUsers
	}
	s := &Session{
		cfg:         cfg,
		log:         cfg.Log,
		handlers:    newCalls(),
		notices:     newCalls(),
		inbox:       make(chan func(), 64),
		ended:       make(chan struct{}),
		stopTimeout: cfg.StopTimeout,
		logs:        logReporter{book: cfg.LogBook},
		refusals:    make(refusals),
	}
	s.additions.has = cfg.Events.AddsToReports()
	s.wireState.Store(wire.StateReady)
	s.usage.Store(&usage{})
	s.link = cfg.NewUplink(s.linkConfig())
	return s
}

// Run talks to the master until that says quit or ctx ends. Users and connections
// live under life, which the caller ends afterwards; then call Wait. It returns
// nil, ErrNoMaster or ErrMasterLost.
func (s *Session) Run(ctx, life context.Context) error {
	s.life = life
	s.reports = time.NewTicker(reportInterval)
	s.link.Start(life)
	s.handlers.begin(life)
	s.notices.begin(life)
	if s.cfg.QuitOnMasterLoss {
		s.after(joinAttempts*joinInterval, s.giveUp)
	}
	s.loop(ctx)
	s.reports.Stop()
	s.link.Close()
	s.show()
	return s.quit.why
}

// loop handles posted events until the session has ended.
func (s *Session) loop(ctx context.Context) {
	defer close(s.ended)
	usages := time.NewTicker(UsageInterval)
	defer usages.Stop()
	checks := time.NewTicker(checkInterval)
	defer checks.Stop()
	logs := time.NewTicker(logInterval)
	defer logs.Stop()
	stop := ctx.Done()
	for s.quit == nil || !s.quit.over {
		s.show()
		select {
		case event := <-s.inbox:
			event()
		case <-s.reports.C:
			s.reportInTime()
		case <-logs.C:
			s.reportLogs(false)
		case <-usages.C:
			if cpu, memory, ok := s.cfg.Usage(); ok {
				s.measured(cpu, memory)
			}
		case now := <-checks.C:
			s.check(now)
		case <-stop:
			stop = nil
			s.beginQuit(bySignal, nil)
		}
	}
}

// Wait returns when nothing of the session's is left, after Run and the end of
// life. It waits for as long as Quitting takes and CallLimit for message handlers
// and other events, and returns the names of those that still run then.
func (s *Session) Wait() (handlers, events []string) {
	<-s.quit.quittingDone
	s.link.Wait()
	waited := make(chan struct{})
	go func() {
		defer close(waited)
		events = s.notices.await()
	}()
	handlers = s.handlers.await()
	<-waited
	return handlers, events
}

// Send queues a message for the master: see uplink.Uplink.Send. Safe for
// concurrent use.
func (s *Session) Send(m wire.Outbound) error { return s.link.Send(m) }

// Open returns how many samples, and how many failures among them, were reported
// and are not proven to have arrived. Call it after Run.
func (s *Session) Open() (samples, failures int64) { return s.link.Open() }

// post hands an event to the loop. It blocks while the loop is busy and drops
// the event when the loop has ended.
func (s *Session) post(event func()) {
	select {
	case s.inbox <- event:
	case <-s.ended:
	}
}

// after posts an event when d has passed.
func (s *Session) after(d time.Duration, event func()) {
	time.AfterFunc(d, func() { s.post(event) })
}

// show publishes what has changed.
func (s *Session) show() {
	s.cfg.Figures.Link.Store(int32(s.link.State()))
	s.cfg.Figures.Confirmed.Store(s.link.Confirmed())
	s.cfg.Figures.Discarded.Store(s.discarded)
}

// measured follows a measurement of what the process uses.
func (s *Session) measured(cpuPercent float64, memoryBytes uint64) {
	s.usage.Store(&usage{cpuPercent, memoryBytes})
	s.notice("usage_monitor", func() { s.cfg.Events.Usage(cpuPercent, memoryBytes) })
	if cpuPercent > CPUWarning && !s.cpuWarned {
		s.cpuWarned = true
		s.log.Warn("CPU usage above 90%! This may constrain your throughput and may even give inconsistent response time measurements!")
	}
}

// heartbeat makes the next heartbeat. Safe for concurrent use.
func (s *Session) heartbeat() wire.Heartbeat {
	u := s.usage.Load()
	state, _ := s.wireState.Load().(wire.State)
	return wire.Heartbeat{State: state, CPUPercent: u.cpuPercent, MemoryBytes: u.memoryBytes}
}

// send queues a message of the session's own, which is never refused.
func (s *Session) send(m wire.Outbound) {
	if err := s.link.Send(m); err != nil {
		s.log.Error("dropped a message that cannot be sent", "error", err)
	}
}

// counts returns the users of each class that the worker has, and 0 for those
// that it lacks and the master asked for.
func (s *Session) counts() (map[string]int, int) {
	byClass, users := s.cfg.Fleet.Counts()
	for name := range s.unknown {
		byClass[name] = 0
	}
	return byClass, users
}

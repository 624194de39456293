package locustworker

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/sysstat"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

const (
	// reportInterval is Locust's WORKER_REPORT_INTERVAL.
	reportInterval = 3 * time.Second
	// usageInterval is Locust's CPU_MONITOR_INTERVAL.
	usageInterval = 10 * time.Second
	// cpuWarning is the load at which Locust warns, in percent.
	cpuWarning = 90
	// joinInterval is Locust's CONNECT_TIMEOUT.
	joinInterval = 5 * time.Second
	// joinAttempts is Locust's CONNECT_RETRY_COUNT, and the first one.
	joinAttempts = 61
	// The patiences of LinkState's table. Their sum stays below the 5 s within
	// which a worker is back in service.
	joinPatience    = time.Second
	probePatience   = 1500 * time.Millisecond
	silencePatience = 5 * time.Second
	soundedPatience = 3 * time.Second
	// masterMemory is less than the time for which a master keeps a worker that it
	// does not hear (HEARTBEAT_LIVENESS, then HEARTBEAT_DEAD_INTERNAL): 64 s.
	masterMemory = 55 * time.Second
	// quitPatience is when a quitting worker sends its last report, whether or
	// not every user is gone: the master listens for 500 ms after its quit.
	quitPatience = 150 * time.Millisecond
	// lastPatience is how long a worker that has said quit waits for the proof
	// that its last report arrived.
	lastPatience = 500 * time.Millisecond
)

// A session is the worker's side of the conversation with its masters. All
// fields belong to the goroutine of run, except where noted; everything that
// happens elsewhere is posted to it as a function.
type session struct {
	cfg      Config
	log      *slog.Logger
	recorder *recorder
	vitals   *vitals // safe for concurrent use
	users    *population
	hooks    *hooks
	env      *Environment
	messages *lane          // handlers that run one after the other
	handlers sync.WaitGroup // those that run at once
	redial   chan<- string
	sound    func() bool // whether the master takes connections; blocks
	sounders sync.WaitGroup
	inbox    chan func()
	ended    chan struct{} // closed when run has returned

	link       LinkState
	identity   string
	used       bool      // the identity was connected before
	known      bool      // a master has acknowledged the identity
	registered bool      // a master has acknowledged any identity
	stale      bool      // what is not delivered belongs to a run of the master that was lost
	renamed    bool      // the identity was changed since then
	resumed    bool      // the master is back and what it has missed is on its way to it
	lastAnswer time.Time // when a master last showed that it knew the worker
	probes     int
	conn       conn
	pump       *pump
	answers    int64 // heartbeat answers on this connection
	lastSign   time.Time
	sounding   bool      // sound is running
	sounded    time.Time // when sound first said yes since lastSign
	linkTimer  *time.Timer
	patience   *time.Timer // ends a worker that finds no master and shall not wait for ever
	outbox     *outbox
	ledger     ledger
	forgotten  int64 // samples of runs that were over before they could be delivered
	reports    *time.Ticker
	logs       logReporter

	run         runState
	spawnStamp  float64
	stopTimeout time.Duration
	unknown     map[string]int // classes the master asks for and the worker lacks
	job         *spawnJob
	filtered    bool // tags have been applied
	cpuWarned   bool
	endTest     context.CancelFunc // not nil while a run is on: test_start was fired and test_stop was not
	deferred    []wire.Inbound
	afterLeave  []func() // what runLeaving ends with
	quit        *farewell
	quitWritten chan struct{} // nil, or closed when the last word is on the wire

	exceptions valve // safe for concurrent use

	// Shared with the heartbeat goroutine.
	wireState atomic.Value // wire.State
	usage     atomic.Pointer[sysstat.Usage]
}

// loop handles posted events until the session has ended.
func (s *session) loop(ctx context.Context) {
	defer close(s.ended)
	usage := time.NewTicker(usageInterval)
	defer usage.Stop()
	signs := time.NewTicker(time.Second)
	defer signs.Stop()
	logs := time.NewTicker(logInterval)
	defer logs.Stop()
	sampler := s.startUsage()
	stop := ctx.Done()
	for s.quit == nil || !s.quit.over {
		s.show()
		select {
		case event := <-s.inbox:
			event()
		case <-s.reports.C:
			s.report()
		case <-logs.C:
			s.reportLogs(false)
		case <-usage.C:
			s.readUsage(sampler)
		case now := <-signs.C:
			s.checkSigns(now)
		case <-s.quitWritten:
			s.quitWritten = nil
			s.quit.written = true
			s.quit.check(s)
		case <-stop:
			stop = nil
			s.beginQuit(quitBySignal, nil)
		}
	}
}

// post hands an event to the loop. It blocks while the loop is busy and drops
// the event when the loop has ended.
func (s *session) post(event func()) {
	select {
	case s.inbox <- event:
	case <-s.ended:
	}
}

// after posts an event when d has passed.
func (s *session) after(d time.Duration, event func()) *time.Timer {
	return time.AfterFunc(d, func() { s.post(event) })
}

func (s *session) startUsage() *sysstat.Sampler {
	s.usage.Store(&sysstat.Usage{})
	sampler, err := sysstat.NewSampler()
	if err != nil {
		s.log.Warn("CPU and memory cannot be measured; heartbeats will say 0", "error", err)
		return nil
	}
	_, _ = sampler.Read() // where the first interval begins
	return sampler
}

func (s *session) readUsage(sampler *sysstat.Sampler) {
	if sampler == nil {
		return
	}
	u, err := sampler.Read()
	if err != nil {
		s.log.Debug("CPU and memory could not be read", "error", err)
		return
	}
	s.measured(u)
}

// measured follows a measurement of what the process uses.
func (s *session) measured(u sysstat.Usage) {
	s.usage.Store(&u)
	s.hooks.usage(u.CPUPercent, u.MemoryBytes)
	if u.CPUPercent > cpuWarning && !s.cpuWarned {
		s.cpuWarned = true
		s.log.Warn("CPU usage above 90%! This may constrain your throughput and may even give inconsistent response time measurements!")
	}
}

// heartbeat makes the next heartbeat. Called from the pump's goroutine.
func (s *session) heartbeat() wire.Heartbeat {
	u := s.usage.Load()
	state, _ := s.wireState.Load().(wire.State)
	return wire.Heartbeat{State: state, CPUPercent: u.CPUPercent, MemoryBytes: u.MemoryBytes}
}

// send queues a message for the master; it goes out when the link allows.
func (s *session) send(m wire.Outbound) { s.outbox.push(parcel{message: m}) }

// report sends what was recorded since the last report, while the link is up
// and the reports before it have arrived; else samples go on being merged where
// they are.
func (s *session) report() {
	if s.link == LinkRegistered && len(s.ledger.pending) == 0 {
		s.flush()
	}
}

// flush sends what was recorded since the last report in any case.
func (s *session) flush() {
	s.outbox.push(s.parcelOf(s.recorder.store.Take()))
}

// parcelOf makes the message of a report and puts it on the books, unless there
// is nothing in it that could be lost.
func (s *session) parcelOf(r stats.Report) parcel {
	byClass, users := s.counts()
	message := statsMessage(r, byClass, users)
	message.Extra = s.hooks.report()
	p := parcel{message: message}
	if !r.Empty() {
		p.delivery = s.ledger.add(r)
	}
	return p
}

// counts returns the users of each class that the worker has, and 0 for those
// that it lacks and the master asked for.
func (s *session) counts() (map[string]int, int) {
	byClass, users := s.users.counts()
	for name := range s.unknown {
		byClass[name] = 0
	}
	return byClass, users
}

// forget drops every sample that was not delivered: they belong to a run that is
// over.
func (s *session) forget() {
	s.outbox.dropReports()
	n := s.ledger.clear() + s.recorder.store.Reset()
	if n > 0 {
		s.forgotten += n
		s.log.Warn("dropped samples of the last run: they could not be delivered while it ran", "samples", n)
	}
}

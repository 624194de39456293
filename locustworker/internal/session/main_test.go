package session

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/bandwing/bandwing/locustworker/internal/stats"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fakeFleet has the users that it was told to have. Its methods may block for as
// long as the test says.
type fakeFleet struct {
	mu        sync.Mutex
	counts    map[string]int
	stopTakes time.Duration
	stops     []time.Duration // timeouts of StopAll
	begun     int
	updates   int
}

func (f *fakeFleet) BeginRun(map[string]any)     { f.begun++ }
func (f *fakeFleet) Configure(wire.Spawn)        {}
func (f *fakeFleet) Update(wire.UpdateUserClass) { f.updates++ }

func (f *fakeFleet) Spawn(ctx context.Context, target map[string]int, _ time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, n := range target {
		if _, ok := f.counts[name]; ok && ctx.Err() == nil {
			f.counts[name] = n
		}
	}
}

func (f *fakeFleet) StopAll(timeout time.Duration) {
	f.mu.Lock()
	f.stops = append(f.stops, timeout)
	takes := f.stopTakes
	f.mu.Unlock()
	time.Sleep(takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	for name := range f.counts {
		f.counts[name] = 0
	}
}

func (f *fakeFleet) Counts() (map[string]int, int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byClass, sum := make(map[string]int), 0
	for name, n := range f.counts {
		byClass[name] = n
		sum += n
	}
	return byClass, sum
}

// A fakeLink records what the session does with its link, and is what the test says.
type fakeLink struct {
	cfg uplink.Config // what the session has made of it

	mu       sync.Mutex
	did      []string
	open     int64 // samples reported and not proven
	proven   int64
	state    uplink.State
	resumed  bool
	lastSign time.Time
}

func (l *fakeLink) note(what string) {
	l.change(func() { l.did = append(l.did, what) })
}

// change does something with the fields.
func (l *fakeLink) change(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// see returns a field.
func see[T any](l *fakeLink, field *T) T {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *field
}

func (l *fakeLink) Start(context.Context)       {}
func (l *fakeLink) Close()                      {}
func (l *fakeLink) Wait()                       {}
func (l *fakeLink) Check(time.Time)             {}
func (l *fakeLink) Beat()                       { l.note("beat") }
func (l *fakeLink) Rejoin()                     { l.note("rejoin") }
func (l *fakeLink) State() uplink.State         { return see(l, &l.state) }
func (l *fakeLink) Identity() string            { return "worker" }
func (l *fakeLink) LastSign() time.Time         { return see(l, &l.lastSign) }
func (l *fakeLink) Idle() bool                  { return l.State() == uplink.Registered && l.Proven() }
func (l *fakeLink) Proven() bool                { return see(l, &l.open) == 0 }
func (l *fakeLink) Resumed() bool               { return see(l, &l.resumed) }
func (l *fakeLink) Confirmed() int64            { return see(l, &l.proven) }
func (l *fakeLink) Open() (samples, fail int64) { return see(l, &l.open), 0 }

func (l *fakeLink) Send(m wire.Outbound) error {
	e, err := wire.EncodeBody(m)
	l.note(e.Type())
	return err
}

func (l *fakeLink) Report(r stats.Report, extra map[string]any) {
	what := "report"
	if extra != nil {
		what = "report with additions"
	}
	l.note(what)
	l.change(func() { l.open += r.Total.Requests })
}

func (l *fakeLink) Quit() <-chan struct{} {
	l.note("quit")
	written := make(chan struct{})
	close(written)
	return written
}

func (l *fakeLink) Discard() (n int64) {
	l.change(func() { n, l.open = l.open, 0 })
	return n
}

// authors are the author's functions; those that are nil return at once.
type authors struct {
	testStart                        func(ctx context.Context)
	testStopping, testStop, quitting func()
	usage, beat, message             func()
	concurrent                       bool // messages
	report                           func() map[string]any
}

func call(f func()) {
	if f != nil {
		f()
	}
}

func (a *authors) TestStopping()                  { call(a.testStopping) }
func (a *authors) TestStop()                      { call(a.testStop) }
func (a *authors) Quitting()                      { call(a.quitting) }
func (a *authors) SpawningComplete(int)           {}
func (a *authors) Registered()                    {}
func (a *authors) HeartbeatReceived()             { call(a.beat) }
func (a *authors) Usage(float64, uint64)          { call(a.usage) }
func (a *authors) AddsToReports() bool            { return a.report != nil }
func (a *authors) ReportToMaster() map[string]any { return a.report() }
func (a *authors) Acked(int)                      {}
func (a *authors) Renamed(string)                 {}

func (a *authors) TestStart(ctx context.Context) {
	if a.testStart != nil {
		a.testStart(ctx)
	}
}

func (a *authors) Handler(wire.Envelope, wire.Custom) (call func(), concurrent, ok bool) {
	return a.message, a.concurrent, a.message != nil
}

// A rig is a session with fakes all around it, in fake time.
type rig struct {
	t       *testing.T
	session *Session
	fleet   *fakeFleet
	link    *fakeLink
	store   *stats.Store
	figures Figures
	usages  chan float64 // what the next measurements say
	log     *logText
	refused int // reports of what was refused
	ended   chan struct{}
	err     error
	end     context.CancelFunc
}

// A logText collects log lines. It is safe for concurrent use.
type logText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// run tests a session that a master has just taken in.
func run(t *testing.T, cfg Config, a authors, test func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			t: t, fleet: &fakeFleet{counts: map[string]int{"Shop": 0}}, store: stats.New(stats.Config{}), log: &logText{},
			link: &fakeLink{state: uplink.Registered, lastSign: time.Now()}, ended: make(chan struct{}), usages: make(chan float64, 10),
		}
		cfg.Log = slog.New(slog.NewTextHandler(r.log, nil))
		cfg.Fleet, cfg.Events, cfg.Store, cfg.Figures = r.fleet, &a, r.store, &r.figures
		cfg.Refused = func(_, text string) {
			r.refused++
			cfg.Log.Error(text)
		}
		cfg.MasterTimeout = time.Minute
		cfg.Usage = func() (float64, uint64, bool) {
			select {
			case cpu := <-r.usages:
				return cpu, 5, true
			default:
				return 0, 0, false
			}
		}
		cfg.NewUplink = func(c uplink.Config) Uplink {
			r.link.cfg = c
			return r.link
		}
		r.session = New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		r.end = cancel
		go func() {
			defer close(r.ended)
			life, end := context.WithCancel(context.Background())
			r.err = r.session.Run(ctx, life)
			end()
			r.session.Wait()
		}()
		t.Cleanup(func() {
			cancel()
			<-r.ended
			if t.Failed() {
				t.Logf("the link did %q, the log:\n%s", r.link.did, r.log.b.String())
			}
		})
		r.owner(func() { r.link.cfg.Registered(uplink.Registration{Joined: true}) })
		r.take()
		test(r)
	})
}

// owner calls f in the session's goroutine and waits for what comes of it.
func (r *rig) owner(f func()) {
	r.link.cfg.Post(f)
	synctest.Wait()
}

// hear gives the session a message of the master's.
func (r *rig) hear(m wire.Inbound) {
	r.owner(func() {
		r.link.change(func() { r.link.lastSign = time.Now() })
		r.link.cfg.Received(wire.Envelope{Body: m})
	})
}

// spawn is a spawn message for so many users.
func (r *rig) spawn(users int, stopTimeout time.Duration) {
	r.hear(wire.Spawn{
		Timestamp: float64(time.Now().UnixNano()) / 1e9, UserClassesCount: map[string]int{"Shop": users}, StopTimeout: stopTimeout,
	})
}

// stopsTake sets what users take to stop.
func (r *rig) stopsTake(d time.Duration) {
	r.fleet.mu.Lock()
	defer r.fleet.mu.Unlock()
	r.fleet.stopTakes = d
}

// prove makes the master answer a heartbeat that comes after all reports.
func (r *rig) prove() {
	r.owner(func() {
		r.link.change(func() { r.link.proven, r.link.open = r.link.proven+r.link.open, 0 })
		r.link.cfg.Answered()
	})
}

// take returns what the link was told to do since the last call.
func (r *rig) take() string {
	synctest.Wait()
	r.link.mu.Lock()
	defer r.link.mu.Unlock()
	did := strings.Join(r.link.did, ", ")
	r.link.did = nil
	return did
}

func (r *rig) want(did string) {
	r.t.Helper()
	if got := r.take(); got != did {
		r.t.Errorf("the link was told %q; want %q", got, did)
	}
}

func (r *rig) record() { r.store.Record(0, stats.Sample{Method: "GET", Name: "/"}) }

package locustworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless"
	"github.com/bandwing/bandwing/locustworker/internal/headless/dispatch"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
	"github.com/bandwing/bandwing/locustworker/internal/headless/threshold"
	"github.com/bandwing/bandwing/locustworker/internal/session"
	"github.com/bandwing/bandwing/locustworker/internal/sysstat"
	"github.com/bandwing/bandwing/locustworker/internal/traceback"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// Headless says how a run without a master goes and what it leaves: the options of
// --headless. The zero value is one user until the context ends, with tables that
// nobody sees.
type Headless struct {
	// Users is the number of users. Default 1.
	Users int
	// SpawnRate is how many users a second start. Default 1.
	SpawnRate float64
	// RunTime ends the run. Default 0: it ends with its context.
	RunTime time.Duration
	// Shape, unless nil, sets the users in the place of Users, SpawnRate and
	// RunTime.
	Shape LoadShape
	// Thresholds are rules such as "p(95) < 200ms", which the run is judged by
	// (docs/headless.md). With AbortOnThreshold one that is breached ends the run.
	Thresholds       []string
	AbortOnThreshold bool
	// ExitCodeOnError is the exit code of a run with failures or exceptions. Default
	// 1; negative means 0.
	ExitCodeOnError int

	// OnlySummary shows no figures before the end.
	OnlySummary bool
	// CSV is the prefix of four CSV files with Locust's names and columns; with
	// CSVFullHistory one of them has a line a second for each row.
	CSV            string
	CSVFullHistory bool
	// JSON writes the rows to Stdout at the end, JSONFile to the file of that name
	// with .json, HTML a page with charts, JUnit the thresholds as JUnit's XML.
	JSON     bool
	JSONFile string
	HTML     string
	JUnit    string
	// Annotations writes breached thresholds as GitHub Actions takes them.
	Annotations bool
	// Title names the run in the HTML page.
	Title string

	// Stdout gets the JSON, Stderr all that people read. Default: nobody.
	Stdout, Stderr io.Writer
	screen         headless.Screen // in the place of Stderr
	more           <-chan int      // users to add while the run goes on
}

// RunHeadless runs the worker's classes without a master, until the run time is
// over, the shape ends, a threshold ends the run, Environment.Quit is called, or
// ctx ends; then it stops the users, shows and writes the figures, and returns the
// exit code that docs/headless.md lists. It blocks, and leaves no goroutine but
// those of users that ignore their context. What Config says of a master has no
// meaning. A worker runs once: either Run or RunHeadless.
//
// The error wraps ErrConfig, ErrRunning or ErrMetrics; nothing was run then.
func (w *Worker) RunHeadless(ctx context.Context, h Headless) (exitCode int, err error) {
	if w.started.Load() {
		return 0, ErrRunning
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	a := &alone{worker: w, log: w.cfg.Logger}
	a.init(life, h)
	if a.run, err = headless.New(a.config); err != nil || a.fault != nil {
		return 0, fmt.Errorf("%w: %w", ErrConfig, errors.Join(a.fault, err))
	}
	metrics, err := w.listenMetrics(life)
	if err != nil {
		return 0, err
	}
	if !w.started.CompareAndSwap(false, true) {
		return 0, ErrRunning
	}
	w.hooks.init()
	var wg sync.WaitGroup
	if metrics != nil {
		wg.Go(func() { w.serveMetrics(life, metrics) })
	}
	wg.Go(func() { a.watchUsage(life) })
	exitCode = a.run.Do(ctx)
	end()
	wg.Wait()
	w.hooks.quit(a.settle())
	return exitCode, nil
}

// alone is a worker that runs without a master.
type alone struct {
	worker     *Worker
	log        *slog.Logger
	users      *population
	config     headless.Config
	run        *headless.Run
	fault      error
	exceptions rateLimit
}

// init makes the users, who live under ctx, and the configuration of the run.
func (a *alone) init(ctx context.Context, h Headless) {
	w := a.worker
	env := &Environment{log: a.log, send: a.send, count: w.Counters, quit: func(code int) { a.run.Quit(code) }}
	id := uplink.NewIdentity()
	env.id.Store(&id)
	env.setArguments(nil)
	w.hooks.env = env
	seed := w.cfg.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	shared := &world{recorder: w.recorder, nap: w.nap, drain: w.cfg.DrainTimeout, seed: seed, log: a.log, env: env, exception: a.exception, trial: w.trial}
	shared.tracer = w.cfg.Tracer
	env.nobody = shared.nobody()
	env.setHost(w.cfg.Host)
	a.config.Open = w.open()
	a.users = newPopulation(ctx, shared, w.classes)
	shared.limit.setOwn(w.cfg.MaxRPS)
	a.users.setHost(w.cfg.Host)
	env.users = func() int {
		_, n := a.users.counts()
		return n
	}
	if len(w.cfg.Tags)+len(w.cfg.ExcludeTags) > 0 {
		a.users.filter(w.cfg.Tags, w.cfg.ExcludeTags)
	}
	w.users.Store(a.users)
	a.configure(h)
}

// configure translates the public configuration.
func (a *alone) configure(h Headless) {
	w := a.worker
	if len(w.classes) == 0 {
		a.fault = errors.New("no class to run: OtherClasses are for a worker with a master")
	}
	for _, c := range w.classes {
		weight := c.weight
		if w.cfg.EqualWeights {
			weight = 1
		}
		a.config.Classes = append(a.config.Classes, dispatch.Class{Name: c.name, Weight: weight, FixedCount: c.fixedCount})
	}
	for _, text := range h.Thresholds {
		rule, err := threshold.Parse(text)
		a.fault = errors.Join(a.fault, err)
		a.config.Thresholds = append(a.config.Thresholds, rule)
	}
	if h.Shape != nil {
		a.config.Shape = func(m headless.Moment) (headless.Stage, bool) { return a.askShape(h.Shape, m) }
	}
	c := &a.config
	c.Program, c.Host = h.Title, HidePasswords(w.cfg.Host)
	c.Users, c.SpawnRate, c.RunTime, c.StopTimeout = h.Users, h.SpawnRate, h.RunTime, w.cfg.StopTimeout
	c.ResetStats, c.AbortOnThreshold, c.OnlySummary = w.cfg.ResetStats, h.AbortOnThreshold, h.OnlySummary
	c.ExitCodeOnError = max(h.ExitCodeOnError, 0)
	if h.ExitCodeOnError == 0 {
		c.ExitCodeOnError = 1
	}
	c.CSV, c.CSVHistory, c.JSON, c.JSONFile, c.HTML, c.JUnit = h.CSV, h.CSVFullHistory, h.JSON, h.JSONFile, h.HTML, h.JUnit
	c.Annotations, c.More = h.Annotations, h.more
	c.Stdout, c.Screen = h.Stdout, h.screen
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	if c.Screen == nil {
		stderr := h.Stderr
		if stderr == nil {
			stderr = io.Discard
		}
		c.Screen = terminal.NewScreen(stderr, "")
	}
	c.Log, c.Store, c.Cut, c.Fleet = a.log, w.recorder.store, w.recorder.cut.Load, crowd{a.users, w.hooks}
	c.Hooks = headless.Hooks{
		TestStart:        w.hooks.testStart,
		SpawningComplete: w.hooks.spawningComplete,
		TestStopping:     w.hooks.testStopping,
		TestStop:         w.hooks.testStop,
		Quitting:         w.hooks.quitting,
		Failed:           w.hooks.failed.Load,
	}
}

// askShape asks a load shape for the stage. One that panics ends the run as one that
// has no more stages does, and counts as a function of Config.Events that failed.
func (a *alone) askShape(shape LoadShape, m headless.Moment) (stage headless.Stage, more bool) {
	err := traceback.Guard(func() error {
		s, ok := shape.Tick(ShapeMoment(m))
		stage, more = headless.Stage(s), ok
		return nil
	})
	var panicked *traceback.PanicError
	if errors.As(err, &panicked) {
		a.worker.hooks.failed.Store(true)
		a.log.Error("the load shape panicked, which ends the run", "error", err, "trace", panicked.Trace)
	}
	return stage, more
}

// exception reports an uncaught error of user code. It is safe for concurrent use.
func (a *alone) exception(u *User, err error, trace string) {
	ok, held := a.exceptions.pass(time.Now())
	if held > 0 {
		a.log.Error("uncaught errors came too fast to log each of them", "not_logged", held)
	}
	if ok {
		a.log.Error("uncaught error in a user", "class", u.class.name, "error", err, "trace", trace)
	}
	a.run.Exception(cutText(err.Error()), cutText(trace))
	a.worker.hooks.userError(u, err, trace)
}

// send calls the program's own handler of a message, as there is nobody else
// (LocalRunner.send_message). An exception goes into the run's own table.
func (a *alone) send(m wire.Outbound) error {
	if e, ok := m.(wire.Exception); ok {
		a.run.Exception(e.Message, e.Traceback)
	}
	custom, ok := m.(wire.Custom)
	if !ok {
		return nil
	}
	if _, err := wire.EncodeBody(custom); err != nil {
		return err
	}
	handler, known := a.worker.cfg.handler(custom.Type)
	if !known {
		a.log.Warn("nobody takes this message, as there is no master and no handler of it", "type", custom.Type)
		return nil
	}
	env := a.worker.hooks.env
	message := Message{Type: custom.Type, NodeID: env.ClientID(), Data: custom.Data}
	if err := traceback.Guard(func() error { return handler.Handle(env, message) }); err != nil {
		a.log.Error("uncaught error in a message handler", "type", custom.Type, "error", err)
	}
	return nil
}

// watchUsage tells the listener of CPU and memory, and warns once when the CPU is
// at its limit (monitor_cpu_and_memory).
func (a *alone) watchUsage(ctx context.Context) {
	sampler, err := sysstat.NewSampler()
	if err != nil {
		a.log.Warn("CPU and memory usage are not known here", "error", err)
		return
	}
	ticker := time.NewTicker(session.UsageInterval)
	defer ticker.Stop()
	for warned := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		u, err := sampler.Read()
		if err != nil {
			continue
		}
		a.worker.hooks.usage(u.CPUPercent, u.MemoryBytes)
		if u.CPUPercent > session.CPUWarning && !warned {
			warned = true
			a.log.Warn("CPU usage above 90%! This may constrain your throughput and may even give inconsistent response time measurements!")
		}
	}
}

// settle logs and keeps what became of the samples: those in the tables count as
// confirmed, those that a reset has dropped as discarded.
func (a *alone) settle() Counters {
	w := a.worker
	c := Counters{Cut: w.recorder.cut.Load()}
	c.Recorded, c.Confirmed, c.Discarded = a.run.Samples()
	c.Open = c.Recorded - c.Confirmed - c.Discarded
	w.final.Store(&c)
	a.log.Info("run ended", "samples_recorded", c.Recorded, "reported", c.Confirmed, "dropped_by_reset", c.Discarded, "requests_cut", c.Cut)
	return c
}

// A crowd is the users as a run without a master sees them.
type crowd struct {
	users *population
	hooks *hooks
}

func (c crowd) Spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration) {
	c.hooks.spawning(target)
	c.users.spawn(ctx, target, stopTimeout)
}

func (c crowd) StopAll(stopTimeout time.Duration) { c.users.stopAll(stopTimeout) }

func (c crowd) Counts() (byClass map[string]int, users int) { return c.users.counts() }

// A LoadShape sets the number of users of a run without a master, moment by moment
// (Locust's LoadTestShape). Package loadshape has some.
type LoadShape interface {
	// Tick is called once a second and returns the stage that the run shall be in,
	// or false to end it. Every change begins another ramp, from the users that
	// there are. It is called by one goroutine and must be quick.
	Tick(m ShapeMoment) (stage ShapeStage, ok bool)
}

// A ShapeMoment is what a load shape may look at.
type ShapeMoment struct {
	// RunTime is the time since the start (get_run_time).
	RunTime time.Duration
	// Users is how many users are alive (get_current_user_count).
	Users int
	// Requests and Failures are those of the run so far.
	Requests, Failures int64
}

// A ShapeStage is the users that a load shape asks for.
type ShapeStage struct {
	// Users is their number.
	Users int
	// SpawnRate is how many users a second start, or stop, until there are so many.
	// It must be above 0.
	SpawnRate float64
	// Classes are the names of the classes that new users are of; nil: all.
	Classes []string
}

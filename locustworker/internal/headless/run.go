package headless

import (
	"context"
	"fmt"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/dispatch"
	"github.com/bandwing/bandwing/locustworker/internal/headless/figures"
)

const (
	// tickInterval is how often figures are taken, shapes are asked and thresholds
	// are looked at.
	tickInterval = time.Second
	// tableTicks is how many of these a plain table is shown for
	// (CONSOLE_STATS_INTERVAL_SEC).
	tableTicks = 2
	// abortAfter is how long after the start thresholds cannot end a run.
	abortAfter = 5 * time.Second
)

// A Run is one load test. Make it with New and run it once.
type Run struct {
	cfg        Config
	dispatcher *dispatch.Dispatcher
	outputs    *outputs
	exceptions exceptions
	quit       chan int // holds the first code of Quit until it is taken
	code       *int     // of Quit

	// What follows belongs to Do.
	table   figures.Table
	dropped int64 // requests that resets have dropped

	recorded int64 // up to the last one in the table
	history  figures.History
	began    time.Time
	ramp     *ramp
	stage    Stage // that was asked for last
	spawned  bool  // all users of it
	ticks    int
	note     string // why the run ended early
}

// New checks the configuration and opens what will be written. The error says
// what to change.
func New(cfg Config) (*Run, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Run{cfg: cfg.withDefaults(), quit: make(chan int, 1)}
	var err error
	if r.dispatcher, err = dispatch.New(cfg.Classes); err != nil {
		return nil, err
	}
	r.outputs, err = openOutputs(r.cfg)
	return r, err
}

// Quit ends the run. Its exit code is this one, of several calls the first's. It
// does not block and is safe for concurrent use.
func (r *Run) Quit(code int) {
	select {
	case r.quit <- code:
	default:
	}
}

// Exception counts an error of user code. It is safe for concurrent use.
func (r *Run) Exception(message, trace string) { r.exceptions.add(message, trace) }

// Samples returns, after Do, how many samples were recorded up to the last one that
// is in the tables, how many are in them, and how many a reset has dropped.
func (r *Run) Samples() (recorded, reported, dropped int64) {
	return r.recorded, r.table.Total().Requests, r.dropped
}

// Do runs the test until its time is over, its shape has ended, a threshold ends
// it, Quit was called, or ctx ends; then it stops the users, writes what is to be
// written and returns the exit code. It blocks.
func (r *Run) Do(ctx context.Context) int {
	r.dropped = r.cfg.Store.Reset()
	r.cfg.Open.reset()
	r.began = time.Now()
	r.take()
	r.show()
	reason := r.start()
	if reason == "" {
		reason = r.loop(ctx)
	}
	r.cfg.Log.Info(reason + ", shutting down")
	r.stop()
	if r.cfg.Hooks.Quitting != nil {
		r.cfg.Hooks.Quitting()
	}
	r.takeCode()
	r.takeLast()
	return r.finish()
}

// start begins the first stage. It returns a reason to end at once, if there is one.
func (r *Run) start() string {
	if r.cfg.Shape != nil {
		r.cfg.Log.Info("Shape test starting.")
		if r.cfg.RunTime > 0 {
			r.cfg.Log.Warn("--run-time, --users and --spawn-rate have no meaning for a load shape and are ignored")
			r.cfg.RunTime = 0
		}
		return r.reshape()
	}
	if r.cfg.RunTime > 0 {
		r.cfg.Log.Info(fmt.Sprintf("Run time limit set to %v seconds", r.cfg.RunTime.Seconds()))
	} else {
		r.cfg.Log.Info("No run time limit set, use CTRL+C to interrupt")
	}
	return r.rampTo(Stage{Users: r.cfg.Users, SpawnRate: r.cfg.SpawnRate})
}

// loop waits for the end of the run and returns what it is.
func (r *Run) loop(ctx context.Context) string {
	ticker := time.NewTicker(tickInterval)
	defer ticker.Stop()
	var limit <-chan time.Time
	if r.cfg.RunTime > 0 {
		timer := time.NewTimer(r.cfg.RunTime)
		defer timer.Stop()
		limit = timer.C
	}
	for {
		select {
		case <-ctx.Done():
			r.note = "The run was interrupted."
			return "Interrupted"
		case code := <-r.quit:
			r.code = &code
			r.note = fmt.Sprintf("The test itself ended the run, with exit code %d.", code)
			return fmt.Sprintf("Quit with exit code %d", code)
		case <-limit:
			return "--run-time limit reached"
		case all := <-r.ramp.done:
			r.ramp.done = nil
			r.climbed(all)
		case n := <-r.cfg.More:
			if reason := r.adjust(n); reason != "" {
				return reason
			}
		case <-ticker.C:
			if reason := r.tick(); reason != "" {
				return reason
			}
		}
	}
}

// tick does what is due once a second, and returns a reason to end, if there is one.
func (r *Run) tick() string {
	r.ticks++
	r.take()
	r.show()
	if r.cfg.AbortOnThreshold && r.spawned && time.Since(r.began) >= abortAfter {
		for _, rule := range r.cfg.Thresholds {
			if rule.Broken(&r.table) {
				r.note = fmt.Sprintf("The threshold %s ended the run.", rule)
				return fmt.Sprintf("Threshold %s is breached", rule)
			}
		}
	}
	if r.cfg.Shape != nil {
		return r.reshape()
	}
	return ""
}

// take adds what was recorded since the last time.
func (r *Run) take() {
	report := r.cfg.Store.Take()
	r.table.Add(report)
	r.table.SetExceptions(r.exceptions.all())
	_, users := r.cfg.Fleet.Counts()
	now := time.Now()
	if span := report.End.Sub(report.Start).Seconds(); span > 0 {
		p := r.table.Total().CurrentPercentiles(0.5, 0.95, 0.99)
		r.history.Add(figures.Point{
			At: now, Users: users, RPS: float64(report.Total.Requests) / span, Failures: float64(report.Total.Failures) / span,
			P50: p[0], P95: p[1], P99: p[2],
		})
	}
	r.outputs.add(&r.table, users, now)
}

// takeLast adds what was recorded after the users had ended, such as by Quitting.
func (r *Run) takeLast() {
	last, recorded := r.cfg.Store.TakeLast()
	r.table.Add(last)
	r.table.SetExceptions(r.exceptions.all())
	r.recorded = recorded
}

// stop ends the stage and all users, and takes what they recorded.
func (r *Run) stop() {
	r.ramp.end()
	if r.cfg.Hooks.TestStopping != nil {
		r.cfg.Hooks.TestStopping()
	}
	r.outputs.users, _ = r.cfg.Fleet.Counts()
	r.cfg.Fleet.StopAll(r.cfg.StopTimeout)
	if r.cfg.Hooks.TestStop != nil {
		r.cfg.Hooks.TestStop()
	}
	r.take()
}

// takeCode takes the code of a Quit that came when the run was ending already.
func (r *Run) takeCode() {
	select {
	case code := <-r.quit:
		if r.code == nil {
			r.code = &code
		}
	default:
	}
}

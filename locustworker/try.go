package locustworker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// ErrTrial is wrapped by the error of Try.
var ErrTrial = errors.New("locustworker: the trial found faults")

// goneInterval is how often Try looks whether its user has ended by itself.
const goneInterval = 20 * time.Millisecond

// A Trial says what Try runs. The zero value is one task of the first class, as a
// user picks it.
type Trial struct {
	// Class is the name of the user's class. Default: the first one.
	Class string
	// Task is the name of the task to run. Default: those that the user picks.
	Task string
	// Times is how many tasks the user runs, with its waits between them. Default 1.
	Times int
	// Out gets what happens. Default: nobody.
	Out io.Writer
}

// Try runs one user without a master, for a look at what it does or for a test
// (Locust's run_single_user): OnStart, the tasks, OnStop. It writes each request
// and answer with its time, headers and body, each failure, and each error with its
// place. It blocks until the user has ended, or ctx has.
//
// The error wraps ErrTrial when a request failed or user code did, or ErrConfig.
func Try(ctx context.Context, cfg Config, t Trial, classes ...Class) error {
	if t.Class == "" && len(classes) > 0 {
		t.Class = classes[0].spec().name
	}
	x := &trial{out: t.Out, left: max(t.Times, 1)}
	if x.out == nil {
		x.out = io.Discard
	}
	one := 1
	settings := UserSettings{Class: t.Class, FixedCount: &one}
	if t.Task != "" {
		settings.Tasks = []string{t.Task}
	}
	cfg.UserClasses = []string{t.Class}
	cfg.UserSettings = append(cfg.UserSettings[:len(cfg.UserSettings):len(cfg.UserSettings)], settings)
	cfg.HideLogs = true
	cfg.Logger = slog.New(slog.DiscardHandler) // x says what there is to say
	cfg.Events.Add(Events{Request: x.request, UserError: x.failed, SpawningComplete: func(env *Environment, _ int) error {
		x.spawned(env)
		return nil
	}})
	w, err := New(cfg, classes...)
	if err != nil {
		return err
	}
	if t.Task != "" && len(w.classes[0].tasks.Load().tasks) == 0 {
		return fmt.Errorf("%w: the class %s has no task %q", ErrConfig, t.Class, t.Task)
	}
	w.trial = x
	if _, err := w.RunHeadless(ctx, Headless{ExitCodeOnError: -1}); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.faults) > 0 {
		return fmt.Errorf("%w: %w", ErrTrial, errors.Join(x.faults...))
	}
	return nil
}

// An Exchange is a request and its answer as they were on the wire, for Try to
// show. After redirects it is that of the last request.
type Exchange struct {
	// URL is where the request went.
	URL string
	// RequestHead is the request line and the headers, RequestBody what followed.
	RequestHead, RequestBody []byte
	// Head is the status line and the headers of the answer, Body what followed,
	// decompressed; nil without an answer.
	Head, Body []byte
}

// A trial watches one user. It is safe for concurrent use.
type trial struct {
	out io.Writer

	mu     sync.Mutex
	left   int
	shown  string // the exchange of the sample that comes next
	faults []error
}

// begins says which task begins.
func (x *trial) begins(u *User, task string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	fmt.Fprintf(x.out, "%s.%s\n", u.class.name, task)
}

// ends takes the result of a task, and returns what the user takes for it.
func (x *trial) ends(u *User, err error) error {
	x.mu.Lock()
	x.left--
	last := x.left <= 0
	x.mu.Unlock()
	if !last {
		return err
	}
	if err != nil && !steers(err) {
		u.fault(err, taskSite(err))
	}
	return ErrStopUser
}

// steers reports whether an error is one that a task returns to steer its user.
func steers(err error) bool {
	for _, known := range []error{ErrStopUser, ErrReschedule, ErrRescheduleNow, ErrInterrupt, ErrInterruptAndWait} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// spawned ends the run when its user has ended.
func (x *trial) spawned(env *Environment) {
	go func() {
		for env.alive() > 0 {
			time.Sleep(goneInterval)
		}
		_ = env.Quit(0) // 0 is a code
	}()
}

// request says what became of a request.
func (x *trial) request(_ *User, s Sample) {
	x.mu.Lock()
	defer x.mu.Unlock()
	took := "no time"
	if !s.NoTime {
		took = s.ResponseTime.Round(10 * time.Microsecond).String()
	}
	fmt.Fprintf(x.out, "  %s %s  %s, %d bytes\n%s", s.Type, s.Name, took, s.Length, x.shown)
	x.shown = ""
	if s.Err != nil {
		fmt.Fprintf(x.out, "    FAILED %v\n", s.Err)
		x.faults = append(x.faults, fmt.Errorf("%s %s: %w", s.Type, s.Name, s.Err))
	}
}

// failed says what user code did not handle.
func (x *trial) failed(_ *User, err error, trace string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	fmt.Fprintf(x.out, "  ERROR %v\n%s", err, indented(trace, "    "))
	x.faults = append(x.faults, err)
}

func (x *trial) show(e Exchange) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.shown = e.text()
}

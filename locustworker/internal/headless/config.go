package headless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/headless/dispatch"
	"github.com/bandwing/bandwing/locustworker/internal/headless/threshold"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// A Fleet is the users of a run. Its methods are safe for concurrent use.
type Fleet interface {
	// Spawn brings each class that target names to its number of users, and
	// returns when the surplus is gone or ctx ends. Users that stop get stopTimeout
	// to finish their tasks.
	Spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration)
	// StopAll stops all users and returns when they are gone.
	StopAll(stopTimeout time.Duration)
	// Counts returns the users of each class, zeros included, and their sum.
	Counts() (byClass map[string]int, users int)
}

// Hooks are called at the turns of a run, one at a time. Each may be nil.
type Hooks struct {
	// TestStart is called before the first user starts, who waits for it. ctx ends
	// when the run is stopped first.
	TestStart func(ctx context.Context)
	// SpawningComplete is called when all users of a stage run.
	SpawningComplete func(users int)
	// TestStopping is called before the users stop, TestStop when they are gone:
	// what is recorded there belongs to the run.
	TestStopping, TestStop func()
	// Quitting is called before the run is judged: it may call Run.Quit.
	Quitting func()
	// Failed reports whether a function of the program's own failed. It is called
	// last.
	Failed func() bool
}

// A Moment is what a load shape may look at.
type Moment struct {
	RunTime            time.Duration // since the start
	Users              int           // that run now
	Requests, Failures int64         // so far
}

// A Stage is the number of users that a load shape asks for.
type Stage struct {
	Users     int
	SpawnRate float64  // users a second
	Classes   []string // that new users come from; nil: all
}

// A Config says what to run and what to leave.
type Config struct {
	// Program and Host name the run in the reports.
	Program, Host string

	Classes     []dispatch.Class
	Users       int     // default 1
	SpawnRate   float64 // users a second; default 1
	RunTime     time.Duration
	StopTimeout time.Duration
	// Shape, unless nil, is asked once a second for the stage, until it says false.
	// Users and SpawnRate do not count then.
	Shape func(Moment) (Stage, bool)
	// ResetStats drops what was recorded when all users are spawned.
	ResetStats bool

	Thresholds       []threshold.Threshold
	AbortOnThreshold bool
	// More gets how many users are to be added, or removed if it is negative, while
	// the run goes on. nil: no key is read.
	More <-chan int
	// ExitCodeOnError is the exit code of a run with failures or exceptions.
	ExitCodeOnError int

	// OnlySummary shows no figures while the run goes on.
	OnlySummary bool
	CSV         string // prefix of the files
	CSVHistory  bool   // a line for each row in the history
	JSON        bool   // to Stdout
	JSONFile    string
	HTML        string // {u}, {r} and {t} stand for users, spawn rate and run time
	JUnit       string
	// Annotations writes breached thresholds for GitHub Actions to Stderr.
	Annotations bool
	// Stdout gets the JSON, Screen all that people read.
	Stdout io.Writer
	Screen Screen
	Log    *slog.Logger

	Store *stats.Store
	Open  Open
	// Cut returns how many requests were sent and not recorded.
	Cut   func() int64
	Fleet Fleet
	Hooks Hooks
}

// A Screen shows text to whoever started the run.
type Screen interface {
	io.Writer
	// Size returns the columns and lines of a terminal, or false for anything else.
	Size() (columns, lines int, ok bool)
	// Draw shows lines below all that was written, in the place of those that were
	// drawn before.
	Draw(lines []string)
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	if c.Users == 0 {
		c.Users = 1
	}
	if c.SpawnRate == 0 {
		c.SpawnRate = 1
	}
	return c
}

// validate returns all faults.
func (c Config) validate() error {
	var faults []error
	if c.Users < 0 {
		faults = append(faults, fmt.Errorf("--users: %d is below 0", c.Users))
	}
	if c.SpawnRate < 0 {
		faults = append(faults, fmt.Errorf("--spawn-rate: %v is not above 0", c.SpawnRate))
	}
	if c.AbortOnThreshold && len(c.Thresholds) == 0 {
		faults = append(faults, errors.New("--abort-on-threshold: there is no --threshold"))
	}
	return errors.Join(faults...)
}

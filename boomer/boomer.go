package boomer

import (
	"log"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Mode says whether a Boomer needs a master.
type Mode int

const (
	// DistributedMode is a worker of a Locust master.
	DistributedMode Mode = iota
	// StandaloneMode needs no master.
	StandaloneMode
)

// A Boomer runs tasks. Make one with NewBoomer or NewStandaloneBoomer and set it up
// before Run; the methods that set it up are not safe for concurrent use, the others
// are.
type Boomer struct {
	masterHost string
	masterPort int
	mode       Mode
	spawnCount int
	spawnRate  float64
	limiter    RateLimiter
	outputs    []Output
	cpu        profile
	memory     profile
	custom     *log.Logger // nil: the default one

	starting sync.Mutex
	engine   atomic.Pointer[engine] // of the last Run
	dropped  sync.Once              // said that a sample was dropped
	trying   atomic.Bool            // --run-tasks: samples are only shown
}

// NewBoomer returns a worker of the Locust master at this address. "" is 127.0.0.1
// and 0 is 5557.
func NewBoomer(masterHost string, masterPort int) *Boomer {
	return &Boomer{masterHost: masterHost, masterPort: masterPort}
}

// NewStandaloneBoomer returns a Boomer without a master, which runs spawnCount users.
// spawnRate is how many of them start in a second; 0 or less starts all at once.
func NewStandaloneBoomer(spawnCount int, spawnRate float64) *Boomer {
	return &Boomer{mode: StandaloneMode, spawnCount: spawnCount, spawnRate: spawnRate}
}

// WithLogger sets where the log goes. nil changes nothing. Default: log.Default.
func (b *Boomer) WithLogger(logger *log.Logger) *Boomer {
	if logger != nil {
		b.custom = logger
	}
	return b
}

func (b *Boomer) logger() *log.Logger {
	if b.custom == nil {
		return log.Default()
	}
	return b.custom
}

// structured returns the log for package locustworker.
func (b *Boomer) structured() *slog.Logger {
	if b.custom == nil {
		return slog.Default()
	}
	options := &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			return slog.Attr{} // the logger has its own
		}
		return a
	}}
	return slog.New(slog.NewTextHandler(lines{b.custom}, options))
}

// lines writes each text as a line of a log.
type lines struct{ to *log.Logger }

func (l lines) Write(p []byte) (int, error) {
	l.to.Print(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// SetRateLimiter limits how often tasks are called. nil: they are not limited.
func (b *Boomer) SetRateLimiter(rateLimiter RateLimiter) { b.limiter = rateLimiter }

// SetMode sets the mode, if it is one of the two.
func (b *Boomer) SetMode(mode Mode) {
	if mode != DistributedMode && mode != StandaloneMode {
		b.logger().Printf("boomer: ignored the mode %d, which is neither DistributedMode nor StandaloneMode", mode)
		return
	}
	b.mode = mode
}

// AddOutput adds an output, which gets the figures every three seconds.
func (b *Boomer) AddOutput(o Output) { b.outputs = append(b.outputs, o) }

// EnableCPUProfile has Run write a CPU profile of its first seconds to a file; "":
// none. A shorter Run ends the profile.
func (b *Boomer) EnableCPUProfile(cpuProfile string, duration time.Duration) {
	b.cpu = profile{cpuProfile, duration}
}

// EnableMemoryProfile has Run write a profile of the heap to a file when the duration
// has passed, or at its end if that comes first; "": none.
func (b *Boomer) EnableMemoryProfile(memoryProfile string, duration time.Duration) {
	b.memory = profile{memoryProfile, duration}
}

// Run runs the tasks. In StandaloneMode it blocks until Quit, and until all task
// functions have returned then. In DistributedMode it returns when the master has
// taken the worker in, or after 5 s without a master; the work goes on in the
// background, and so does the search for a master, until the master says quit or
// Quit is called.
//
// What is wrong with the tasks is logged, and nothing runs then. When all has ended,
// EVENT_QUIT is published and Run may be called again.
func (b *Boomer) Run(tasks ...*Task) {
	e, err := b.begin(tasks)
	if err != nil {
		b.logger().Printf("boomer: nothing runs: %v", err)
		return
	}
	go e.work()
	if b.mode == StandaloneMode {
		<-e.ended
		return
	}
	e.awaitMaster()
}

// begin makes the engine of a Run.
func (b *Boomer) begin(tasks []*Task) (*engine, error) {
	b.starting.Lock()
	defer b.starting.Unlock()
	if last := b.engine.Load(); last != nil && !last.hasEnded() {
		return nil, errRunning
	}
	e, err := newEngine(b, tasks)
	if err != nil {
		return nil, err
	}
	b.engine.Store(e)
	return e, nil
}

// Quit stops the users, delivers what they have recorded and says quit to the master.
// It blocks until that is done: until all task functions have returned, for at most
// half a minute beyond the master's stop timeout. Called by a task or by a subscriber
// of Events it does not block, as what it waits for would wait for it.
func (b *Boomer) Quit() {
	e := b.engine.Load()
	if e == nil {
		return
	}
	e.stop()
	if !calledBack() {
		<-e.ended
	}
}

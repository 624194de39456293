package boomer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker"
)

const (
	// drainTimeout is how long a worker that quits waits for task functions beyond the
	// master's stop timeout, but for 10 s that package locustworker adds.
	drainTimeout = 20 * time.Second
	// leaveAfter is the same without a master.
	leaveAfter = 30 * time.Second
	// masterLimit is how long Run waits for a master.
	masterLimit = 5 * time.Second
	// standaloneClass is what the users are without a master.
	standaloneClass = "Boomer"
)

var errRunning = errors.New("this Boomer runs already: call Quit first")

// An engine is one Run of a Boomer.
type engine struct {
	log       *slog.Logger
	tasks     *picker
	limiter   RateLimiter // or nil
	alone     bool        // there is no master
	address   string      // of the master
	count     int         // of users without a master
	rate      float64
	worker    *locustworker.Worker
	reporter  *reporter
	profiles  []func()        // end them
	ctx       context.Context //nolint:containedctx // ended by stop
	cancel    context.CancelFunc
	connected chan struct{}
	welcome   sync.Once   // closes connected
	told      atomic.Bool // the program has published EVENT_QUIT
	end       sync.Once
	ended     chan struct{}
	env       atomic.Pointer[locustworker.Environment]
}

func newEngine(b *Boomer, tasks []*Task) (*engine, error) {
	picker, err := newPicker(tasks)
	if err != nil {
		return nil, err
	}
	e := &engine{
		log: b.structured(), tasks: picker, limiter: b.limiter, alone: b.mode == StandaloneMode,
		address: net.JoinHostPort(b.masterHost, strconv.Itoa(b.masterPort)),
		count:   b.spawnCount, rate: b.spawnRate,
		reporter:  newReporter(b.outputs, b.logger()),
		connected: make(chan struct{}), ended: make(chan struct{}),
	}
	if e.alone && e.count < 1 {
		return nil, fmt.Errorf("a spawn count of %d: it must be at least 1", e.count)
	}
	if e.rate <= 0 {
		e.rate = float64(e.count)
	}
	class := locustworker.NewClass(standaloneClass, e.newUser).Task("task", 1, (*user).work)
	cfg := locustworker.Config{
		MasterHost: b.masterHost, MasterPort: b.masterPort, DrainTimeout: drainTimeout, Logger: e.log,
		Events: e.events(), OtherMessages: locustworker.MessageHandler{Handle: e.received},
	}
	if e.alone {
		e.worker, err = locustworker.New(cfg, class)
	} else {
		cfg.OtherClasses = class
		e.worker, err = locustworker.New(cfg)
	}
	if err != nil {
		return nil, err
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.profiles = b.startProfiles()
	return e, nil
}

// A user calls tasks.
type user struct {
	engine *engine
	own    *locustworker.User
}

func (e *engine) newUser(u *locustworker.User) (*user, error) {
	e.reporter.users.add(u.ClassName(), 1)
	return &user{e, u}, nil
}

// OnStop is called when the user ends.
func (u *user) OnStop(context.Context) error {
	u.engine.reporter.users.add(u.own.ClassName(), -1)
	return nil
}

// work calls one task, unless the rate limiter has blocked.
func (u *user) work(context.Context) error {
	if l := u.engine.limiter; l != nil && l.Acquire() {
		return nil
	}
	callTask(u.engine.tasks.pick(u.own.Rand()).Fn)
	return nil
}

// events connects the worker's events with those of boomer.
func (e *engine) events() locustworker.Events {
	return locustworker.Events{
		Init: func(env *locustworker.Environment) error {
			e.env.Store(env)
			if p, ok := e.limiter.(*paced); ok {
				p.set = env.SetMaxRPS
			}
			return nil
		},
		Connected: func(*locustworker.Environment) error {
			e.welcome.Do(func() { close(e.connected) })
			publish(EVENT_CONNECTED)
			return nil
		},
		TestStart: func(context.Context, *locustworker.Environment) error {
			e.reporter.begin()
			if e.limiter != nil {
				e.limiter.Start()
			}
			if e.alone {
				publish(EVENT_SPAWN, e.count, e.rate)
			}
			return nil
		},
		Spawning: func(_ *locustworker.Environment, users map[string]int) error {
			if e.alone {
				return nil
			}
			count := 0
			for _, n := range users {
				count += n
			}
			publish(EVENT_SPAWN, count, float64(count))
			return nil
		},
		TestStopping: func(*locustworker.Environment) error {
			publish(EVENT_STOP)
			if e.limiter != nil {
				e.limiter.Stop()
			}
			return nil
		},
		TestStop: func(*locustworker.Environment) error {
			e.reporter.finish()
			return nil
		},
	}
}

// work runs the worker until it has ended.
func (e *engine) work() {
	running.add(e)
	e.reporter.start()
	var err error
	if e.alone {
		_, err = e.worker.RunHeadless(e.ctx, locustworker.Headless{Users: e.count, SpawnRate: e.rate})
	} else {
		err = e.worker.Run(e.ctx)
	}
	switch {
	case errors.Is(err, locustworker.ErrUndelivered):
		e.log.Error("the master could not be reached at the end: failures were not reported")
	case err != nil:
		e.log.Error("the worker has failed", "error", err)
	}
	e.finish()
}

// stop has the engine end. It does not wait.
func (e *engine) stop() {
	e.cancel()
	if e.alone {
		time.AfterFunc(leaveAfter, func() {
			if !e.hasEnded() {
				e.log.Error("task functions have not returned; leaving them", "waited", leaveAfter)
				e.finish()
			}
		})
	}
}

// finish ends all that is not the worker.
func (e *engine) finish() {
	e.end.Do(func() {
		e.env.Store(nil)
		e.cancel()
		e.reporter.stop()
		for _, stop := range e.profiles {
			stop()
		}
		e.log.Info("boomer has ended")
		running.remove(e)
		close(e.ended)
	})
}

func (e *engine) hasEnded() bool {
	select {
	case <-e.ended:
		return true
	default:
		return false
	}
}

// awaitMaster returns when a master has taken the worker in, and after a while in any
// case.
func (e *engine) awaitMaster() {
	limit := time.NewTimer(masterLimit)
	defer limit.Stop()
	select {
	case <-e.connected:
	case <-e.ended:
	case <-limit.C:
		e.log.Warn("no Locust master has answered yet; trying on", "address", e.address)
	}
}

// record counts a sample. It reports false when no worker runs.
func (e *engine) record(s locustworker.Sample) bool {
	env := e.env.Load()
	if env == nil {
		return false
	}
	env.Record(s)
	e.reporter.record(s)
	return true
}

// send sends a custom message.
func (e *engine) send(messageType string, data any) error {
	env := e.env.Load()
	if env == nil {
		return errors.New("no Run runs")
	}
	return env.SendMessage(messageType, plain(data))
}

// A census counts users by class. Its methods are safe for concurrent use.
type census struct {
	mu      sync.Mutex
	byClass map[string]int64
}

func (c *census) add(class string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byClass == nil {
		c.byClass = make(map[string]int64)
	}
	c.byClass[class] += n
}

// counts returns the users of each class, and their sum.
func (c *census) counts() (byClass map[string]int64, sum int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range slices.Collect(maps.Values(c.byClass)) {
		sum += n
	}
	return maps.Clone(c.byClass), sum
}

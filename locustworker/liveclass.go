package locustworker

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// A liveClass is a class as one worker runs it: what it declares, and what tags
// and the master's edits have made of it. Its methods are safe for concurrent
// use.
type liveClass struct {
	*classSpec
	equal bool                    // tasks are flattened; set before the first run
	other bool                    // stands in for a class of the master's: see Config.OtherClasses
	tasks atomic.Pointer[setSpec] // what users pick from now

	mu       sync.Mutex
	host     string
	failures map[string]bool // texts of constructors' errors in this run
	unknown  []string        // tasks that the master selects and the class does not have
}

// standIn makes a class of that name from one that serves any name.
func standIn(spec *classSpec, name string, equal bool) *liveClass {
	named := *spec
	named.name, named.root.name = name, name
	c := newLiveClass(&named)
	c.other = true
	if equal {
		c.equalize()
	}
	return c
}

// maxFailures bounds what is kept of the errors of a class's constructors.
const maxFailures = 100

func newLiveClass(spec *classSpec) *liveClass {
	running := *spec
	running.root = *spec.root.running(make(map[*setSpec]*setSpec))
	c := &liveClass{classSpec: &running, host: spec.host}
	c.tasks.Store(&running.root)
	return c
}

// setHost sets the host of users that start from now on; "" changes nothing.
func (c *liveClass) setHost(host string) {
	if host == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.host = host
}

func (c *liveClass) currentHost() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.host
}

// beginRun clears what failed in the last run.
func (c *liveClass) beginRun() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = nil
}

// firstFailure reports whether the constructor's error is news in this run: users
// of a class fail alike, as all do without a host, and a line for each of them
// would end the sending of logs (a Python worker stops the test and says it once).
func (c *liveClass) firstFailure(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failures[text] || len(c.failures) == maxFailures {
		return false
	}
	if c.failures == nil {
		c.failures = make(map[string]bool)
	}
	c.failures[text] = true
	return true
}

// filter keeps the tasks that the tags select, of those that the edits so far have
// left (mirrors filter_tasks_by_tags, which looks at the class as it is).
func (c *liveClass) filter(tags, excluded []string, log *slog.Logger) {
	if c.other {
		return
	}
	c.tasks.Store(c.tasks.Load().withTags(tags, excluded, func(name string) {
		log.Warn(name + " had no tasks left after filtering, instantiating it will fail!")
	}))
}

// apply changes the class while it runs (mirrors Environment.update_user_class).
// Weight and fixed count are the master's business once it runs: they change
// nothing here.
func (c *liveClass) apply(s UserSettings, log *slog.Logger) {
	if s.Host != nil {
		c.setHost(*s.Host)
	}
	if s.Tasks == nil || c.other {
		return
	}
	var unknown []string
	for _, name := range s.Tasks {
		if !slices.ContainsFunc(c.root.tasks, func(t taskSpec) bool { return t.name == name }) {
			log.Warn("the master selects a task that the class does not have", "class", c.name, "task", name)
			unknown = append(unknown, name)
		}
	}
	c.setUnknownTasks(unknown)
	c.keep(c.root.only(s.Tasks))
}

// keep makes users pick from these tasks.
func (c *liveClass) keep(tasks *setSpec) {
	if c.equal {
		tasks = tasks.flattened()
	}
	c.tasks.Store(tasks)
}

// equalize gives all tasks the same chance, those of nested sets too.
func (c *liveClass) equalize() {
	c.equal = true
	c.keep(c.tasks.Load())
}

// selectClasses keeps the classes that cfg names, or all of them.
func selectClasses(all []*classSpec, cfg Config) ([]*liveClass, error) {
	known := func(name string) error {
		if slices.ContainsFunc(all, func(c *classSpec) bool { return c.name == name }) {
			return nil
		}
		return fmt.Errorf("%w: %q", ErrUnknownClass, name)
	}
	for _, name := range cfg.UserClasses {
		if err := known(name); err != nil {
			return nil, err
		}
	}
	var live []*liveClass
	for _, spec := range all {
		if len(cfg.UserClasses) == 0 || slices.Contains(cfg.UserClasses, spec.name) {
			live = append(live, newLiveClass(spec))
		}
	}
	for _, s := range cfg.UserSettings {
		if err := known(s.Class); err != nil {
			return nil, err
		}
		for _, c := range live {
			if c.name == s.Class {
				c.applyBeforeRun(s, cfg.Logger)
			}
		}
	}
	return slices.DeleteFunc(live, func(c *liveClass) bool { return c.dropped() }), nil
}

// applyBeforeRun is apply with weight and fixed count, which decide here whether
// the class takes part at all.
func (c *liveClass) applyBeforeRun(s UserSettings, log *slog.Logger) {
	changed := *c.classSpec
	if s.Weight != nil {
		changed.weight = *s.Weight
	}
	if s.FixedCount != nil {
		changed.fixedCount = *s.FixedCount
	}
	c.classSpec = &changed
	c.apply(s, log)
}

// unknownTasks are the tasks that the master selects and the class does not have.
func (c *liveClass) unknownTasks() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unknown
}

func (c *liveClass) setUnknownTasks(names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unknown = names
}

package session

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// CallLimit is how long a worker that has ended everything else waits for the
// message handlers that still run.
const CallLimit = 10 * time.Second

// calls call functions of the program's own, so that whoever asks for it need
// not wait: one after the other, or at once. Its methods are safe for concurrent
// use.
type calls struct {
	wake chan struct{} // holds a token when there is something to do
	all  sync.WaitGroup

	mu      sync.Mutex
	todo    []namedCall
	held    int            // calls that have not returned
	bytes   int            // what their messages hold
	busy    bool           // one of those that are called one after the other runs
	running map[string]int // by name
	left    bool           // nobody waits any more: start nothing
}

type namedCall struct {
	name string // for the log
	size int    // of the message, in bytes as received
	call func()
}

func newCalls() *calls {
	return &calls{wake: make(chan struct{}, 1), running: make(map[string]int)}
}

// add has a function called after those that were added before. It reports false, and
// does nothing, when too much has not returned.
func (c *calls) add(name string, size int, call func()) bool {
	c.mu.Lock()
	ok := c.hold(size)
	if ok {
		c.todo = append(c.todo, namedCall{name, size, call})
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return ok
}

// hold counts a call and its message, unless there are too many. One alone is never
// too much. c.mu is held.
func (c *calls) hold(size int) bool {
	if c.held >= maxCalls || (c.held > 0 && c.bytes+size > maxCallBytes) {
		return false
	}
	c.held++
	c.bytes += size
	return true
}

// idle tells whether all functions have returned that were added.
func (c *calls) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.todo) == 0 && !c.busy
}

// start calls a function in a goroutine of its own. It reports false, and does
// nothing, when too much has not returned.
func (c *calls) start(name string, size int, call func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.hold(size) {
		return false
	}
	c.all.Go(func() { c.do(namedCall{name, size, call}) })
	return true
}

// startAlways calls a function in a goroutine of its own, however much has not
// returned.
func (c *calls) startAlways(name string, call func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held++
	c.all.Go(func() { c.do(namedCall{name: name, call: call}) })
}

// begin starts the goroutine that calls what is added until ctx ends, and then what
// was added before.
func (c *calls) begin(ctx context.Context) {
	c.all.Go(func() {
		for {
			for c.doNext() {
			}
			select {
			case <-c.wake:
			case <-ctx.Done():
				for c.doNext() {
				}
				return
			}
		}
	})
}

func (c *calls) doNext() bool {
	c.mu.Lock()
	if c.busy = len(c.todo) > 0; !c.busy {
		c.mu.Unlock()
		return false
	}
	next := c.todo[0]
	c.todo[0] = namedCall{} // the array keeps nothing alive
	c.todo = c.todo[1:]
	c.mu.Unlock()
	c.do(next)
	return true
}

func (c *calls) do(next namedCall) {
	if !c.enter(next.name) {
		return
	}
	defer c.exit(next)
	next.call()
}

func (c *calls) enter(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		c.running[name]++
	}
	return !c.left
}

func (c *calls) exit(last namedCall) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held--
	c.bytes -= last.size
	if c.running[last.name]--; c.running[last.name] == 0 {
		delete(c.running, last.name)
	}
}

// await waits until all functions have returned after the end of begin's context.
// It gives up after CallLimit, and then returns the names of those that
// still run; no other is called afterwards.
func (c *calls) await() (stuck []string) {
	returned := make(chan struct{})
	go func() {
		c.all.Wait()
		close(returned)
	}()
	limit := time.NewTimer(CallLimit)
	defer limit.Stop()
	select {
	case <-returned:
		return nil
	case <-limit.C:
	}
	c.mu.Lock()
	c.left = true
	c.mu.Unlock()
	return c.names()
}

// names returns the names of the functions that run.
func (c *calls) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.running))
}

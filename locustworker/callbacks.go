package locustworker

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// callbackPatience is how long a worker that has ended everything else waits for
// the message handlers that still run.
const callbackPatience = 10 * time.Second

// callbacks call functions of the program's own, so that whoever asks for it need
// not wait: one after the other, or at once. Its methods are safe for concurrent
// use.
type callbacks struct {
	wake chan struct{} // holds a token when there is something to do
	all  sync.WaitGroup

	mu      sync.Mutex
	todo    []callback
	busy    bool           // one of those that are called one after the other runs
	running map[string]int // by name
	left    bool           // nobody waits any more: start nothing
}

type callback struct {
	name string // for the log
	call func()
}

func newCallbacks() *callbacks {
	return &callbacks{wake: make(chan struct{}, 1), running: make(map[string]int)}
}

// add has a function called after those that were added before.
func (c *callbacks) add(name string, call func()) {
	c.mu.Lock()
	c.todo = append(c.todo, callback{name, call})
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// idle tells whether all functions have returned that were added.
func (c *callbacks) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.todo) == 0 && !c.busy
}

// start calls a function in a goroutine of its own.
func (c *callbacks) start(name string, call func()) {
	c.all.Go(func() { c.do(callback{name, call}) })
}

// begin starts the goroutine that calls what is added until ctx ends, and then what
// was added before.
func (c *callbacks) begin(ctx context.Context) {
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

func (c *callbacks) doNext() bool {
	c.mu.Lock()
	if c.busy = len(c.todo) > 0; !c.busy {
		c.mu.Unlock()
		return false
	}
	next := c.todo[0]
	c.todo = slices.Delete(c.todo, 0, 1)
	c.mu.Unlock()
	c.do(next)
	return true
}

func (c *callbacks) do(next callback) {
	if !c.enter(next.name) {
		return
	}
	defer c.exit(next.name)
	next.call()
}

func (c *callbacks) enter(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.left {
		c.running[name]++
	}
	return !c.left
}

func (c *callbacks) exit(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[name]--; c.running[name] == 0 {
		delete(c.running, name)
	}
}

// await waits until all functions have returned after the end of begin's context.
// It gives up after callbackPatience, and then returns the names of those that
// still run; no other is called afterwards.
func (c *callbacks) await() (stuck []string) {
	returned := make(chan struct{})
	go func() {
		c.all.Wait()
		close(returned)
	}()
	patience := time.NewTimer(callbackPatience)
	defer patience.Stop()
	select {
	case <-returned:
		return nil
	case <-patience.C:
	}
	c.mu.Lock()
	c.left = true
	c.mu.Unlock()
	return c.names()
}

// names returns the names of the functions that run.
func (c *callbacks) names() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.running))
}

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
	busy    bool           // one of those that are called one after the other runs
	running map[string]int // by name
	left    bool           // nobody waits any more: start nothing
}

type namedCall struct {
	name string // for the log
	call func()
}

func newCalls() *calls {
	return &calls{wake: make(chan struct{}, 1), running: make(map[string]int)}
}

// add has a function called after those that were added before.
func (c *calls) add(name string, call func()) {
	c.mu.Lock()
	c.todo = append(c.todo, namedCall{name, call})
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// idle tells whether all functions have returned that were added.
func (c *calls) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.todo) == 0 && !c.busy
}

// start calls a function in a goroutine of its own.
func (c *calls) start(name string, call func()) {
	c.all.Go(func() { c.do(namedCall{name, call}) })
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
	c.todo = slices.Delete(c.todo, 0, 1)
	c.mu.Unlock()
	c.do(next)
	return true
}

func (c *calls) do(next namedCall) {
	if !c.enter(next.name) {
		return
	}
	defer c.exit(next.name)
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

func (c *calls) exit(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[name]--; c.running[name] == 0 {
		delete(c.running, name)
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

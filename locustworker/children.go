package locustworker

import (
	"context"
	"fmt"
	"strconv"
	"sync"
)

// childVariable is set in the environment of the processes that --processes
// starts, to their number counted from 0; they do not look at --processes, and end
// when their standard input does.
const childVariable = "LOCUSTWORKER_CHILD"

// A child is a worker process that --processes has started.
type child interface {
	pid() int
	stop()     // lets it end as after a first signal
	kill()     // ends it at once
	wait() int // blocks until it has ended and returns its exit code, -1 after a signal
}

// A family is the children of a command. Its methods are safe for concurrent
// use.
type family struct {
	mu     sync.Mutex
	all    []child
	killed bool
}

func (f *family) add(c child) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, c)
	if f.killed {
		c.kill()
	}
}

func (f *family) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.killed = true
	for _, c := range f.all {
		c.kill()
	}
}

// isChild reports whether the process is one of another's --processes.
func (c *command) isChild() bool {
	_, set := c.lookupEnv(childVariable)
	return set
}

// childNumber is which of another's --processes this one is, 0 if none.
func (c *command) childNumber() int {
	text, _ := c.lookupEnv(childVariable)
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// runChildren starts n worker processes, one for each core when n is -1, and
// returns the greatest of their exit codes when all have ended. They end when
// ctx does, with their users stopped and their samples delivered.
func (c *command) runChildren(ctx context.Context, s *settings) int {
	log, n := s.config.Logger, s.processes
	if n < -1 {
		log.Error(fmt.Sprintf("Invalid --processes count %d", n))
		return exitError
	}
	if n == -1 {
		n = c.cores
	}
	if _, err := childAddress(s.config.MetricsAddr, n-1); err != nil {
		log.Error(err.Error())
		return exitError
	}
	var env []string
	if _, set := c.lookupEnv("GOMAXPROCS"); !set { // each has its share, and says so in its CPU percentage
		env = append(env, fmt.Sprintf("GOMAXPROCS=%d", max(1, c.cores/n)))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	codes := make(chan int, n)
	var started []child
	failed := exitOK
	for i := range n {
		one, err := c.spawn(append([]string{fmt.Sprintf("%s=%d", childVariable, i)}, env...))
		if err != nil {
			log.Error("cannot start a worker process", "error", err)
			failed = exitError
			cancel()
			break
		}
		log.Debug("started a worker process", "pid", one.pid())
		c.children.add(one)
		started = append(started, one)
		go func() { codes <- one.wait() }()
	}
	return max(failed, await(ctx, started, codes))
}

// await returns the greatest exit code of the children, which it stops when ctx
// ends. One that a signal has ended counts as failed.
func await(ctx context.Context, children []child, codes <-chan int) int {
	greatest, stop := exitOK, ctx.Done()
	for ended := 0; ended < len(children); {
		select {
		case code := <-codes:
			ended++
			if code < 0 {
				code = exitError
			}
			greatest = max(greatest, code)
		case <-stop:
			stop = nil
			for _, c := range children {
				c.stop()
			}
		}
	}
	return greatest
}

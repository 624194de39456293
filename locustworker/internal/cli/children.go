package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
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

// KillChildren ends the processes that --processes has started, at once, and those
// that it starts later. Safe for concurrent use with Run.
func (c *Command) KillChildren() { c.children.kill() }

func (f *family) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.killed = true
	for _, c := range f.all {
		c.kill()
	}
}

// IsChild reports whether the process is one of another's --processes. It must end
// when its standard input does.
func (c *Command) IsChild() bool {
	_, set := c.LookupEnv(childVariable)
	return set
}

// childNumber is which of another's --processes this one is, 0 if none.
func (c *Command) childNumber() int {
	text, _ := c.LookupEnv(childVariable)
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// runChildren starts n worker processes, one for each core when n is -1, and
// returns the greatest of their exit codes when all have ended. They end when
// ctx does, with their users stopped and their samples delivered.
func (c *Command) runChildren(ctx context.Context, in *invocation, log *slog.Logger) int {
	n := in.processes
	if n < -1 {
		log.Error(fmt.Sprintf("Invalid --processes count %d", n))
		return ExitError
	}
	if n == -1 {
		n = c.Cores
	}
	if _, err := childAddress(in.MetricsAddr, n-1); err != nil {
		log.Error(err.Error())
		return ExitError
	}
	var env []string
	if _, set := c.LookupEnv("GOMAXPROCS"); !set { // each has its share, and says so in its CPU percentage
		env = append(env, fmt.Sprintf("GOMAXPROCS=%d", max(1, c.Cores/n)))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	codes := make(chan int, n)
	var started []child
	failed := ExitOK
	for i := range n {
		one, err := c.spawn(append([]string{fmt.Sprintf("%s=%d", childVariable, i)}, env...))
		if err != nil {
			log.Error("cannot start a worker process", "error", err)
			failed = ExitError
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
	greatest, stop := ExitOK, ctx.Done()
	for ended := 0; ended < len(children); {
		select {
		case code := <-codes:
			ended++
			if code < 0 {
				code = ExitError
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

// startProcess starts this program anew with the same command line. The child's
// standard input is a pipe that nothing is written to: it ends when the child is
// to end. Signals would not do, as a Ctrl-C reaches the child by itself already.
func (c *Command) startProcess(env []string) (child, error) {
	self, err := c.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, c.Args[1:]...) //nolint:gosec,noctx // this very program, which ends with its standard input
	cmd.Args[0] = c.Args[0]
	cmd.Env = append(c.Environ(), env...)
	cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return childProcess{cmd: cmd, hold: hold}, nil
}

// A childProcess is a child that runs.
type childProcess struct {
	cmd  *exec.Cmd
	hold io.Closer
}

func (p childProcess) pid() int { return p.cmd.Process.Pid }

// stop makes the child end as after a first signal.
func (p childProcess) stop() { _ = p.hold.Close() }

func (p childProcess) kill() { _ = p.cmd.Process.Kill() }

// wait returns the child's exit code when it has ended, -1 after a signal.
func (p childProcess) wait() int {
	_ = p.cmd.Wait() // the outcome is in ProcessState
	return p.cmd.ProcessState.ExitCode()
}

// childAddress is where the n-th of several processes serves its metrics, counted
// from 0: each has a port of its own. Port 0 is a free one for each.
func childAddress(addr string, n int) (string, error) {
	if addr == "" {
		return "", nil
	}
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("metrics address: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil || port == 0 {
		return addr, err
	}
	if port+n > 65535 {
		return "", fmt.Errorf("metrics address %s: process %d would need port %d, and there are 65535", addr, n, port+n)
	}
	return net.JoinHostPort(host, strconv.Itoa(port+n)), nil
}

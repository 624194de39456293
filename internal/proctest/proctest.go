// Package proctest runs other programs for tests and leaves none behind: Stop
// ends one in the normal case, and on Linux the kernel kills it when the test
// process is gone without having called Stop (a panic, a test's timeout, a
// SIGKILL).
package proctest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// logTailBytes is how much of a program's output LogTail returns.
const logTailBytes = 4096

// A Process is a running program. Its methods are safe for concurrent use.
type Process struct {
	pid     int
	name    string
	done    chan struct{} // closed when the process has ended and was reaped
	state   *os.ProcessState
	logPath string
}

// Start runs cmd with its output in the file logPath and returns as soon as the
// program runs. It blocks for no longer than that.
func Start(cmd *exec.Cmd, logPath string) (*Process, error) {
	logFile, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	dieWithParent(cmd)
	p, err := run(cmd, func() { _ = logFile.Close() })
	if err != nil {
		return nil, err
	}
	p.logPath = logPath
	return p, nil
}

// run starts cmd, and calls ended when it has ended or was not started.
func run(cmd *exec.Cmd, ended func()) (*Process, error) {
	p := &Process{name: filepath.Base(cmd.Path), done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel's parent-death signal fires when the thread that forked
		// ends, so that thread must live as long as the child: it is never
		// unlocked and ends with this goroutine.
		runtime.LockOSThread()
		defer close(p.done)
		defer ended()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // the outcome is in ProcessState
			p.state = cmd.ProcessState
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, nil
}

// Pid returns the process's number.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited reports whether the process has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ExitCode blocks until the process has ended and returns its exit code, -1 when
// a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	if p.state == nil {
		return -1
	}
	return p.state.ExitCode()
}

// Signal sends a signal, unless the process has ended: its number is not given
// to another before it was reaped.
func (p *Process) Signal(sig syscall.Signal) {
	if !p.Exited() {
		_ = syscall.Kill(p.pid, sig) // it may have ended meanwhile
	}
}

// Stop asks the process to end, kills it when it has not within the deadline,
// and returns when it is gone. It reports whether no kill was needed.
func (p *Process) Stop(deadline time.Duration) bool {
	p.Signal(syscall.SIGTERM)
	p.Signal(syscall.SIGCONT) // a test may have stopped it with SIGSTOP
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
	}
	p.Signal(syscall.SIGKILL)
	<-p.done
	return false
}

// Log returns everything that the process has printed so far.
func (p *Process) Log() string {
	b, err := os.ReadFile(p.logPath)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// LogTail returns the end of Log under a heading that names the process.
func (p *Process) LogTail() string {
	log := p.Log()
	log = log[max(0, len(log)-logTailBytes):]
	return fmt.Sprintf("--- %s (pid %d):\n%s", p.name, p.pid, strings.TrimSpace(log))
}

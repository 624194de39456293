package locustworker

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

// Main is the whole main function of a worker that offers the given classes. It
// takes the command line, the LOCUST_* environment and the configuration files
// that a Python worker takes (docs/command-line.md), runs until the master says
// quit or a signal comes, and exits with Locust's exit codes. It does not return.
//
// SIGTERM and SIGINT stop the users, deliver the last samples and then end the
// process; a second one ends it at once, with 128 plus the signal's number.
func Main(classes ...Class) { MainConfig(Config{}, classes...) }

// MainConfig is Main with a configuration of your own: its events and messages,
// and defaults that the configuration files, the environment and the command
// line override. UserSettings of these are applied after those of base. Where
// base has a Logger, it is used unless a log level or a log file is asked for.
func MainConfig(base Config, classes ...Class) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &command{
		args:      os.Args,
		lookupEnv: os.LookupEnv,
		readFile:  os.ReadFile,
		stdout:    os.Stdout,
		stderr:    os.Stderr,
		cores:     runtime.GOMAXPROCS(0),
		spawn:     spawnChild,
	}
	c.hostname, _ = os.Hostname() // an empty name is what the log then shows
	c.build, _ = debug.ReadBuildInfo()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	hurry := make(chan struct{}) // closed by the second signal, which then ends the process
	go func() {
		<-signals
		cancel()
		second := <-signals
		close(hurry)
		c.children.kill()
		code := exitSignal
		if number, ok := second.(syscall.Signal); ok {
			code += int(number)
		}
		os.Exit(code)
	}()
	if c.isChild() {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent lets go, or is gone
			cancel()
		}()
	}
	code := c.run(ctx, base, classes)
	select {
	case <-hurry: // the children's ends are its doing, and so is the exit code
		select {}
	default:
		os.Exit(code)
	}
}

// spawnChild starts this program anew with the same command line. The child's
// standard input is a pipe that nothing is written to: it ends when the child is
// to end. Signals would not do, as a Ctrl-C reaches the child by itself already.
func spawnChild(env []string) (child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, os.Args[1:]...) //nolint:gosec // this very program
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
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

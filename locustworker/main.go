package locustworker

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
	"github.com/bandwing/bandwing/locustworker/internal/headless/terminal"
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
	build, _ := debug.ReadBuildInfo()
	host, _ := os.Hostname() // an empty name is what the log then shows
	term, _ := os.LookupEnv("TERM")
	screen := terminal.NewScreen(os.Stderr, term)
	c := cli.New(cli.System{
		Args:       os.Args,
		LookupEnv:  os.LookupEnv,
		Environ:    os.Environ,
		ReadFile:   os.ReadFile,
		Executable: os.Executable,
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		Log:        screen,
		Build:      build,
		Cores:      runtime.GOMAXPROCS(0),
	}, commandLine(base, classes, host, output{os.Stdout, screen}))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	second := make(chan struct{}) // closed by the second signal, which then ends the process
	go func() {
		<-signals
		cancel()
		last := <-signals
		close(second)
		c.KillChildren()
		code := cli.ExitSignal
		if number, ok := last.(syscall.Signal); ok {
			code += int(number)
		}
		os.Exit(code)
	}()
	if c.IsChild() {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // ends when the parent closes it, or has ended
			cancel()
		}()
	}
	code := c.Run(ctx)
	select {
	case <-second: // which has ended the children, and sets the exit code
		select {}
	default:
		os.Exit(code)
	}
}

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
// SIGTERM, SIGINT and SIGHUP stop the users, deliver the last samples or write the
// reports, and then end the process. A second SIGTERM or SIGINT ends it at once, with
// 128 plus the signal's number. SIGHUP is ignored where the program was started so
// (nohup), and an output that nobody reads any more does not end the process.
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
	screen, keys := terminal.NewScreen(os.Stderr, term), terminal.NewKeys(os.Stdin)
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
	}, commandLine(base, classes, host, output{os.Stdout, screen, keys}))
	second := make(chan struct{}) // closed by the second signal, which then ends the process
	watchSignals(cancel, func(code int) {
		close(second)
		c.KillChildren()
		keys.Restore()
		os.Exit(code)
	})
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

// watchSignals calls end at the first signal, and endNow with the exit code at the
// second one.
func watchSignals(end context.CancelFunc, endNow func(code int)) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	gone := make(chan os.Signal, 1) // the terminal; its shell and the kernel may both say so
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(gone, syscall.SIGHUP)
	}
	// A signal that is caught ends no process, and unlike an ignored one is not left to
	// programs that this one starts. The write fails.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	go func() {
		select {
		case <-signals:
		case <-gone:
		}
		end()
		last := <-signals
		code := cli.ExitSignal
		if number, ok := last.(syscall.Signal); ok {
			code += int(number)
		}
		endNow(code)
	}()
}

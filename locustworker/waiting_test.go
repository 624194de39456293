package locustworker

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/cli"
)

func TestAProgramSaysWhomItWaitsFor(t *testing.T) {
	port := closedPort(t)
	c, sh := testCommand(nil, Config{}, shopClasses(), "--worker", "--master-port", port)
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- c.Run(ctx) }()
	want := "box/WARNING/locustworker: waiting for a Locust master at " + net.JoinHostPort("127.0.0.1", port)
	within(t, "warning", func() bool { return strings.Contains(sh.stderr.String(), want) })
	cancel()
	if got := <-code; got != cli.ExitOK {
		t.Errorf("exit code %d", got)
	}
	if !strings.Contains(sh.stderr.String(), "--headless") {
		t.Error("it does not say how to run without a master")
	}
}

func TestAWorkerWithAMasterDoesNotSayThatItWaits(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		s.id()
		synctest.Wait()
		s.worker.warnOfWaiting(s.t.Context())
		ended, cancel := context.WithCancel(s.t.Context())
		cancel()
		before := time.Now()
		s.worker.warnOfWaiting(ended)
		if s.logged("waiting for a Locust master") != 0 || time.Since(before) > 0 {
			t.Error("it warns, or does not end with its context")
		}
	})
}

func TestCommandsOfTheProgram(t *testing.T) {
	base := Config{Commands: []Command{{Name: "fill", Help: "Fill the shop.", Run: func(_ context.Context, args []string) int { return len(args) }}}}
	c, _ := testCommand(nil, base, shopClasses(), "fill", "a", "-b", "c")
	if code := c.Run(t.Context()); code != 3 {
		t.Errorf("exit code %d", code)
	}
	c, sh := testCommand(nil, base, shopClasses(), "--help")
	if c.Run(t.Context()); !strings.Contains(sh.stdout.String(), "Fill the shop.") {
		t.Error("--help does not list it")
	}
}

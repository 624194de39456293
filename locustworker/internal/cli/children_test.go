package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// A fakeChild ends with a code when it is told to.
type fakeChild struct {
	code           int
	stopped        chan struct{}
	ended          chan int
	killed, lively bool // lively: does not end when it is stopped
}

func newFakeChild(code int) *fakeChild {
	return &fakeChild{code: code, stopped: make(chan struct{}), ended: make(chan int, 2)}
}

func (c *fakeChild) pid() int { return 7 }

func (c *fakeChild) stop() {
	close(c.stopped)
	if !c.lively {
		c.ended <- c.code
	}
}

func (c *fakeChild) kill() {
	c.killed = true
	c.ended <- -1
}

func (c *fakeChild) wait() int { return <-c.ended }

// familyCommand is a command whose --processes are the children, and the
// environment that each was started with. When there are no more, starting fails.
func familyCommand(env map[string]string, children []*fakeChild, args ...string) (*Command, *shell, *[][]string) {
	c, sh := testCommand(env, args...)
	envs := &[][]string{}
	c.spawn = func(env []string) (child, error) {
		*envs = append(*envs, env)
		if len(*envs) > len(children) {
			return nil, errors.New("no more processes")
		}
		return children[len(*envs)-1], nil
	}
	return c, sh, envs
}

// Conformance: C3
func TestProcessesReturnTheGreatestCode(t *testing.T) {
	for _, test := range []struct {
		codes []int
		want  int
	}{{[]int{0, 0}, 0}, {[]int{0, 7, 3}, 7}, {[]int{0, -1}, 1}, {[]int{255, -1, 2}, 255}} {
		var children []*fakeChild
		for _, code := range test.codes {
			one := newFakeChild(code)
			one.ended <- code
			children = append(children, one)
		}
		c, sh, _ := familyCommand(nil, children, "--processes", fmt.Sprint(len(children)))
		if code := c.Run(t.Context()); code != test.want {
			t.Errorf("%v: exit code %d, want %d: %s", test.codes, code, test.want, sh.stderr.String())
		}
	}
}

func TestProcessesAreStoppedWithTheirParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		children := []*fakeChild{newFakeChild(0), newFakeChild(5)}
		c, _, envs := familyCommand(nil, children, "--processes", "2")
		ctx, cancel := context.WithCancel(t.Context())
		code := make(chan int)
		go func() { code <- c.Run(ctx) }()
		synctest.Wait()
		for i, one := range children {
			select {
			case <-one.stopped:
				t.Errorf("child %d was stopped before its parent", i)
			default:
			}
		}
		cancel()
		if got := <-code; got != 5 {
			t.Errorf("exit code %d", got)
		}
		if want := "[[LOCUSTWORKER_CHILD=0 GOMAXPROCS=2] [LOCUSTWORKER_CHILD=1 GOMAXPROCS=2]]"; fmt.Sprint(*envs) != want {
			t.Errorf("environments %q", *envs)
		}
	})
}

// Conformance: C3
func TestProcessesForEachCore(t *testing.T) {
	var children []*fakeChild
	for range 4 {
		one := newFakeChild(0)
		one.ended <- 0
		children = append(children, one)
	}
	c, _, envs := familyCommand(map[string]string{"GOMAXPROCS": "4"}, children, "--processes", "-1")
	if code := c.Run(t.Context()); code != ExitOK || len(*envs) != 4 {
		t.Errorf("exit code %d, %d children", code, len(*envs))
	}
	if want := []string{"LOCUSTWORKER_CHILD=3"}; !slices.Equal((*envs)[3], want) {
		t.Errorf("environment %q, want %q: GOMAXPROCS is the user's", (*envs)[3], want)
	}
}

func TestAProcessThatCannotStartStopsTheOthers(t *testing.T) {
	children := []*fakeChild{newFakeChild(0)}
	c, sh, _ := familyCommand(nil, children, "--processes", "3")
	if code := c.Run(t.Context()); code != ExitError || !strings.Contains(sh.stderr.String(), "no more processes") {
		t.Errorf("exit code %d: %s", code, sh.stderr.String())
	}
	<-children[0].stopped
}

func TestKillEndsTheProcessesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		children := []*fakeChild{newFakeChild(0), newFakeChild(0)}
		children[0].lively, children[1].lively = true, true
		c, _, _ := familyCommand(nil, children, "--processes", "2")
		ctx, cancel := context.WithCancel(t.Context())
		code := make(chan int)
		go func() { code <- c.Run(ctx) }()
		cancel()
		synctest.Wait()
		c.children.kill()
		if got := <-code; got != ExitError || !children[0].killed || !children[1].killed {
			t.Errorf("exit code %d", got)
		}
		late := newFakeChild(0)
		if c.children.add(late); !late.killed {
			t.Error("a child that starts later lives")
		}
	})
}

func TestAChildStartsNoOthers(t *testing.T) {
	c, sh, envs := familyCommand(map[string]string{childVariable: "1"}, nil, "--processes", "3", "--autostart")
	if code := c.Run(t.Context()); code != ExitOK || len(*envs) != 0 {
		t.Errorf("exit code %d, %d children", code, len(*envs))
	}
	if log := sh.stderr.String(); strings.Contains(log, "ignored") {
		t.Errorf("it warns again: %s", log)
	}
}

func TestEachProcessHasAMetricsPortOfItsOwn(t *testing.T) {
	for _, test := range []struct {
		addr, child, want string
	}{
		{":9646", "", ":9646"},
		{":9646", "0", ":9646"},
		{"[::1]:9646", "3", "[::1]:9649"},
		{":0", "3", ":0"},
		{"", "3", ""},
		{":65534", "1", ":65535"},
		{":65535", "1", "error"},
	} {
		env := map[string]string{"LOCUST_METRICS_ADDR": test.addr}
		if test.child != "" {
			env[childVariable] = test.child
		}
		c, _ := testCommand(env)
		got, err := c.read()
		if err != nil {
			if test.want != "error" {
				t.Errorf("%+v: %v", test, err)
			}
		} else if got.MetricsAddr != test.want {
			t.Errorf("%+v: %q", test, got.MetricsAddr)
		}
	}
	c, sh, envs := familyCommand(nil, []*fakeChild{newFakeChild(0)}, "--processes", "3", "--metrics-addr", ":65534")
	if code := c.Run(t.Context()); code != ExitError || len(*envs) != 0 ||
		!strings.Contains(sh.stderr.String(), fmt.Sprint("process 2 would need port ", 65536)) {
		t.Errorf("exit code %d, %d processes: %s", code, len(*envs), sh.stderr.String())
	}
}

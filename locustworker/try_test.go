package locustworker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A tried user writes down what happens to it.
type tried struct {
	u     *User
	turns *[]string
}

func (s *tried) OnStart(context.Context) error { *s.turns = append(*s.turns, "start"); return nil }
func (s *tried) OnStop(context.Context) error  { *s.turns = append(*s.turns, "stop"); return nil }

func (s *tried) look(context.Context) error {
	*s.turns = append(*s.turns, "look")
	if s.u.Client().Watched() {
		s.u.Client().Show(Exchange{URL: "tap://x/1", RequestHead: []byte("LOOK 1\r\nA: b\r\n\r\n"), Head: []byte("OK\r\n\r\n"), Body: []byte("bar\x00")})
	}
	s.u.Record(Sample{Type: "LOOK", Name: "/[id]", ResponseTime: 1234567 * time.Nanosecond, Length: 4})
	return nil
}

func (s *tried) fail(context.Context) error {
	s.u.Record(Sample{Type: "LOOK", Name: "/none", NoTime: true, Err: errors.New("not there")})
	return errors.New("no stock")
}

func triedClass(turns *[]string) Class {
	return NewClass("Tried", func(u *User) (*tried, error) { return &tried{u, turns}, nil }).Weight(0).
		Wait(Constant(time.Second)).Task("look", 1, (*tried).look).Task("fail", 1, (*tried).fail)
}

func TestTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []string
		var out strings.Builder
		began := time.Now()
		err := Try(t.Context(), Config{}, Trial{Class: "Tried", Task: "look", Times: 3, Out: &out}, tapperClass("A"), triedClass(&turns))
		if err != nil || !slices.Equal(turns, []string{"start", "look", "look", "look", "stop"}) {
			t.Errorf("%v, %v", turns, err)
		}
		if took := time.Since(began); took < 2*time.Second || took > 3*time.Second {
			t.Errorf("three tasks and two waits took %v", took)
		}
		want := "Tried.look\n  LOOK /[id]  1.23ms, 4 bytes\n    tap://x/1\n    > LOOK 1\n    > A: b\n    < OK\n    < (4 bytes that are no text)\n"
		if out.String() != strings.Repeat(want, 3) {
			t.Errorf("got\n%s\nwant three times\n%s", out.String(), want)
		}
	})
}

func TestATrialFindsFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []string
		var out strings.Builder
		err := Try(t.Context(), Config{}, Trial{Task: "fail", Out: &out}, triedClass(&turns))
		if !errors.Is(err, ErrTrial) || !strings.Contains(err.Error(), "LOOK /none: not there\nno stock") {
			t.Errorf("error %v", err)
		}
		for _, want := range []string{"LOOK /none  no time, 0 bytes\n    FAILED not there\n", "  ERROR no stock\n", "try_test.go"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("there is no %q in\n%s", want, out.String())
			}
		}
		if !slices.Equal(turns, []string{"start", "stop"}) {
			t.Errorf("turns %v", turns)
		}
		broken := NewClass("Broken", func(*User) (*tried, error) { return nil, errors.New("no host") }).Task("look", 1, (*tried).look)
		if err := Try(t.Context(), Config{}, Trial{}, broken); !errors.Is(err, ErrTrial) || !strings.Contains(err.Error(), "no host") {
			t.Errorf("a user that cannot be made: %v", err)
		}
	})
}

func TestWhatCannotBeTried(t *testing.T) {
	var turns []string
	for name, trial := range map[string]Trial{"class": {Class: "Nobody"}, "task": {Task: "none"}} {
		if err := Try(t.Context(), Config{}, trial, triedClass(&turns)); !errors.Is(err, ErrConfig) && !errors.Is(err, ErrUnknownClass) {
			t.Errorf("an unknown %s: %v", name, err)
		}
	}
	if err := Try(t.Context(), Config{}, Trial{}); err == nil {
		t.Error("no class: no error")
	}
}

func TestBodiesAreShortened(t *testing.T) {
	for body, want := range map[string]string{
		"":                        "",
		"one\r\ntwo\n":            "< one\n< two\n",
		strings.Repeat("ü", 600):  "< " + strings.Repeat("ü", 500) + "\n< … and 200 bytes\n",
		"\xff\xfe":                "< (2 bytes that are no text)\n",
		strings.Repeat("x", 1000): "< " + strings.Repeat("x", 1000) + "\n",
	} {
		if got := bodyText([]byte(body), "< "); got != want {
			t.Errorf("%.20q: %q", body, got)
		}
	}
}

func TestTheCommandTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []string
		run := func(args ...string) (int, *shell) {
			c, sh := testCommand(nil, Config{}, []Class{triedClass(&turns), tapperClass("A")}, append([]string{"try"}, args...)...)
			return c.Run(t.Context()), sh
		}
		if code, sh := run("Tried.look", "-n", "2"); code != 0 || strings.Count(sh.stdout.String(), "Tried.look\n") != 2 {
			t.Errorf("exit code %d\n%s", code, sh.stdout.String())
		}
		if code, sh := run("-n3", "A", "-H", "http://x"); code != 0 || strings.Count(sh.stdout.String(), "A.tap\n") != 3 {
			t.Errorf("exit code %d\n%s", code, sh.stdout.String())
		}
		if code, sh := run("Tried.fail"); code != 1 || !strings.Contains(sh.stderr.String(), "no stock") {
			t.Errorf("exit code %d\n%s", code, sh.stderr.String())
		}
		for want, args := range map[string][]string{
			"Did you mean 'Tried'?":             {"Treid"},
			"must be a number of tasks":         {"A", "-n", "x"},
			"name one class":                    {"A", "Tried"},
			"the class Tried has no task":       {"Tried.nothing"},
			"unrecognized arguments: --nowhere": {"A", "--nowhere"},
		} {
			if code, sh := run(args...); code == 0 || !strings.Contains(sh.stderr.String(), want) {
				t.Errorf("%v: exit code %d\n%s", args, code, sh.stderr.String())
			}
		}
	})
}

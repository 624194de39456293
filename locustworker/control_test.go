package locustworker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// exceptionsOf returns the texts of the exceptions that the master got.
func exceptionsOf(s *stage) []string {
	var texts []string
	for _, m := range s.master.OfType("exception") {
		texts = append(texts, fmt.Sprint(m.Field("msg")))
	}
	return texts
}

// TestAFailedTestStart is an exception on the master's page; the run goes on.
func TestAFailedTestStart(t *testing.T) {
	for name, fail := range map[string]func() error{
		"no data": func() error { return errors.New("no data") },
		"panic":   func() error { panic("no data") },
	} {
		events := Events{TestStart: func(context.Context, *Environment) error { return fail() }}
		perform(t, play{cfg: Config{Events: events}}, func(s *stage) {
			s.master.Spawn(s.id(), one(2))
			s.master.WaitFor("spawning_complete", 5*time.Second)
			texts := exceptionsOf(s)
			if len(texts) != 1 || !strings.HasPrefix(texts[0], "TestStart failed: ") || !strings.HasSuffix(texts[0], "no data") {
				t.Errorf("%s: exceptions %q", name, texts)
			}
			if n := len(s.master.OfType(stopRunMessage)); n != 0 {
				t.Errorf("%s: %d requests to stop the run", name, n)
			}
		})
	}
}

// TestErrAbortRunOfTestStart: no user starts, the master is asked for a stop, and the
// next run begins as any other.
func TestErrAbortRunOfTestStart(t *testing.T) {
	broken, second := true, 0
	events := Events{TestStart: func(context.Context, *Environment) error {
		if broken {
			return fmt.Errorf("%w: no data", ErrAbortRun)
		}
		return nil
	}}
	events.Add(Events{TestStart: func(context.Context, *Environment) error { second++; return nil }})
	perform(t, play{cfg: Config{Events: events}}, func(s *stage) {
		id := s.id()
		s.master.Spawn(id, one(3))
		m := s.master.WaitFor(stopRunMessage, 5*time.Second)
		if reason, _ := m.Field("reason").(string); !strings.HasSuffix(reason, "no data") {
			t.Errorf("the message is %v", m.Data)
		}
		s.master.Spawn(id, one(4)) // more of the same run
		s.nothingMore("spawning_complete", stopRunMessage)
		if texts := exceptionsOf(s); len(texts) != 1 || !strings.Contains(texts[0], "no data; the run stops if") {
			t.Errorf("exceptions %q", texts)
		}
		s.master.Stop(id)
		s.master.WaitFor("client_ready", 5*time.Second)
		broken = false
		s.spawned(one(2))
		if second != 2 {
			t.Errorf("the listener after it was called %d times in two runs", second)
		}
	})
}

// TestErrAbortRunOfATask asks once a run, however many users say it.
func TestErrAbortRunOfATask(t *testing.T) {
	class := func(*stage) []Class {
		return []Class{doing("Shop", func(*doer) error { return fmt.Errorf("down: %w", ErrAbortRun) })}
	}
	perform(t, play{classes: class}, func(s *stage) {
		id := s.id()
		for run := 1; run <= 2; run++ {
			s.master.Spawn(id, map[string]int{"Shop": 5})
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if n := len(s.master.OfType(stopRunMessage)); n != run {
				t.Errorf("%d requests to stop a run, after %d runs", n, run)
			}
			s.master.Stop(id)
			s.master.WaitFor("client_ready", 5*time.Second)
		}
		if len(exceptionsOf(s)) == 0 {
			t.Error("no exception")
		}
	})
}

func TestQuitOfTheEnvironment(t *testing.T) {
	perform(t, play{}, func(s *stage) {
		s.id()
		env := s.worker.hooks.env
		for _, code := range []int{-1, 256} {
			if err := env.Quit(code); err == nil {
				t.Errorf("exit code %d was taken", code)
			}
		}
		if err := env.Quit(3); err != nil {
			t.Error(err)
		}
		m := s.master.WaitFor(quitMessage, 5*time.Second)
		if m.Field("code") != int64(3) {
			t.Errorf("the message is %v", m.Data)
		}
		s.master.Quit(mastertest.Everyone)
		<-s.ended
	})
}

// TestErrAbortRunWithoutAMaster ends the run with exit code 1, before a user starts
// where TestStart returns it.
func TestErrAbortRunWithoutAMaster(t *testing.T) {
	abort := fmt.Errorf("%w: no data", ErrAbortRun)
	for name, c := range map[string]struct {
		events Events
		task   error
	}{
		"TestStart": {Events{TestStart: func(context.Context, *Environment) error { return abort }}, nil},
		"a task":    {Events{}, abort},
	} {
		synctest.Test(t, func(t *testing.T) {
			class := NewClass("A", newTapper).Wait(Constant(time.Second)).Task("tap", 1, func(s *tapper, ctx context.Context) error {
				return errors.Join(s.tap(ctx), c.task)
			})
			began := time.Now()
			code, _, counters := runAlone(t, Config{HideLogs: true, Events: c.events}, Headless{Users: 3, SpawnRate: 3, RunTime: time.Hour}, class)
			if took := time.Since(began); code != 1 || took > 2*time.Second || (counters.Recorded == 0) != (c.task == nil) {
				t.Errorf("%s: exit code %d after %v, %+v", name, code, took, counters)
			}
		})
	}
}

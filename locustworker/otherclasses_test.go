package locustworker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// A guest is a user of whatever class the master asks for.
type guest struct{ user *User }

func (g *guest) visit(context.Context) error {
	g.user.Record(Sample{Type: "VISIT", Name: g.user.ClassName() + g.user.Host(), ResponseTime: time.Millisecond})
	return nil
}

func guestClass() Class {
	return NewClass("Guest", func(u *User) (*guest, error) { return &guest{u}, nil }).
		Wait(Constant(time.Second)).
		Task("visit", 1, (*guest).visit, "tagged")
}

// TestOtherClasses: users run under the names that the master uses, none of the
// master's choices of tasks leaves them without one, and the worker's own classes
// keep their users.
func TestOtherClasses(t *testing.T) {
	onStage(t, Config{OtherClasses: guestClass(), Host: "/own"}, scripted{}, func(s *stage) {
		id := s.id()
		s.master.SendCustom(id, "update_user_class", map[string]any{"user_class_name": "Early", "tasks": []any{"task1"}})
		s.master.Spawn(id, map[string]int{"Dummy": 2, "Scripted": 1, "Early": 1})
		classes := s.master.WaitFor("spawning_complete", time.Minute).UserClasses()
		if want := map[string]int{"Dummy": 2, "Scripted": 1, "Early": 1}; fmt.Sprint(classes) != fmt.Sprint(want) {
			t.Errorf("spawned %v; want %v", classes, want)
		}
		synctest.Wait() // a user that is stopped before its first task makes no request
		s.master.SendCustom(id, "update_user_class", map[string]any{"user_class_name": "Dummy", "tasks": []any{"task1"}, "host": "/new"})
		s.master.Spawn(id, map[string]int{"Dummy": 3, "Scripted": 1, "Early": 0})
		s.master.WaitFor("spawning_complete", time.Minute)
		synctest.Wait()
		time.Sleep(5 * time.Second)
		s.master.Stop(id)
		s.master.WaitFor("client_stopped", time.Minute)
		rows := s.master.Totals().Rows
		for _, name := range []string{"Dummy/own", "Dummy/new", "Early/own"} {
			if n := rowRequests(rows, name); n == 0 {
				t.Errorf("no request of %s in %v", name, rows)
			}
		}
		s.checkTotals(s.recorded())
		if exceptions := s.master.OfType("exception"); len(exceptions) > 0 {
			t.Errorf("the master was told of %v", exceptions)
		}
	})
}

// TestOtherClassesAlone: a worker needs no class of its own, and has none until the
// master asks for one. Tags of the master select nothing of other classes.
func TestOtherClassesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, master: mastertest.NewInMemory(t), diary: newDiary(), log: &logText{}, ended: make(chan struct{})}
		s.start(Config{OtherClasses: guestClass(), Logger: textLogger(s.log), EqualWeights: true})
		t.Cleanup(s.finish)
		id := s.id()
		if users := s.worker.Snapshot().Users; len(users) != 0 {
			t.Errorf("users before the first spawn: %v", users)
		}
		for range 2 {
			s.master.Spawn(id, map[string]int{"A": 1, "B": 2}, mastertest.Arguments(map[string]any{"tags": []any{"none"}}))
			s.master.WaitFor("spawning_complete", time.Minute)
			time.Sleep(2500 * time.Millisecond)
			s.master.Stop(id)
			s.master.WaitFor("client_ready", time.Minute)
			if got := s.master.Totals().All.Requests; got != 9 {
				t.Errorf("%d requests of 3 users in 2.5 s; want 9", got)
			}
		}
	})
}

// TestOtherClassesFaults: a wrong class is found by New, and a run without a master
// needs a class of its own.
func TestOtherClassesFaults(t *testing.T) {
	if _, err := New(Config{OtherClasses: NewClass[*guest]("Guest", nil)}); !errors.Is(err, ErrConfig) {
		t.Errorf("New took a class without a constructor: %v", err)
	}
	w, err := New(Config{OtherClasses: guestClass()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RunHeadless(t.Context(), Headless{}); !errors.Is(err, ErrConfig) {
		t.Errorf("RunHeadless ran without a class: %v", err)
	}
}

// TestConnectedAndSpawning: Connected follows each registration, Spawning each
// target before its users start, and samples of no user count.
func TestConnectedAndSpawning(t *testing.T) {
	var mu sync.Mutex
	var got []string
	note := func(text string) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, text)
		return nil
	}
	events := Events{
		Connected: func(*Environment) error { return note("connected") },
		TestStart: func(context.Context, *Environment) error { return note("test_start") },
		Spawning: func(env *Environment, users map[string]int) error {
			env.Record(Sample{Type: "ALONE", Name: "alone", Err: errors.New("no user")})
			return note(fmt.Sprint(users))
		},
		TestStop: func(*Environment) error { return note("test_stop") },
	}
	onStage(t, Config{Events: events}, scripted{}, func(s *stage) {
		id := s.id()
		synctest.Wait()
		s.master.Spawn(id, map[string]int{"Scripted": 1})
		s.master.WaitFor("spawning_complete", time.Minute)
		s.master.Spawn(id, map[string]int{"Scripted": 2})
		s.master.WaitFor("spawning_complete", time.Minute)
		s.master.Stop(id)
		s.master.WaitFor("client_ready", time.Minute)
		if n := rowRequests(s.master.Totals().Rows, "alone"); n != 2 {
			t.Errorf("%d samples of no user; want 2", n)
		}
		s.master.Close()
		s.master.Reopen()
		s.master.WaitFor("client_ready", time.Minute)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		want := []string{"connected", "test_start", "map[Scripted:1]", "map[Scripted:2]", "test_stop", "connected"}
		if !slices.Equal(got, want) {
			t.Errorf("the events are %q; want %q", got, want)
		}
	})
}

// TestSpawningHeadless: a run without a master calls Spawning too.
func TestSpawningHeadless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last map[string]int
		w, err := New(Config{Logger: textLogger(&logText{}), Events: Events{
			Spawning: func(_ *Environment, users map[string]int) error { last = users; return nil },
		}}, guestClass())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.RunHeadless(t.Context(), Headless{Users: 3, SpawnRate: 10, RunTime: 2 * time.Second}); err != nil {
			t.Fatal(err)
		}
		if last["Guest"] != 3 {
			t.Errorf("the last spawn was %v; want 3 users", last)
		}
	})
}

// TestOtherMessages: messages of a type without a handler go to OtherMessages,
// others do not.
func TestOtherMessages(t *testing.T) {
	got := make(chan string, 2)
	handle := func(by string) MessageHandler {
		return MessageHandler{Handle: func(_ *Environment, m Message) error {
			got <- by + " " + m.Type
			return nil
		}}
	}
	cfg := Config{Messages: map[string]MessageHandler{"known": handle("known")}, OtherMessages: handle("other")}
	onStage(t, cfg, scripted{}, func(s *stage) {
		id := s.id()
		s.master.SendCustom(id, "known", nil)
		s.master.SendCustom(id, "whatever", nil)
		for _, want := range []string{"known known", "other whatever"} {
			if text := <-got; text != want {
				t.Errorf("%q; want %q", text, want)
			}
		}
	})
}

// rowRequests returns the requests of the rows of that name.
func rowRequests(rows map[mastertest.Row]mastertest.Count, name string) (n int64) {
	for row, count := range rows {
		if row.Name == name {
			n += count.Requests
		}
	}
	return n
}

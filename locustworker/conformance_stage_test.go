package locustworker

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// The tests named TestConformance… are those of docs/internals/conformance.md that have no
// better place: what a stock worker does, item by item, against the scripted
// master and in fake time.

// A play is a worker of any classes, and what the master does before it starts.
type play struct {
	cfg     Config
	classes func(*stage) []Class
	before  func(*mastertest.Master)
	lossy   bool // the test ends without a master
}

// perform runs a test with the worker of a play, as onStage does with the class
// Scripted.
func perform(t *testing.T, p play, test func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{
			t: t, master: mastertest.NewInMemory(t), diary: newDiary(), log: &logText{}, lossy: p.lossy,
			ended: make(chan struct{}),
		}
		if p.cfg.Logger == nil {
			p.cfg.Logger = textLogger(s.log)
		}
		p.cfg.Seed = 1
		if p.before != nil {
			p.before(s.master)
		}
		if p.classes == nil {
			p.classes = func(s *stage) []Class { return []Class{s.class(scripted{})} }
		}
		s.start(p.cfg, p.classes(s)...)
		t.Cleanup(s.finish)
		test(s)
	})
}

// A doer is the user of classes that are made of functions.
type doer struct{ *User }

func newDoer(u *User) (*doer, error) { return &doer{u}, nil }

// doing is a class of one task, with a second between two runs of it.
func doing(name string, task func(*doer) error) Class {
	return NewClass(name, newDoer).Wait(Constant(time.Second)).
		Task("do", 1, func(d *doer, _ context.Context) error { return task(d) })
}

// idle is a class whose users do nothing.
func idle(name string) Class { return doing(name, func(*doer) error { return nil }) }

// spawned tells the worker its users and waits until they are there.
func (s *stage) spawned(counts map[string]int, opts ...mastertest.SpawnOption) mastertest.Message {
	s.t.Helper()
	synctest.Wait()
	s.master.Skip()
	s.master.Spawn(s.worker.hooks.env.ClientID(), counts, opts...)
	return s.master.Expect("spawning", "spawning_complete")[1]
}

// nothingMore fails if the master gets any of these messages within a minute.
func (s *stage) nothingMore(types ...string) {
	s.t.Helper()
	before := make(map[string]int)
	for _, typ := range types {
		before[typ] = len(s.master.OfType(typ))
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	for _, typ := range types {
		if n := len(s.master.OfType(typ)) - before[typ]; n > 0 {
			s.t.Errorf("%d more %q", n, typ)
		}
	}
}

// logged returns how many lines of the worker's log hold the text.
func (s *stage) logged(text string) int {
	n := 0
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func textLogger(text *logText) *slog.Logger {
	return slog.New(slog.NewTextHandler(text, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

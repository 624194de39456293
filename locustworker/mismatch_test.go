package locustworker

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// shopping is a class with the tasks buy and look, a second apart.
func shopping(name string) Class {
	nothing := func(*doer, context.Context) error { return nil }
	return NewClass(name, newDoer).Wait(Constant(time.Second)).Task("buy", 1, nothing).Task("look", 1, nothing)
}

// exceptions are the messages of those that the master got since the last call.
func (s *stage) exceptionTexts(seen *int) []string {
	synctest.Wait()
	var texts []string
	all := s.master.OfType("exception")
	for _, m := range all[*seen:] {
		text, _ := m.Field("msg").(string)
		texts = append(texts, text)
	}
	*seen = len(all)
	return texts
}

// TestConformanceNamesThatOnlyTheMasterHas: one exception a run says what differs,
// whatever the number of users, and none comes from the users themselves.
//
// Conformance: SP11
func TestConformanceNamesThatOnlyTheMasterHas(t *testing.T) {
	const (
		head   = "the master's locustfile names what this worker does not have: "
		rerun  = ". Rerun the worker's command `stub` and restart the master with the locustfile that it prints; compiled in: "
		both   = "the user classes Buyer, Looker"
		buyers = "Buyer with the tasks buy, look"
	)
	all := map[string]int{"Buyer": 80, "Looker": 1}
	for _, test := range []struct {
		name   string
		edit   []any // the tasks of Buyer that the master selects
		target map[string]int
		want   string // the only exception
		buyers int
	}{
		{"nothing", []any{"buy", "look"}, all, "", 80},
		{"a class", nil, map[string]int{"Buyer": 80, "Reader": 3, "Writer": 1, "None": 0}, head + "the user class Reader, Writer" + rerun + both, 80},
		{"all tasks", []any{"sell", "see"}, all, head + "the task sell, see of Buyer" + rerun + buyers, 0},
		{"one task", []any{"buy", "see"}, all, head + "the task see of Buyer" + rerun + buyers, 80},
		{"tasks of a class without users", []any{"see"}, map[string]int{"Looker": 1}, "", 0},
		{
			"both",
			[]any{"see"},
			map[string]int{"Buyer": 80, "Reader": 3},
			head + "the user class Reader; the task see of Buyer" + rerun + both + "; " + buyers, 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			perform(t, play{classes: func(*stage) []Class { return []Class{shopping("Buyer"), shopping("Looker")} }}, func(s *stage) {
				id, seen := s.id(), 0
				if test.edit != nil {
					s.master.SendCustom(id, "update_user_class", map[string]any{"user_class_name": "Buyer", "tasks": test.edit})
				}
				for range 2 { // runs
					for range 3 { // spawn messages of a ramp
						s.master.Spawn(id, test.target)
						s.master.WaitFor("spawning_complete", time.Minute)
					}
					time.Sleep(10 * time.Second)
					if got := strings.Join(s.exceptionTexts(&seen), "\n"); got != test.want {
						t.Errorf("got  %s\nwant %s", got, test.want)
					}
					if users := s.worker.Snapshot().Users["Buyer"]; users != test.buyers {
						t.Errorf("%d users of Buyer, want %d", users, test.buyers)
					}
					s.master.Stop(id)
					s.master.WaitFor("client_ready", time.Minute)
				}
			})
		})
	}
}

func TestLongListsOfNamesAreCut(t *testing.T) {
	if got := listed(strings.Fields(strings.Repeat("x ", 500))); len(got) > 100 || !strings.HasSuffix(got, "x, …") {
		t.Error(got)
	}
}

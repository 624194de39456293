package locustworker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Items N of the conformance list: exceptions, logs, custom messages and edits of
// classes while they run.

// tracebacks lets a class's task fail four times and counts the tracebacks, by which
// the master groups.
func tracebacks(t *testing.T, classes ...Class) map[string]int {
	t.Helper()
	rows := make(map[string]int)
	perform(t, play{classes: func(*stage) []Class { return classes }}, func(s *stage) {
		s.id()
		counts := make(map[string]int)
		for _, c := range classes {
			counts[c.spec().name] = 1
		}
		s.master.Spawn(mastertest.Everyone, counts)
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		for _, m := range s.master.OfType("exception") {
			trace, _ := m.Field("traceback").(string)
			if strings.TrimSpace(trace) == "" || regexp.MustCompile("0x[0-9a-f]{6}|goroutine").MatchString(trace) {
				t.Errorf("exception %q has the traceback %q", m.Field("msg"), trace)
			}
			rows[trace]++
		}
	})
	return rows
}

// Conformance: N2
func TestConformanceExceptionsOfOnePlace(t *testing.T) {
	n := 0
	rows := tracebacks(t, doing("Failing", func(*doer) error { n++; return fmt.Errorf("text %d", n) }))
	if len(rows) != 1 || n != 4 {
		t.Errorf("%d errors of one task have the tracebacks %v; want one", n, rows)
	}
	n = 0
	rows = tracebacks(t, doing("Panicking", func(*doer) error {
		n++
		regexp.MustCompile(strings.Repeat("(", n))
		return nil
	}))
	if len(rows) != 1 || n != 4 {
		t.Errorf("%d panics of one place have the tracebacks %v; want one", n, rows)
	}
	var none *bytes.Buffer
	for trace := range tracebacks(t, doing("Dereferencing", func(*doer) error { _ = none.Len(); return nil })) {
		if strings.Contains(trace, "runtime.") || !strings.HasSuffix(trace, "Len\n") {
			t.Errorf("the traceback of a fault is %q; want no frames of the Go runtime", trace)
		}
	}
	for trace := range rows {
		if !strings.Contains(trace, "regexp.MustCompile\n") || !strings.HasPrefix(trace, "  File ") {
			t.Errorf("the traceback of a panic is %q", trace)
		}
	}
}

// Conformance: N2
func TestConformanceExceptionsOfManyPlaces(t *testing.T) {
	none, broken := errors.New("none"), strings.Repeat("(", 2)
	newNone := func(*doer) (*doer, error) { return nil, none }
	set := func(name string) *SetOf[*doer, *doer] {
		return NewSet(name, newNone).Task("never", 1, func(*doer, context.Context) error { return nil })
	}
	classes := []Class{
		NewClass("One", newDoer).Wait(Constant(time.Minute)).Task("fail", 1, func(*doer, context.Context) error { return none }),
		NewClass("Two", newDoer).Wait(Constant(time.Minute)).Task("fail", 1, func(*doer, context.Context) error { return none }),
		doing("Three", func(*doer) error { regexp.MustCompile(broken); return nil }),
		doing("Four", func(*doer) error { _ = strings.Repeat("x", -1); return nil }),
		NewClass("Five", newDoer).Wait(Constant(time.Minute)).Nest(1, set("A")),
		NewClass("Six", newDoer).Wait(Constant(time.Minute)).Nest(1, set("B")),
		NewClass("Nine", newDoer).Wait(Constant(time.Minute)).Nest(1, NewSet("C", newLate).Task("never", 1, (*late).never)),
		NewClass("Ten", newDoer).Wait(Constant(time.Minute)).Nest(1, NewSet("D", newLost).Task("never", 1, (*lost).never)),
		NewClass("Seven", newNobody).Task("never", 1, (*doer).nothing),
		NewClass("Eight", newNobody).Task("never", 1, (*doer).nothing),
	}
	if rows := tracebacks(t, classes...); len(rows) != len(classes) {
		t.Errorf("%d classes have %d tracebacks: %v", len(classes), len(rows), rows)
	}
}

// late and lost are states of sets whose OnStart fails.
type (
	late struct{}
	lost struct{}
)

func newLate(*doer) (*late, error) { return &late{}, nil }

func newLost(*doer) (*lost, error) { return &lost{}, nil }

func (*late) OnStart(context.Context) error { return errNobody }

func (*lost) OnStart(context.Context) error { return errNobody }

func (*late) never(context.Context) error { return nil }

func (*lost) never(context.Context) error { return nil }

var errNobody = errors.New("nobody")

func newNobody(*User) (*doer, error) { return nil, errNobody }

func (*doer) nothing(context.Context) error { return nil }

// A constructor fails for every user of a class in the same way.
//
// Conformance: SP13
func TestConformanceConstructorsThatFailSayItOnce(t *testing.T) {
	class := func(*stage) []Class {
		return []Class{NewClass("Hostless", newNobody).Task("never", 1, (*doer).nothing)}
	}
	perform(t, play{classes: class}, func(s *stage) {
		id := s.id()
		for run := 1; run <= 2; run++ { // the master forgets exceptions at each run
			s.master.Spawn(id, map[string]int{"Hostless": 500})
			time.Sleep(time.Minute)
			s.users(map[string]int{"Hostless": 0})
			if n := len(s.master.OfType("exception")); n != run {
				t.Errorf("%d exceptions in %d runs", n, run)
			}
			if n := s.logged("level=ERROR"); n != run {
				t.Errorf("%d errors in the log in %d runs", n, run)
			}
			s.master.Stop(id)
			s.master.WaitFor("client_ready", time.Minute)
		}
	})
}

// Conformance: N3, L14
func TestConformanceWhatIsNoException(t *testing.T) {
	boom := errors.New("boom")
	events := Events{TestStopping: func(*Environment) error { return boom }}
	messages := map[string]MessageHandler{"x": {Handle: func(*Environment, Message) error { panic("x") }}}
	script := scripted{onStop: func(context.Context) error { return boom }}
	onStage(t, Config{Events: events, Messages: messages}, script, func(s *stage) {
		id := s.id()
		s.spawned(one(2))
		s.worker.recorder.record(&User{id: 1}, Sample{Type: "GET", Name: "/", Err: boom})
		s.master.SendCustom(id, "x", nil)
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		s.nothingMore("exception")
		if n := len(s.master.OfType("exception")); n != 0 {
			t.Errorf("%d exceptions", n)
		}
		for text, want := range map[string]int{"error in OnStop": 2, "error in an event listener": 1, "error in a message handler": 1} {
			if n := s.logged(text); n != want {
				t.Errorf("%d lines of the log with %q; want %d", n, text, want)
			}
		}
		s.quit()
		if !errors.Is(s.err, ErrListener) {
			t.Errorf("Run = %v", s.err)
		}
	})
}

// Conformance: T11, N7, N8
func TestConformanceCustomMessages(t *testing.T) {
	long := make([]any, 10_000)
	for i := range long {
		long[i] = int64(i)
	}
	var got []Message
	echo := MessageHandler{Handle: func(env *Environment, m Message) error {
		got = append(got, m)
		return env.SendMessage("echoed", m.Data)
	}}
	perform(t, play{cfg: Config{Messages: map[string]MessageHandler{"echo": echo}}}, func(s *stage) {
		id := s.id()
		moment := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
		for _, data := range []any{
			nil, true, int64(-7), 1.5, "text",
			[]byte{0, 0xff},
			long, moment,
			map[string]any{"bin": []byte{1}, "deep": []any{nil, map[string]any{}}},
			map[any]any{int64(1): "one"},
			map[string]any{"__ObjectId__": true, "as_str": "0123"},
		} {
			s.master.SendCustom(id, "echo", data)
			m := s.master.Expect("echoed")[0]
			if !reflect.DeepEqual(m.Data, data) {
				t.Errorf("sent %.80v, got %.80v", data, m.Data)
			}
			if last := got[len(got)-1]; last.Type != "echo" || last.NodeID != id {
				t.Errorf("the handler got type %q, node %q", last.Type, last.NodeID)
			}
		}
	})
}

// Conformance: N7
func TestConformanceHandlersInOrderAndAtOnce(t *testing.T) {
	d := newDiary()
	note := func(name string) MessageHandler {
		return MessageHandler{Handle: func(_ *Environment, m Message) error {
			d.note("%s %v", name, m.Data)
			time.Sleep(time.Second)
			if m.Data == int64(1) {
				panic("one")
			}
			return nil
		}}
	}
	inOrder, atOnce := note("in order"), note("at once")
	atOnce.Concurrent = true
	cfg := Config{Messages: map[string]MessageHandler{"order": inOrder, "once": atOnce}}
	perform(t, play{cfg: cfg}, func(s *stage) {
		id := s.id()
		synctest.Wait()
		d.start = time.Now()
		for n := range 3 {
			s.master.SendCustom(id, "order", n)
		}
		time.Sleep(5 * time.Second)
		for range 3 {
			s.master.SendCustom(id, "once", nil)
		}
		s.master.SendCustom(id, "nobody takes this", nil)
		time.Sleep(2 * time.Second)
		d.check(t, "0.0 in order 0", "1.0 in order 1", "2.0 in order 2", "5.0 at once <nil>", "5.0 at once <nil>", "5.0 at once <nil>")
		if s.logged("Unknown message type received: nobody takes this") != 1 || s.logged("uncaught error in a message handler") != 1 {
			t.Error("the log lacks the unknown message or the panic")
		}
	})
}

// TestConformanceSpawnInTurn: users find what the messages before the spawn have
// brought. Heartbeats go on meanwhile, and a stop does not wait.
//
// Conformance: N7
func TestConformanceSpawnInTurn(t *testing.T) {
	d := newDiary()
	slow := MessageHandler{Handle: func(*Environment, Message) error {
		time.Sleep(7 * time.Second)
		d.note("handled")
		return nil
	}}
	classes := func(*stage) []Class {
		return []Class{NewClass("Scripted", func(u *User) (*scripted, error) { return &scripted{user: u, diary: d}, nil }).
			Wait(Constant(time.Minute)).Task("run", 1, (*scripted).run)}
	}
	perform(t, play{classes: classes, cfg: Config{Messages: map[string]MessageHandler{"data": slow}}}, func(s *stage) {
		id := s.id()
		synctest.Wait()
		d.start = time.Now()
		s.master.SendCustom(id, "data", nil)
		before := len(s.master.OfType("heartbeat"))
		if m := s.spawned(one(1)); m.At.Sub(d.start) != 7*time.Second {
			t.Errorf("spawned after %v; want 7 s", m.At.Sub(d.start))
		}
		if n := len(s.master.OfType("heartbeat")) - before; n < 7 {
			t.Errorf("%d heartbeats while the spawn waited", n)
		}
		if s.logged("users are not spawned before the handlers of earlier messages have returned") != 1 {
			t.Error("the log does not tell that the spawn waits")
		}
		synctest.Wait() // for the task
		s.master.Stop(id)
		s.master.Expect("client_stopped", "client_ready")
		s.master.SendCustom(id, "data", nil)
		s.master.Spawn(id, one(1))
		from := time.Now()
		s.master.Stop(id)
		if m := s.master.Expect("client_stopped")[0]; !m.At.Equal(from) {
			t.Errorf("stopped after %v", m.At.Sub(from))
		}
		time.Sleep(10 * time.Second)
		d.check(t, "7.0 handled", "7.0 on_start", "7.0 task", "7.0 on_stop", "14.0 handled")
	})
}

// TestConformanceHandlersThatHang: a worker that is told to end waits for its
// handlers, but not for ever.
//
// Conformance: N7
func TestConformanceHandlersThatHang(t *testing.T) {
	for _, test := range []struct {
		name       string
		concurrent bool
		takes      time.Duration // 0: until the test lets it go
		wait       time.Duration // that the end takes longer than without it
		stuck      int           // lines in the log
	}{
		{"in its lane, ends in time", false, 9 * time.Second, 9 * time.Second, 0},
		{"at once, ends in time", true, 9 * time.Second, 9 * time.Second, 0},
		{"in its lane, hangs", false, 0, 10 * time.Second, 1},
		{"at once, hangs", true, 0, 10 * time.Second, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			var release chan struct{} // belongs to the bubble
			later := 0
			hang := MessageHandler{Concurrent: test.concurrent, Handle: func(*Environment, Message) error {
				if test.takes > 0 {
					time.Sleep(test.takes)
				} else {
					<-release
				}
				return nil
			}}
			after := MessageHandler{Handle: func(*Environment, Message) error { later++; return nil }}
			cfg := Config{Messages: map[string]MessageHandler{"hang": hang, "after": after}}
			perform(t, play{cfg: cfg}, func(s *stage) {
				id := s.id()
				release = make(chan struct{})
				s.master.SendCustom(id, "hang", nil)
				s.master.SendCustom(id, "after", nil)
				synctest.Wait()
				from := time.Now()
				s.quit()
				if took := time.Since(from); s.err != nil || took < test.wait || took > test.wait+time.Second {
					t.Errorf("Run = %v after %v; want %v", s.err, took, test.wait)
				}
				if n := s.logged(`level=ERROR msg="message handlers do not end; leaving them" types=[hang] waited=10s`); n != test.stuck {
					t.Errorf("%d lines about the handler, want %d:\n%s", n, test.stuck, s.log)
				}
				close(release)
				synctest.Wait()
				if left := !test.concurrent && test.stuck > 0; (later == 0) != left {
					t.Errorf("the handler behind it was called %d times", later)
				}
			})
		})
	}
}

// Conformance: N9
func TestConformanceEditOfAClass(t *testing.T) {
	d := newDiary()
	tag := tagged("Tagged")
	tag.spec().newUser = func(u *User) (any, error) { d.note("%s", u.Host()); return newDoer(u) }
	perform(t, play{classes: func(*stage) []Class { return []Class{tag} }}, func(s *stage) {
		id := s.id()
		edit := func(fields map[string]any) { s.master.SendCustom(id, "update_user_class", fields) }
		runs := func(want ...string) {
			t.Helper()
			s.master.Stop(id)
			s.master.WaitFor("client_ready", time.Minute)
			s.master.Spawn(id, map[string]int{"Tagged": 5})
			s.master.WaitFor("spawning_complete", time.Minute)
			time.Sleep(4 * time.Second)
			if got := s.ran(); !slices.Equal(got, want) {
				t.Errorf("the tasks %v ran; want %v", got, want)
			}
		}
		s.spawned(map[string]int{"Tagged": 1})
		edit(map[string]any{"user_class_name": "Tagged", "tasks": []any{"b"}, "host": "http://edited"})
		runs("b")
		edit(map[string]any{"user_class_name": "Tagged", "tasks": []any{"a", "plain", "gone"}, "weight": 7})
		runs("a", "plain") // of those declared, not of those selected last
		edit(map[string]any{"user_class_name": "Nobody", "tasks": []any{}})
		edit(map[string]any{"user_class_name": "Tagged", "other": 1})
		runs("a", "plain")
		if len(d.lines) != 16 || !strings.HasSuffix(d.lines[0], " ") || !strings.HasSuffix(d.lines[1], " http://edited") {
			t.Errorf("the users have the hosts %q", d.lines)
		}
		for _, text := range []string{"a class that this worker does not have", "a task that the class does not have", "attributes that a Go class does not have"} {
			if s.logged(text) != 1 {
				t.Errorf("the log says %q %d times", text, s.logged(text))
			}
		}
	})
}

// Conformance: N9, C12
func TestConformanceTagsSelectOfWhatAnEditLeft(t *testing.T) {
	cfg := Config{UserSettings: []UserSettings{{Class: "Tagged", Tasks: []string{"a", "plain"}}}, Tags: []string{"a"}}
	perform(t, play{cfg: cfg, classes: func(*stage) []Class { return []Class{tagged("Tagged")} }}, func(s *stage) {
		s.id()
		s.spawned(map[string]int{"Tagged": 5})
		time.Sleep(4 * time.Second)
		if got := s.ran(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("the tasks %v ran; want a: ab was not among those selected", got)
		}
	})
}

package locustworker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A diary keeps what users did, with the fake clock's time since the start.
type diary struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func newDiary() *diary { return &diary{start: time.Now()} }

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	at := time.Since(d.start).Seconds()
	d.lines = append(d.lines, fmt.Sprintf("%.1f ", at)+fmt.Sprintf(format, args...))
}

func (d *diary) check(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, want) {
		t.Errorf("the users did\n  %s\nwant\n  %s", strings.Join(d.lines, "\n  "), strings.Join(want, "\n  "))
	}
}

// A scripted user does what its functions say and notes it.
type scripted struct {
	user    *User
	diary   *diary
	onStart func(context.Context) error
	task    func(context.Context) error
	onStop  func(context.Context) error
}

func (s *scripted) OnStart(ctx context.Context) error { return s.do(ctx, "on_start", s.onStart) }
func (s *scripted) OnStop(ctx context.Context) error  { return s.do(ctx, "on_stop", s.onStop) }
func (s *scripted) run(ctx context.Context) error     { return s.do(ctx, "task", s.task) }

func (s *scripted) do(ctx context.Context, what string, f func(context.Context) error) error {
	s.diary.note("%s", what)
	if f == nil {
		return nil
	}
	return f(ctx)
}

// sleep is a task's work: it ends early with the context.
func sleep(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// scriptedWorld makes a population of one class, "Scripted", whose users follow
// the script and wait a second between tasks. Exceptions go to the diary.
func scriptedWorld(ctx context.Context, d *diary, script scripted, wait WaitTime) *population {
	w := &world{
		recorder:  &standaloneSink{},
		drain:     time.Second,
		log:       slog.New(slog.DiscardHandler),
		exception: func(_ *User, err error, _ string) { d.note("exception: %v", err) },
	}
	class := NewClass("Scripted", func(u *User) (*scripted, error) {
		s := script
		s.user, s.diary = u, d
		return &s, nil
	}).Wait(wait).Task("run", 1, (*scripted).run)
	return newPopulation(ctx, w, []*liveClass{newLiveClass(class.spec())})
}

func one(n int) map[string]int { return map[string]int{"Scripted": n} }

// failing returns err the first n times and then nil.
func failing(n int, err error) func(context.Context) error {
	var calls atomic.Int64
	return func(context.Context) error {
		if calls.Add(1) <= int64(n) {
			return err
		}
		return nil
	}
}

// A life is a script and what it makes of a user that is stopped at 1.5 s.
type life struct {
	name   string
	script scripted
	wait   WaitTime
	want   []string
}

func taskLives(boom error) []life {
	return []life{
		{
			"plain",
			scripted{},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 task", "1.0 task", "1.5 on_stop"},
		},
		{
			"a task's error is an exception, then the wait",
			scripted{task: failing(1, boom)},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 task", "0.0 exception: boom", "1.0 task", "1.5 on_stop"},
		},
		{
			"a task's panic is an exception too",
			scripted{task: func(context.Context) error { panic("aargh") }},
			Constant(time.Second),
			[]string{
				"0.0 on_start", "0.0 task", "0.0 exception: panic: aargh",
				"1.0 task", "1.0 exception: panic: aargh", "1.5 on_stop",
			},
		},
		{
			"ErrStopUser ends the user with on_stop",
			scripted{task: failing(1, fmt.Errorf("enough: %w", ErrStopUser))},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 task", "0.0 on_stop"},
		},
		{
			"ErrReschedule waits",
			scripted{task: failing(1, ErrReschedule)},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 task", "1.0 task", "1.5 on_stop"},
		},
		{
			"ErrRescheduleNow does not wait",
			scripted{task: failing(1, ErrRescheduleNow)},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 task", "0.0 task", "1.0 task", "1.5 on_stop"},
		},
	}
}

func hookLives(boom error) []life {
	return []life{
		{
			"an error in on_start ends the user without on_stop",
			scripted{onStart: failing(1, boom)},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 exception: boom"},
		},
		{
			"ErrStopUser in on_start ends the user with on_stop",
			scripted{onStart: failing(1, ErrStopUser)},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 on_stop"},
		},
		{
			"an error in on_stop is no exception",
			scripted{onStop: failing(1, boom)},
			Constant(time.Second),
			[]string{"0.0 on_start", "0.0 task", "1.0 task", "1.5 on_stop"},
		},
		{
			"a panic in the wait time ends the user without on_stop",
			scripted{},
			WaitFunc(func(*User) time.Duration { panic("no time") }),
			[]string{"0.0 on_start", "0.0 task", "0.0 exception: panic: no time"},
		},
		{
			"pacing counts on_start and the task",
			scripted{onStart: sleep(200 * time.Millisecond), task: sleep(100 * time.Millisecond)},
			ConstantPacing(500 * time.Millisecond),
			[]string{"0.0 on_start", "0.2 task", "0.5 task", "1.0 task", "1.5 on_stop"},
		},
	}
}

// Conformance: N1
// Conformance (ErrReschedule waits): L5
// Conformance (ErrRescheduleNow does not wait): L5
// Conformance (ErrStopUser ends the user with on_stop): L4
// Conformance (ErrStopUser in on_start ends the user with on_stop): L2
// Conformance (a panic in the wait time ends the user without on_stop): L11
// Conformance (a task's error is an exception, then the wait): L3
// Conformance (a task's panic is an exception too): L3
// Conformance (an error in on_start ends the user without on_stop): L2
// Conformance (an error in on_stop is no exception): N3, L14
// Conformance (pacing counts on_start and the task): L10
// Conformance (plain): L1
func TestAUsersLife(t *testing.T) {
	boom := errors.New("boom")
	for _, tt := range slices.Concat(taskLives(boom), hookLives(boom)) {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				p := scriptedWorld(t.Context(), d, tt.script, tt.wait)
				p.spawn(t.Context(), one(1), 0)
				// Just short of the half second, so that nothing else is due then.
				time.Sleep(1500*time.Millisecond - time.Microsecond)
				p.stopAll(0)
				d.check(t, tt.want...)
				if _, n := p.counts(); n != 0 {
					t.Errorf("%d users left", n)
				}
			})
		})
	}
}

// Conformance: L13
// Conformance (no timeout kills the task): L12
func TestStopHonoursTheStopTimeout(t *testing.T) {
	tests := []struct {
		name    string
		task    time.Duration
		timeout time.Duration
		want    []string
		ends    time.Duration
	}{
		{"no timeout kills the task", 3 * time.Second, 0, []string{"0.0 on_start", "0.0 task", "1.0 on_stop"}, time.Second},
		{"a task that ends in time ends", 3 * time.Second, 5 * time.Second, []string{"0.0 on_start", "0.0 task", "3.0 on_stop"}, 3 * time.Second},
		{"a longer task is killed then", 9 * time.Second, 5 * time.Second, []string{"0.0 on_start", "0.0 task", "6.0 on_stop"}, 6 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDiary()
				p := scriptedWorld(t.Context(), d, scripted{task: sleep(tt.task)}, Constant(time.Minute))
				p.spawn(t.Context(), one(1), 0)
				time.Sleep(time.Second)
				p.stopAll(tt.timeout)
				if took := time.Since(d.start); took != tt.ends {
					t.Errorf("the user was gone after %v; want %v", took, tt.ends)
				}
				d.check(t, tt.want...)
			})
		})
	}
}

// Conformance: L13
func TestAWaitingUserStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		p := scriptedWorld(t.Context(), d, scripted{}, Constant(time.Hour))
		p.spawn(t.Context(), one(1), 0)
		time.Sleep(time.Second)
		p.stopAll(time.Minute)
		d.check(t, "0.0 on_start", "0.0 task", "1.0 on_stop")
	})
}

// Conformance: L12
func TestOnStopRunsUnderALiveContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		p := scriptedWorld(t.Context(), d, scripted{task: sleep(time.Hour), onStop: sleep(2 * time.Second)}, Constant(0))
		p.spawn(t.Context(), one(3), 0)
		time.Sleep(time.Second)
		p.stopAll(0)
		if took := time.Since(d.start); took != 3*time.Second {
			t.Errorf("three users with 2 s of on_stop were gone after %v; want 3s, all at once", took)
		}
	})
}

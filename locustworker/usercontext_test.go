package locustworker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// contextWorld is a world whose users' contexts have a value.
func contextWorld(t *testing.T) *world {
	t.Helper()
	w := &world{recorder: &standaloneSink{}}
	w.setParent(context.WithValue(t.Context(), standaloneKey{}, "value"))
	return w
}

// TestAUsersContext: it ends once, with its cause, and so do contexts made from it.
func TestAUsersContext(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*User)
		want error
	}{
		{"killed", func(u *User) { (*userWork)(u).Kill() }, errKilled},
		{"ended", func(u *User) { u.life.finish(lifeIsOver) }, context.Canceled},
		{"killed, then ended", func(u *User) { (*userWork)(u).Kill(); u.life.finish(lifeIsOver) }, errKilled},
		{"ended, then killed", func(u *User) { u.life.finish(lifeIsOver); (*userWork)(u).Kill() }, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := contextWorld(t).newUser(1, newLiveClass(&classSpec{name: "C"}), "")
				ctx := u.Context()
				child, cancel := context.WithTimeout(ctx, time.Hour)
				defer cancel()
				late := 0
				context.AfterFunc(ctx, func() { late++ })
				stopped := context.AfterFunc(ctx, func() { late += 100 })
				if !stopped() || stopped() {
					t.Error("a function is taken out once")
				}
				select {
				case <-ctx.Done():
					t.Error("done before the end")
				default:
				}
				if ctx.Err() != nil || context.Cause(ctx) != nil || child.Err() != nil {
					t.Errorf("errors before the end: %v, %v, %v", ctx.Err(), context.Cause(ctx), child.Err())
				}
				test.end(u)
				<-ctx.Done()
				<-child.Done()
				synctest.Wait()
				if ctx.Err() != context.Canceled || child.Err() != context.Canceled {
					t.Errorf("errors %v and %v", ctx.Err(), child.Err())
				}
				if !errors.Is(context.Cause(ctx), test.want) || !errors.Is(context.Cause(child), test.want) {
					t.Errorf("causes %v and %v, want %v", context.Cause(ctx), context.Cause(child), test.want)
				}
				afterwards, cancel := context.WithCancel(ctx)
				defer cancel()
				if !errors.Is(context.Cause(afterwards), test.want) {
					t.Errorf("cause %v of a context made after the end, want %v", context.Cause(afterwards), test.want)
				}
				if late != 1 {
					t.Errorf("functions were called %d times, want once", late)
				}
				if ctx.Value(standaloneKey{}) != "value" {
					t.Errorf("value %v", ctx.Value(standaloneKey{}))
				}
			})
		})
	}
}

// TestTheChannelIsMadeWhenAskedFor: also after the end.
func TestTheChannelIsMadeWhenAskedFor(t *testing.T) {
	u := contextWorld(t).newUser(1, newLiveClass(&classSpec{name: "C"}), "")
	(*userWork)(u).Kill()
	if u.life.done != nil {
		t.Error("a channel nobody asked for")
	}
	<-u.Context().Done()
	if _, ok := u.Context().Deadline(); ok {
		t.Error("a deadline")
	}
}

// TestAStandaloneUsersContext ends with the one that it was made from.
func TestAStandaloneUsersContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	u := NewStandaloneUser(ctx, StandaloneConfig{})
	if u.Context().Err() != nil || u.Context() == ctx {
		t.Error("want a context of its own that goes on")
	}
	cancel(errKilled)
	if !errors.Is(context.Cause(u.Context()), errKilled) {
		t.Errorf("cause %v", context.Cause(u.Context()))
	}
}

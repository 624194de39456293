package locustworker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestAfterTaskRunsBeforeEachWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		p := scriptedWorld(t.Context(), d, scripted{task: func(context.Context) error { panic("aargh") }}, Constant(time.Second))
		build := p.groups["Scripted"].class.newUser
		p.groups["Scripted"].class.newUser = func(u *User) (any, error) {
			u.Client().AfterTask(func() { d.note("ended") })
			u.Client().AfterTask(func() { panic("dropped") })
			return build(u)
		}
		p.spawn(t.Context(), one(1), 0)
		time.Sleep(500 * time.Millisecond)
		p.stopAll(0)
		d.check(t, "0.0 on_start", "0.0 ended", "0.0 task", "0.0 ended", "0.0 exception: panic: aargh", "0.5 on_stop", "0.5 ended")
	})
}

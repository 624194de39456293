package locustworker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestAListenerEndsTheTask: after the first failed request of a task nothing more of
// the task is sent, its own result does not count, and the next task is whole again.
func TestAListenerEndsTheTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent, refused := 0, 0
		class := NewClass("A", newTapper).Wait(Constant(time.Second)).Task("four", 1, func(s *tapper, _ context.Context) error {
			for i := range 4 {
				if err := s.u.Client().TaskAborted(); err != nil {
					refused++
					continue
				}
				sent++
				var failure error
				if i == 1 {
					failure = errors.New("full")
				}
				s.u.Record(Sample{Type: "GET", Name: "/", NoTime: true, Err: failure})
			}
			return errors.New("is not reported")
		})
		exceptions := 0
		cfg := Config{HideLogs: true, Events: Events{
			Request: func(u *User, s Sample) {
				if s.Err != nil {
					u.AbortTask(nil)
					u.AbortTask(errors.New("too late"))
				}
			},
			UserError: func(*User, error, string) { exceptions++ },
		}}
		_, rows, _ := runAlone(t, cfg, Headless{RunTime: 4500 * time.Millisecond}, class)
		if sent != 10 || refused != 10 || exceptions != 0 || rows[0].Requests != 10 {
			t.Errorf("%d sent, %d refused, %d exceptions, rows %v; want 10, 10, none", sent, refused, exceptions, rows)
		}
	})
}

func TestAnAbortedTaskStopsItsUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks := 0
		class := NewClass("A", newTapper).Wait(Constant(time.Second)).Task("once", 1, func(s *tapper, _ context.Context) error {
			tasks++
			s.u.AbortTask(ErrStopUser)
			return nil
		})
		runAlone(t, Config{HideLogs: true}, Headless{RunTime: 5 * time.Second}, class)
		if tasks != 1 {
			t.Errorf("%d tasks; want 1", tasks)
		}
	})
}

package locustworker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Conformance: N1
func TestAFloodOfExceptionsDoesNotReachTheMaster(t *testing.T) {
	boom := errors.New(strings.Repeat("boom", maxExceptionText/4+1))
	failing := scripted{task: func(context.Context) error { return boom }}
	onStage(t, Config{}, failing, func(s *stage) {
		s.master.Spawn(s.id(), one(5*exceptionRate)) // each fails once a second
		time.Sleep(2*time.Second + 500*time.Millisecond)
		synctest.Wait()
		got := s.master.OfType("exception")
		if len(got) != 3*exceptionRate {
			t.Errorf("%d exceptions in three seconds; want %d", len(got), 3*exceptionRate)
		}
		if text, _ := got[0].Field("msg").(string); len(text) > maxExceptionText+len("…") {
			t.Errorf("a message of %d bytes", len(text))
		}
		if want := "not_reported=800"; strings.Count(s.log.String(), want) != 2 {
			t.Errorf("the log does not say twice that %s", want)
		}
	})
}

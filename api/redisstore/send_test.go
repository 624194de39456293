package redisstore

import "testing"

func TestFewCallers(t *testing.T) {
	s := &sender{}
	s.quiet.Store(quietSends) // as newSender does
	if !s.fewCallers(directCallers) {
		t.Error("a new store, few callers: they share a pipeline")
	}
	if s.fewCallers(directCallers + 1) {
		t.Error("many callers: they have a connection each")
	}
	for i := range quietSends {
		if s.fewCallers(1) {
			t.Fatalf("a lull of %d commands ended the pipelines", i+1)
		}
	}
	if !s.fewCallers(1) {
		t.Errorf("%d commands met few callers: they still share pipelines", quietSends+1)
	}
}

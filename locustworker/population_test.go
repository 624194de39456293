package locustworker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func (p *population) count(t *testing.T, want int) {
	t.Helper()
	if _, n := p.counts(); n != want {
		t.Errorf("%d users alive; want %d", n, want)
	}
}

// Conformance: SP4
func TestSpawnSetsAbsoluteTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := scriptedWorld(t.Context(), newDiary(), scripted{}, Constant(time.Second))
		for _, n := range []int{5, 5, 12, 3, 0, 1} {
			p.spawn(t.Context(), one(n), 0)
			p.count(t, n)
		}
		p.spawn(t.Context(), map[string]int{"Other": 7}, 0) // a class absent from the map stays
		p.count(t, 1)
		p.stopAll(0)
		p.count(t, 0)
	})
}

// Conformance: SP5
func TestSpawnReplacesUsersThatEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := scriptedWorld(t.Context(), newDiary(), scripted{task: failing(1, ErrStopUser)}, Constant(time.Second))
		p.spawn(t.Context(), one(4), 0)
		synctest.Wait()
		p.count(t, 3) // the script's failing is shared: only one user got ErrStopUser
		p.spawn(t.Context(), one(4), 0)
		p.count(t, 4)
		p.stopAll(0)
	})
}

// Conformance: SP10
func TestGrowingWhileUsersDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := scriptedWorld(t.Context(), newDiary(), scripted{task: sleep(4 * time.Second)}, Constant(0))
		p.spawn(t.Context(), one(2), 0)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		down := make(chan struct{})
		go func() {
			defer close(down)
			p.spawn(ctx, one(0), 10*time.Second)
		}()
		synctest.Wait()
		p.count(t, 2) // still in their tasks
		cancel()      // as a newer spawn message does
		<-down
		p.spawn(t.Context(), one(2), 10*time.Second)
		p.count(t, 4)
		time.Sleep(5 * time.Second)
		p.count(t, 2)
		p.stopAll(0)
	})
}

// Conformance: SP7, L15
func TestShrinkingReturnsWhenTheSurplusIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := scriptedWorld(t.Context(), newDiary(), scripted{task: sleep(4 * time.Second)}, Constant(0))
		p.spawn(t.Context(), one(5), 0)
		synctest.Wait()
		start := time.Now()
		p.spawn(t.Context(), one(2), 10*time.Second)
		if took := time.Since(start); took != 4*time.Second {
			t.Errorf("shrinking took %v; want the 4s that the tasks run", took)
		}
		p.count(t, 2)
		p.stopAll(0)
	})
}

// Conformance: SP12, C5
func TestHostIsStickyAndForNewUsersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		script := scripted{}
		p := scriptedWorld(t.Context(), newDiary(), script, Constant(time.Hour))
		p.groups["Scripted"].class.host = "http://class"
		p.groups["Scripted"].class.newUser = func(u *User) (any, error) {
			hosts = append(hosts, u.Host())
			return &scripted{user: u, diary: newDiary()}, nil
		}
		for i, host := range []string{"", "http://a", "", "http://b"} {
			p.setHost(host)
			p.spawn(t.Context(), one(i+1), 0)
			synctest.Wait()
		}
		p.stopAll(0)
		want := []string{"http://class", "http://a", "http://a", "http://b"}
		for i := range want {
			if hosts[i] != want[i] {
				t.Errorf("user %d has host %q; want %q", i, hosts[i], want[i])
			}
		}
	})
}

package locustworker

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// stubbornAfter is how long past its kill a user may stay before the log says
// so, and how often it says so again.
const stubbornAfter = 5 * time.Second

// A population is the set of users alive in this worker. Its methods are safe
// for concurrent use.
type population struct {
	world *world
	ctx   context.Context //nolint:containedctx // the parent of every user's context
	log   *slog.Logger

	mu     sync.Mutex
	groups map[string]*classGroup // the map itself does not change
	names  []string               // in declaration order
	nextID int64
	gone   sync.WaitGroup
}

// A classGroup is the users of one class: those that run, and how many were told to
// stop and are not yet gone.
type classGroup struct {
	class    *liveClass
	running  []*User
	stopping int
}

func newPopulation(ctx context.Context, w *world, classes []*liveClass) *population {
	p := &population{world: w, ctx: ctx, log: w.log, groups: make(map[string]*classGroup)}
	for _, c := range classes {
		p.groups[c.name] = &classGroup{class: c}
		p.names = append(p.names, c.name)
	}
	return p
}

// setHost sets the host of all classes' users that start from now on (mirrors
// WorkerRunner.start_worker: an empty host leaves the last one in force).
func (p *population) setHost(host string) {
	for _, g := range p.groups {
		g.class.setHost(host)
	}
}

// beginRun makes all classes ready for another run.
func (p *population) beginRun() {
	for _, g := range p.groups {
		g.class.beginRun()
	}
}

// update edits a class while it runs. It reports false when there is none of
// that name.
func (p *population) update(s UserSettings) bool {
	g, ok := p.groups[s.Class]
	if ok {
		g.class.apply(s, p.log)
	}
	return ok
}

// filter keeps the tasks that the tags select, in every class.
func (p *population) filter(tags, excluded []string) {
	for _, name := range p.names {
		p.groups[name].class.filter(tags, excluded, p.log)
	}
}

// counts returns the users alive in each of the worker's classes, zeros
// included, and their sum. Users that are stopping still count.
func (p *population) counts() (map[string]int, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	byClass, sum := make(map[string]int, len(p.groups)), 0
	for name, g := range p.groups {
		n := len(g.running) + g.stopping
		byClass[name] = n
		sum += n
	}
	return byClass, sum
}

// spawn brings each class that target names to its number of users, starting
// before stopping (mirrors WorkerRunner.start_worker). Users that are already
// stopping do not count as there. It returns when the surplus is gone, or when
// ctx ends; the surplus goes on stopping then.
func (p *population) spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration) {
	var surplus []*User
	p.mu.Lock()
	for _, name := range p.names {
		want, named := target[name]
		if !named {
			continue
		}
		g := p.groups[name]
		for len(g.running) < want && ctx.Err() == nil {
			p.startLocked(g)
		}
		surplus = append(surplus, p.takeLocked(g, len(g.running)-want)...)
	}
	p.mu.Unlock()

	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		p.stopUsers(surplus, stopTimeout)
	}()
	select {
	case <-stopped:
	case <-ctx.Done():
	}
}

// stopAll stops every user and returns when all are gone, those included that
// were stopping already.
func (p *population) stopAll(stopTimeout time.Duration) {
	var all []*User
	p.mu.Lock()
	for _, g := range p.groups {
		all = append(all, p.takeLocked(g, len(g.running))...)
	}
	p.mu.Unlock()
	p.stopUsers(all, stopTimeout)
	p.gone.Wait()
}

func (p *population) startLocked(g *classGroup) {
	p.nextID++
	u := p.world.newUser(p.ctx, p.nextID, g.class, g.class.currentHost())
	u.slot = len(g.running)
	g.running = append(g.running, u)
	p.gone.Add(1)
	go func() {
		defer p.gone.Done()
		defer close(u.done)
		defer p.leave(g, u)
		u.run()
	}()
}

// takeLocked moves n users (none when n is below 1) from running to stopping.
func (p *population) takeLocked(g *classGroup, n int) []*User {
	if n < 1 {
		return nil
	}
	rest := len(g.running) - n
	taken := append([]*User(nil), g.running[rest:]...)
	clear(g.running[rest:])
	g.running = g.running[:rest]
	g.stopping += n
	for _, u := range taken {
		u.slot = slotStopping
	}
	return taken
}

// slotStopping marks a user that has no place in group.running any more.
const slotStopping = -1

// leave takes a user that has ended off the books.
func (p *population) leave(g *classGroup, u *User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u.slot == slotStopping {
		g.stopping--
		return
	}
	last := len(g.running) - 1
	g.running[u.slot] = g.running[last]
	g.running[u.slot].slot = u.slot
	g.running[last] = nil
	g.running = g.running[:last]
}

// stopUsers asks users to stop, gives their tasks the timeout, kills those that
// are left and returns when all are gone (mirrors Runner.stop_users).
func (p *population) stopUsers(users []*User, timeout time.Duration) {
	if len(users) == 0 {
		return
	}
	for _, u := range users {
		u.requestStop()
	}
	if timeout > 0 && !waitAll(users, timeout) {
		p.log.Info("Not all users finished their tasks & terminated in time; stopping them", "stop_timeout", timeout)
	}
	for _, u := range users {
		u.kill(errKilled)
	}
	for limit := p.world.drain + stubbornAfter; !waitAll(users, limit); limit = stubbornAfter {
		p.log.Warn("users are still there after their stop: a task ignores its context, or OnStop takes long",
			"users", alive(users))
	}
}

// waitAll waits for all users to be gone and reports false when d passed first.
func waitAll(users []*User, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for _, u := range users {
		select {
		case <-u.done:
			continue
		default:
		}
		select {
		case <-u.done:
		case <-timer.C:
			return false
		}
	}
	return true
}

func alive(users []*User) int {
	n := 0
	for _, u := range users {
		select {
		case <-u.done:
		default:
			n++
		}
	}
	return n
}

package locustworker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/fleet"
)

// A population is the users of this worker: its classes, and a fleet that runs
// them. Its methods are safe for concurrent use.
type population struct {
	world  *world
	ctx    context.Context //nolint:containedctx // under which the users live
	log    *slog.Logger
	fleet  *fleet.Fleet
	groups map[string]*classGroup // the map itself does not change
	names  []string               // in declaration order

	mu         sync.Mutex
	mismatched string // what the master was told of in this run: see reportMismatch
}

// A classGroup is the users of one class.
type classGroup struct{ class *liveClass }

func newPopulation(ctx context.Context, w *world, classes []*liveClass) *population {
	w.setParent(ctx)
	p := &population{world: w, ctx: ctx, log: w.log, groups: make(map[string]*classGroup)}
	p.fleet = fleet.New(ctx, fleet.Config{Log: w.log, Grace: w.drain})
	for _, c := range classes {
		g := &classGroup{class: c}
		p.groups[c.name] = g
		p.names = append(p.names, c.name)
		p.fleet.Add(c.name, func(id int64) *fleet.Member {
			return &w.newUser(id, g.class, g.class.currentHost()).member
		})
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mismatched = ""
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
func (p *population) counts() (map[string]int, int) { return p.fleet.Counts() }

// spawn brings each class that target names to its number of users, starting
// before stopping (mirrors WorkerRunner.start_worker). Users that are already
// stopping do not count as there. It returns when the surplus is gone, or when
// ctx ends; the surplus goes on stopping then. No user starts after ctx has ended.
func (p *population) spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration) {
	p.reportMismatch(target)
	p.fleet.Spawn(ctx, target, stopTimeout)
}

// stopAll stops every user and returns when all are gone, those included that
// were stopping already, which get no more time than the others. It may be called
// again while it runs, with a shorter timeout.
func (p *population) stopAll(stopTimeout time.Duration) { p.fleet.StopAll(stopTimeout) }

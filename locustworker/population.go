package locustworker

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/fleet"
	"github.com/bandwing/bandwing/locustworker/internal/session"
)

// A population is the users of this worker: its classes, and a fleet that runs
// them, with visitors in the place of the users of classes with arrivals. Its
// methods are safe for concurrent use.
type population struct {
	world *world
	ctx   context.Context //nolint:containedctx // under which the users live
	log   *slog.Logger
	fleet *fleet.Fleet
	other func(name string) *liveClass // makes the classes that nobody declares, or nil

	mu         sync.Mutex
	groups     map[string]*classGroup // the groups do not change, but there may be more of them
	names      []string               // in declaration order
	declared   int                    // classes at the beginning, the others are adopted
	host       string
	mismatched string // what was reported to the master in this run: see reportMismatch
}

// A classGroup is the users of one class.
type classGroup struct {
	class *liveClass
	open  *openClass // nil: a closed class
}

func newPopulation(ctx context.Context, w *world, classes []*liveClass) *population {
	w.setParent(ctx)
	p := &population{world: w, ctx: ctx, log: w.log, groups: make(map[string]*classGroup)}
	p.fleet = fleet.New(ctx, fleet.Config{Log: w.log, Grace: w.drain})
	for _, c := range classes {
		p.add(c)
	}
	p.declared = len(classes)
	return p
}

// add offers a class.
func (p *population) add(c *liveClass) {
	g := &classGroup{class: c}
	p.groups[c.name] = g
	p.names = append(p.names, c.name)
	if c.arrivals != nil {
		g.open = newOpenClass(p.ctx, p.world, p.fleet, c)
		return
	}
	p.fleet.Add(c.name, func(id int64) *fleet.Member {
		return &p.world.newUser(id, g.class, g.class.currentHost()).member
	})
}

// adopt adds a class of each name that the worker does not have, if there is a
// class for names that nobody declares (Config.OtherClasses): session.MaxClasses of them
// in a worker's life.
func (p *population) adopt(names ...string) {
	if p.other == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		if len(p.groups) >= p.declared+session.MaxClasses {
			return // the rest are classes that this worker does not have
		}
		if _, known := p.groups[name]; !known {
			c := p.other(name)
			c.setHost(p.host)
			p.add(c)
		}
	}
}

// group returns the users of a class.
func (p *population) group(name string) (g *classGroup, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok = p.groups[name]
	return g, ok
}

// all returns the users of all classes, in declaration order.
func (p *population) all() []*classGroup {
	p.mu.Lock()
	defer p.mu.Unlock()
	groups := make([]*classGroup, 0, len(p.names))
	for _, name := range p.names {
		groups = append(groups, p.groups[name])
	}
	return groups
}

// setHost sets the host of all classes' users that start from now on (mirrors
// WorkerRunner.start_worker: an empty host leaves the last one in force).
func (p *population) setHost(host string) {
	if host == "" {
		return
	}
	p.mu.Lock()
	p.host = host
	p.mu.Unlock()
	for _, g := range p.all() {
		g.class.setHost(host)
	}
}

// beginRun makes all classes ready for another run.
func (p *population) beginRun() {
	for _, g := range p.all() {
		g.class.beginRun()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mismatched = ""
}

// update edits a class while it runs. It reports false when there is none of
// that name.
func (p *population) update(s UserSettings) bool {
	p.adopt(s.Class)
	g, ok := p.group(s.Class)
	if ok {
		g.class.apply(s, p.log)
	}
	return ok
}

// filter keeps the tasks that the tags select, in every class.
func (p *population) filter(tags, excluded []string) {
	for _, g := range p.all() {
		g.class.filter(tags, excluded, p.log)
	}
}

// counts returns the users alive in each of the worker's classes, zeros
// included, and their sum. Users that are stopping still count.
func (p *population) counts() (map[string]int, int) {
	byClass, sum := p.fleet.Counts()
	for _, o := range p.openClasses() {
		users, name := o.users(), o.class.name
		sum += users - byClass[name]
		byClass[name] = users
	}
	return byClass, sum
}

// spawn brings each class that target names to its number of users, starting
// before stopping (mirrors WorkerRunner.start_worker). Users that are already
// stopping do not count as there. It returns when the surplus is gone, or when
// ctx ends; the surplus goes on stopping then. No user starts after ctx has ended.
func (p *population) spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration) {
	p.reportMismatch(target)
	p.fleet.Spawn(ctx, p.openTo(ctx, target), stopTimeout)
}

// openTo sets the users of the classes with arrivals, and returns what the fleet has
// to do: users of other classes, and the end of visitors where there are no more
// users.
func (p *population) openTo(ctx context.Context, target map[string]int) map[string]int {
	rest := make(map[string]int, len(target))
	for name, users := range target {
		g, known := p.group(name)
		if !known || g.open == nil {
			rest[name] = users
			continue
		}
		g.open.setStreams(ctx, users)
		if users == 0 {
			rest[name] = 0
		}
	}
	return rest
}

// stopAll stops every user and returns when all are gone, those included that
// were stopping already, which get no more time than the others. It may be called
// again while it runs, with a shorter timeout.
func (p *population) stopAll(stopTimeout time.Duration) {
	open := p.openClasses()
	for _, o := range open {
		o.setStreams(p.ctx, 0)
	}
	p.fleet.StopAll(stopTimeout)
	for _, o := range open {
		o.records.Wait()
		o.logTotals()
	}
}

// openClasses returns the classes with arrivals.
func (p *population) openClasses() []*openClass {
	var open []*openClass
	for _, g := range p.all() {
		if g.open != nil {
			open = append(open, g.open)
		}
	}
	return open
}

// maxNames bounds the names in the text about a mismatch.
const maxNames = 20

// reportMismatch tells the master, with one exception a run, which classes and
// tasks its locustfile names and this worker does not have: the locustfile was
// printed by another version of the program. target is what the master asks for.
func (p *population) reportMismatch(target map[string]int) {
	text := p.mismatch(target)
	p.mu.Lock()
	known := text == p.mismatched
	p.mismatched = text
	p.mu.Unlock()
	if text != "" && !known && p.world.problem != nil {
		p.world.problem(text)
	}
}

// mismatch is the text of that exception, "" when all names are known.
func (p *population) mismatch(target map[string]int) string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(target)) {
		if _, known := p.group(name); !known && target[name] > 0 {
			unknown = append(unknown, name)
		}
	}
	var wrong, has []string
	groups := p.all()
	if len(unknown) > 0 {
		names := make([]string, 0, len(groups))
		for _, g := range groups {
			names = append(names, g.class.name)
		}
		wrong = append(wrong, "the user class "+listed(unknown))
		has = append(has, "the user classes "+listed(names))
	}
	for _, g := range groups {
		class, name := g.class, g.class.name
		if tasks := class.unknownTasks(); len(tasks) > 0 && target[name] > 0 {
			wrong = append(wrong, "the task "+listed(tasks)+" of "+name)
			has = append(has, name+" with the tasks "+listed(class.root.taskNames()))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return "the master's locustfile names what this worker does not have: " + strings.Join(wrong, "; ") +
		". Rerun the worker's command `stub` and restart the master with the locustfile that it prints; compiled in: " +
		strings.Join(has, "; ")
}

// listed joins names, the first maxNames of them.
func listed(names []string) string {
	if len(names) > maxNames {
		names = append(slices.Clone(names[:maxNames]), "…")
	}
	return strings.Join(names, ", ")
}

package fleet

import (
	"context"
	"log/slog"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxShards bounds the number of shards; there is one for each processor.
	maxShards = 64
	// spawnChunk is how many members are started without letting go of Fleet.mu.
	spawnChunk = 256
)

// A Config describes a fleet. Log is required.
type Config struct {
	Log *slog.Logger
	// Grace is how long members may take to end after they were killed, before the
	// log says so.
	Grace time.Duration
}

// A Fleet is a set of members in groups. Its methods are safe for concurrent use.
type Fleet struct {
	cfg    Config
	start  time.Time // where the fleet's clock begins
	shards []*shard  // a power of two
	crowd  crowd
	alive  atomic.Int64

	mu     sync.Mutex
	groups []*Group
	lastID int64
	stops  map[*stop]struct{} // that have not ended
	empty  chan struct{}      // nil, or closed when no member is alive
	closed bool               // the context has ended
}

// A Group is the members of one kind.
type Group struct {
	name     string
	make     func(id int64) *Member
	running  []*Member
	stopping int // asked to stop and not yet gone
}

// New returns a fleet without groups. All members are asked to stop and killed when
// ctx ends.
func New(ctx context.Context, cfg Config) *Fleet {
	f := &Fleet{cfg: cfg, start: time.Now(), stops: make(map[*stop]struct{})}
	n := min(runtime.GOMAXPROCS(0), maxShards)
	n = 1 << bits.Len(uint(n-1))
	f.shards = make([]*shard, n)
	for i := range f.shards {
		f.shards[i] = &shard{fleet: f}
	}
	f.crowd.init(f)
	context.AfterFunc(ctx, f.close)
	return f
}

// Add adds a group of no members. newMember makes one; it is called with the
// member's number, counted from 1 over all groups, and must neither block nor call
// the fleet. A Spawn that has begun does not see the group.
func (f *Fleet) Add(name string, newMember func(id int64) *Member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.groups = append(f.groups, &Group{name: name, make: newMember})
}

// now returns the time on the fleet's clock.
func (f *Fleet) now() time.Duration { return time.Since(f.start) }

// Counts returns the members alive in each group, those that are stopping
// included, and their sum.
func (f *Fleet) Counts() (byGroup map[string]int, sum int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	byGroup = make(map[string]int, len(f.groups))
	for _, g := range f.groups {
		n := len(g.running) + g.stopping
		byGroup[g.name] = n
		sum += n
	}
	return byGroup, sum
}

// Spawn brings each group that target names to its number of members, starting
// before stopping. New members start at once. Members that are already stopping do
// not count as there. It blocks until the surplus is gone or ctx ends; the surplus
// goes on stopping then. No member is started after ctx has ended.
func (f *Fleet) Spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration) {
	surplus := newStop(f)
	f.mu.Lock()
	groups := slices.Clone(f.groups)
	f.mu.Unlock()
	for _, g := range groups {
		want, named := target[g.name]
		if !named {
			continue
		}
		f.grow(ctx, g, want)
		f.mu.Lock()
		surplus.add(g.take(len(g.running) - want))
		f.mu.Unlock()
	}
	surplus.begin(stopTimeout)
	select {
	case <-surplus.done:
	case <-ctx.Done():
	}
}

// grow starts the members that a group lacks. Those that end meanwhile are not
// replaced.
func (f *Fleet) grow(ctx context.Context, g *Group, want int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for missing := want - len(g.running); missing > 0; missing -= spawnChunk {
		for range min(missing, spawnChunk) {
			if ctx.Err() != nil {
				return
			}
			f.startLocked(g)
		}
		f.mu.Unlock()
		f.mu.Lock()
	}
}

func (f *Fleet) startLocked(g *Group) *Member {
	f.lastID++
	m := g.make(f.lastID)
	m.group, m.slot = g, int32(len(g.running))
	m.shard = f.shards[f.lastID&int64(len(f.shards)-1)]
	g.running = append(g.running, m)
	f.alive.Add(1)
	m.shard.begin(m)
	return m
}

// take moves n members (none when n is below 1) from running to stopping. Fleet.mu
// is held.
func (g *Group) take(n int) []*Member {
	if n < 1 {
		return nil
	}
	rest := len(g.running) - n
	taken := append([]*Member(nil), g.running[rest:]...)
	clear(g.running[rest:])
	g.running = g.running[:rest]
	if rest == 0 {
		g.running = nil
	}
	g.stopping += n
	for _, m := range taken {
		m.slot = slotStopping
	}
	return taken
}

// slotStopping marks a member that has no place in group.running any more.
const slotStopping = -1

// leave takes a member that has ended off the books.
func (f *Fleet) leave(m *Member) {
	f.mu.Lock()
	g := m.group
	if m.slot == slotStopping {
		g.stopping--
	} else {
		last := len(g.running) - 1
		g.running[m.slot] = g.running[last]
		g.running[m.slot].slot = m.slot
		g.running[last] = nil
		g.running = g.running[:last]
	}
	if m.stop != nil {
		m.stop.gone()
	}
	last := f.alive.Add(-1) == 0
	if last && f.empty != nil {
		close(f.empty)
		f.empty = nil
	}
	f.mu.Unlock()
	if last {
		for _, s := range f.shards {
			s.close()
		}
	}
}

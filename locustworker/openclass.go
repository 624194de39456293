package locustworker

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/arrivals"
	"github.com/bandwing/bandwing/locustworker/internal/fleet"
	"github.com/bandwing/bandwing/locustworker/internal/stats"
)

// errDropped is the error of a dropped arrival with ArrivalConfig.FailDropped.
var errDropped = errors.New("arrival dropped: no visitor was free")

// idleVisitors is how long a visitor may be free before it ends.
const idleVisitors = time.Minute

// An openClass runs the arrivals of one class in a population: its pacer says when
// one is due, and visitors, who are members of the fleet, take them. Its methods are
// safe for concurrent use.
//
// Each arrival is counted as due and then, once, as started or as dropped.
type openClass struct {
	class  *liveClass
	how    ArrivalConfig
	world  *world
	fleet  *fleet.Fleet
	pacer  *arrivals.Pacer
	nobody *User // records what was dropped

	mu         sync.Mutex    // taken before the locks of the fleet
	streams    int           // users, as the master counts them
	idle       []*User       // visitors that are free, or have ended: the last to become free is the last
	visitors   int           // that have not ended
	next       time.Duration // when the arrival was due for which a visitor is being made
	spare      int           // the least number of free visitors since trimmed
	trimmed    time.Duration // when visitors that nobody needs were ended last
	counts     arrivalCounts
	logged     arrivalCounts // that were logged last
	watch      lateWatch
	records    sync.WaitGroup // a goroutine that records dropped arrivals
	recording  bool
	unrecorded int64         // arrivals that it has to record
	lateness   *stats.Timing // of iterations
	intended   *stats.Timing // response times of requests in iterations, from when they were to be sent
	sent       *stats.Timing // and from when they were sent
}

// arrivalCounts are what became of arrivals: due = started + dropped + the arrivals
// that visitors have taken and not begun.
type arrivalCounts struct{ due, started, dropped int64 }

// A visit is the state of a User that is a visitor.
type visit struct {
	open *openClass
	// What follows is guarded by openClass.mu.
	taken bool          // there is an arrival that it has to begin with
	due   time.Duration // when that was due
	fresh bool          // it has not begun an iteration
	gone  bool
	over  bool // it has to end: nobody needs it
	// busy is set during an iteration. It belongs to Step.
	busy bool
	late lateStart
}

// newOpenClass makes the runtime of a class with arrivals, and adds its visitors to
// the fleet as a group without members. Arrivals end with ctx.
func newOpenClass(ctx context.Context, w *world, f *fleet.Fleet, class *liveClass) *openClass {
	o := &openClass{class: class, how: *class.arrivals, world: w, fleet: f, lateness: stats.NewTiming(), intended: stats.NewTiming(), sent: stats.NewTiming()}
	o.nobody = &User{class: class, world: w}
	source := rand.New(rand.NewPCG(w.seed, uint64(time.Now().UnixNano())))
	var gap func() float64
	if o.how.Poisson {
		gap = source.ExpFloat64
	}
	o.pacer = arrivals.NewPacer(arrivals.Config{
		Schedule: arrivals.NewSchedule(source.Float64(), gap),
		Now:      o.now, Due: o.arrive, Pause: o.look, Nap: w.nap,
	})
	f.Add(class.name, o.newVisitor)
	context.AfterFunc(ctx, func() { o.setStreams(ctx, 0) })
	return o
}

// now returns the time on the clock of the pacer.
func (o *openClass) now() time.Duration { return time.Since(o.world.start) }

// newVisitor makes the visitor for the arrival at o.next. o.mu is held.
func (o *openClass) newVisitor(id int64) *fleet.Member {
	u := o.world.newUser(id, o.class, o.class.currentHost())
	u.visiting = &visit{open: o, taken: true, due: o.next, fresh: true}
	u.member.Init((*visitWork)(u))
	return &u.member
}

// setStreams sets the number of users. With 0 there are no further arrivals when it
// returns. It does nothing when ctx has ended, unless users is 0.
func (o *openClass) setStreams(ctx context.Context, users int) {
	o.mu.Lock()
	if users > 0 && ctx.Err() != nil {
		o.mu.Unlock()
		return
	}
	o.streams = users
	o.mu.Unlock()
	o.pacer.SetRate(ctx, float64(users)*o.rate())
	if users == 0 {
		o.pacer.Stop()
		o.conclude()
	}
}

// rate returns the rate of one user.
func (o *openClass) rate() float64 {
	if o.how.RateArgument == "" {
		return o.how.Rate
	}
	rate := ArgumentOr(o.world.env.Arguments(), o.how.RateArgument, o.how.Rate)
	if !(rate > 0) {
		return o.how.Rate
	}
	return rate
}

// users returns the number of streams.
func (o *openClass) users() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.streams
}

// arrive gives an arrival to a visitor, or drops it. The pacer calls it.
func (o *openClass) arrive(due, now time.Duration) {
	o.mu.Lock()
	o.counts.due++
	o.watch.pacer(now - due)
	if u := o.popIdle(); u != nil {
		u.visiting.taken, u.visiting.due = true, due
		o.mu.Unlock()
		u.member.Wake()
		return
	}
	if o.visitors < o.how.MaxInFlight {
		o.visitors++
		o.next = due
		if o.fleet.Start(o.class.name) != nil {
			o.mu.Unlock()
			return
		}
		o.visitors-- // the worker ends
	} else {
		o.watch.full++
	}
	o.counts.dropped++
	o.unrecorded++
	if !o.recording { // not here: a listener of the sample may block
		o.recording = true
		o.records.Go(o.recordAll)
	}
	o.mu.Unlock()
}

// recordAll adds the dropped arrivals of arrive to the rows.
func (o *openClass) recordAll() {
	for {
		o.mu.Lock()
		if o.unrecorded == 0 {
			o.recording = false
			o.mu.Unlock()
			return
		}
		o.unrecorded--
		o.mu.Unlock()
		o.recordDropped()
	}
}

// popIdle returns the visitor that became free last, or nil. o.mu is held.
func (o *openClass) popIdle() *User {
	for n := len(o.idle) - 1; n >= 0; n-- {
		u := o.idle[n]
		o.idle[n] = nil
		o.idle = o.idle[:n]
		o.spare = min(o.spare, n)
		if !u.visiting.gone {
			return u
		}
	}
	return nil
}

// begin reports whether a visitor has an arrival to begin with, which counts as
// started then. Otherwise the visitor is free, or over if it has to end.
func (o *openClass) begin(u *User) (ok, over bool) {
	v := u.visiting
	now := o.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !v.taken {
		if !v.over {
			o.idle = append(o.idle, u)
		}
		return false, v.over
	}
	late := now - v.due
	o.counts.started++
	o.watch.start(late, v.fresh)
	o.lateness.Observe(uint32(u.id), late)
	v.late.set(late)
	v.taken, v.fresh = false, false
	return true, false
}

// leave notes that a visitor has ended. An arrival that it has not begun is dropped.
func (o *openClass) leave(u *User) {
	v := u.visiting
	o.mu.Lock()
	v.gone = true
	o.visitors--
	if o.visitors == 0 {
		clear(o.idle)
		o.idle = nil
	}
	dropped := v.taken
	if dropped {
		v.taken = false
		o.counts.dropped++
	}
	o.mu.Unlock()
	if dropped {
		o.recordDropped()
	}
}

// recordDropped adds a dropped arrival to the rows.
func (o *openClass) recordDropped() {
	s := Sample{Type: DroppedType, Name: o.class.name, NoTime: true}
	if o.how.FailDropped {
		s.Err = errDropped
	}
	o.nobody.Record(s)
}

// look logs what is wrong with the times of starts. The pacer calls it.
func (o *openClass) look(now time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watch.warn(o.world.log, o, now)
	if now-o.trimmed >= idleVisitors {
		o.trim(now)
	}
}

// trim ends the visitors that were free all the time since the last call, those
// that have been free for the longest time. o.mu is held.
func (o *openClass) trim(now time.Duration) {
	n := min(o.spare, len(o.idle))
	for _, u := range o.idle[:n] {
		u.visiting.over = true
		u.member.Wake()
	}
	o.idle = slices.Delete(o.idle, 0, n)
	o.spare, o.trimmed = len(o.idle), now
}

// conclude logs what is wrong and was not logged, at the end of the arrivals.
func (o *openClass) conclude() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.watch.warn(o.world.log, o, neverLogged)
}

// logTotals logs what became of the arrivals since the worker was made, unless it
// did already.
func (o *openClass) logTotals() {
	o.mu.Lock()
	c := o.counts
	again := c == o.logged
	o.logged = c
	o.mu.Unlock()
	if !again {
		o.world.log.Info("arrivals ended", "class", o.class.name, "due", c.due, "iterations_started", c.started, "dropped", c.dropped)
	}
}

// visitWork is a User that is a visitor of a class with arrivals, as the fleet works
// it.
type visitWork User

var _ fleet.Work = (*visitWork)(nil)

// Step does the next piece of the visitor's life: the constructor with OnStart, one
// step of an iteration, or OnStop. A visitor without an iteration is parked. It
// implements fleet.Work.
func (c *visitWork) Step() (wait time.Duration, done bool) {
	u := (*User)(c)
	returned := false
	defer func() {
		if done || !returned { // runtime.Goexit does not return
			u.visiting.open.leave(u)
		}
	}()
	wait, done = u.stepVisit()
	if done {
		u.life.finish(lifeIsOver)
	}
	returned = true
	return wait, done
}

func (u *User) stepVisit() (wait time.Duration, done bool) {
	if !u.begun {
		u.begun = true
		return 0, !u.begin()
	}
	v := u.visiting
	if v.busy {
		wait, done = u.goOn()
	} else {
		if u.member.Stopping() || u.killed() {
			return 0, u.unwind()
		}
		switch ok, over := v.open.begin(u); {
		case over:
			return 0, u.unwind()
		case !ok:
			return fleet.Park, false
		}
		v.busy = true
		wait, done = u.runNext()
	}
	if done || len(u.nested) > 0 {
		return wait, done
	}
	v.busy = false
	v.late.take()
	if v.open.how.Fresh {
		return 0, u.unwind()
	}
	return 0, false
}

// Woke implements fleet.Work.
func (c *visitWork) Woke(late time.Duration) { (*userWork)(c).Woke(late) }

// Kill implements fleet.Work.
func (c *visitWork) Kill() { (*userWork)(c).Kill() }

// A lateStart is how late an iteration has begun, until its first request takes it.
type lateStart struct{ d atomic.Int64 }

func (l *lateStart) set(d time.Duration) { l.d.Store(int64(max(d, 0))) }

func (l *lateStart) take() time.Duration {
	if l.d.Load() == 0 {
		return 0
	}
	return time.Duration(l.d.Swap(0))
}

package locustworker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/fleet"
	"github.com/bandwing/bandwing/locustworker/internal/traceback"
)

// A User is the runtime side of one simulated user: who it is, where it sends
// its load, and where its samples go. A class's constructor gets it and keeps
// it. Its methods may be called from any goroutine, except Rand, which belongs
// to the user's own code: its constructor, OnStart, tasks, wait times and OnStop,
// of which one runs at a time.
type User struct {
	member fleet.Member // how the fleet sees the user; it calls Step
	world  *world
	class  *liveClass
	host   string
	id     int64
	source rand.PCG // of rand
	rand   rand.Rand
	life   lifetime
	ended  func()           // what AfterTask registered, or nil
	states map[*setSpec]any // of flattened sets: see stateIn
	root   frame            // the class's own tasks
	nested []nested         // the task sets that the user is in, the innermost last
	pace   pace             // of the innermost wait time
	permit permit           // to run a task: see taskLimit
	begun  bool

	visiting *visit // nil, unless the user is a visitor of a class with arrivals

	abort atomic.Pointer[error] // of AbortTask
}

// A world is what all users of a worker share.
type world struct {
	parent   context.Context //nolint:containedctx // the values of users' contexts; see lifetime
	alone    bool            // a user's context is parent itself
	killed   context.Context //nolint:containedctx // ended, with the cause that a killed user's context has
	start    time.Time       // where the clock of pace begins
	recorder sampleSink
	drain    time.Duration
	nap      func(time.Duration) // see arrivals.Config; nil: none
	seed     uint64
	log      *slog.Logger
	env      *Environment
	limit    taskLimit     // of all users together
	tracer   RequestTracer // or nil
	// exception reports an uncaught error of a user's code. It does not block.
	exception func(u *User, err error, trace string)
	// problem reports what is wrong with the test as a whole. It does not block.
	problem func(text string)
	trial   *trial // nil but for Try
}

// A sampleSink takes what users record. Its methods are safe for concurrent use.
type sampleSink interface {
	record(u *User, s Sample)
	countCut()
	woke(u *User, late time.Duration)
	connected() (closed func())
}

// setParent makes ctx what users' contexts get their values from. They end by
// kill and end, not with ctx: that is the caller's business.
func (w *world) setParent(ctx context.Context) {
	w.parent = ctx
	killed, kill := context.WithCancelCause(ctx)
	kill(errKilled)
	w.killed = killed
	w.start = time.Now()
	w.limit.init(w)
}

// newUser makes a user that has not started.
func (w *world) newUser(id int64, class *liveClass, host string) *User {
	index := -1
	if w.env != nil {
		index = w.env.WorkerIndex()
	}
	u := &User{id: id, class: class, host: host, world: w}
	u.member.Init((*userWork)(u))
	u.Reseed(seeds(w.seed, index, id))
	return u
}

// nobody returns a user that is only there to record.
func (w *world) nobody() *User { return &User{class: newLiveClass(&classSpec{}), world: w} }

// AbortTask ends the task that the user runs, for a listener of Events.Request or a
// check of a response: the user's clients send no further request for it, and it ends
// with err, whatever it returns; without an error with ErrReschedule. OnStart is
// ended alike. It does nothing between tasks, and is safe for concurrent use.
//
//	Request: func(u *locustworker.User, s locustworker.Sample) {
//		if s.Err != nil {
//			u.AbortTask(locustworker.ErrReschedule)
//		}
//	}
func (u *User) AbortTask(err error) {
	if err == nil {
		err = ErrReschedule
	}
	u.abort.CompareAndSwap(nil, &err)
}

// clearAbort drops an AbortTask that no task of before or now has taken.
func (u *User) clearAbort() {
	if u.abort.Load() != nil {
		u.abort.Store(nil)
	}
}

// aborted returns the error of AbortTask, or that of the task.
func (u *User) aborted(err error) error {
	if abort := u.abort.Load(); abort != nil {
		return *abort
	}
	return err
}

// ID returns the user's number, unique in this worker process, counted from 1.
func (u *User) ID() int64 { return u.id }

// ClassName returns the name of the user's class.
func (u *User) ClassName() string { return u.class.name }

// Host returns the base URL that was in force when the user was started: the
// master's (web UI, --host), else the worker's, else the class's, else "".
func (u *User) Host() string { return u.host }

// Rand returns the user's own source of random numbers, which its tasks and waits
// are drawn with too. It is seeded from Config.Seed, the worker's index and the
// user's ID, so that a seeded run can be repeated and no two workers do the same.
// It is not safe for concurrent use.
func (u *User) Rand() *rand.Rand { return &u.rand }

// Reseed has Rand begin anew from a seed of the caller's, for classes that repeat
// what their users do by another rule. Call it in the class's constructor only.
func (u *User) Reseed(seed1, seed2 uint64) {
	u.source.Seed(seed1, seed2)
	u.rand = *rand.New(&u.source)
}

// Context is the context that the user's OnStart and tasks run under. It ends
// when the user is stopped without regard to its task.
func (u *User) Context() context.Context {
	if u.world.alone {
		return u.world.parent
	}
	return (*userContext)(u)
}

// afterTask is Client.AfterTask.
func (u *User) afterTask(f func()) {
	before := u.ended
	if before == nil {
		u.ended = f
		return
	}
	u.ended = func() {
		_ = traceback.Guard(func() error { before(); return nil })
		f()
	}
}

// endTask calls what afterTask registered.
func (u *User) endTask() {
	u.clearAbort()
	if u.ended != nil {
		_ = traceback.Guard(func() error { u.ended(); return nil })
	}
}

// Record adds one finished request to the statistics. It never blocks on the
// network, does not allocate for a name and type seen before, and is safe for
// concurrent use (mirrors the request event's listeners in Runner).
func (u *User) Record(s Sample) { u.world.recorder.record(u, s) }

// A lifetime is the state of a user's context.
type lifetime struct {
	ended atomic.Int32 // one of the values below
	mu    sync.Mutex
	done  chan struct{} // nil until somebody asks for it
	after *afterFunc    // the last one first
}

const (
	lifeGoesOn   int32 = iota
	lifeIsOver         // the user has ended by itself
	lifeWasTaken       // the user was killed
)

// An afterFunc is a function to call at the end of a context.
type afterFunc struct {
	call func()
	next *afterFunc
}

// A userContext is the context of a user that a worker runs: the User itself, so
// that one which waits needs no other object. It makes its channel when somebody
// asks for it.
type userContext User

var _ context.Context = (*userContext)(nil)

// Deadline implements context.Context; there is none.
func (c *userContext) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Done implements context.Context.
func (c *userContext) Done() <-chan struct{} {
	c.life.mu.Lock()
	defer c.life.mu.Unlock()
	if c.life.done == nil {
		c.life.done = make(chan struct{})
		if c.life.ended.Load() != lifeGoesOn {
			close(c.life.done)
		}
	}
	return c.life.done
}

// Err implements context.Context.
func (c *userContext) Err() error {
	if c.life.ended.Load() == lifeGoesOn {
		return nil
	}
	return context.Canceled
}

// Value implements context.Context. The values of a killed user's context are those
// of world.killed, so that context.Cause finds why it ended.
func (c *userContext) Value(key any) any {
	if c.life.ended.Load() == lifeWasTaken {
		return c.world.killed.Value(key)
	}
	return c.world.parent.Value(key)
}

// AfterFunc has f called when the context has ended; f must not block. Package
// context looks for this method, so that a context made from this one costs no
// goroutine.
func (c *userContext) AfterFunc(f func()) (stop func() bool) {
	c.life.mu.Lock()
	defer c.life.mu.Unlock()
	if c.life.ended.Load() != lifeGoesOn {
		go f()
		return func() bool { return false }
	}
	a := &afterFunc{call: f, next: c.life.after}
	c.life.after = a
	return func() bool { return c.life.drop(a) }
}

// drop takes a function out, unless it was called.
func (l *lifetime) drop(a *afterFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := &l.after; *p != nil; p = &(*p).next {
		if *p == a {
			*p = a.next
			return true
		}
	}
	return false
}

// finish ends the context, unless it has ended.
func (l *lifetime) finish(how int32) {
	l.mu.Lock()
	if l.ended.Load() != lifeGoesOn {
		l.mu.Unlock()
		return
	}
	l.ended.Store(how)
	if l.done != nil {
		close(l.done)
	}
	after := l.after
	l.after = nil
	l.mu.Unlock()
	for ; after != nil; after = after.next {
		after.call()
	}
}

package locustworker

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/argument"
	"github.com/bandwing/bandwing/locustworker/internal/session"
	"github.com/bandwing/bandwing/locustworker/internal/sysstat"
	"github.com/bandwing/bandwing/locustworker/internal/traceback"
	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// newSession makes the session of a worker that has not met a master. Users live
// under ctx.
func (w *Worker) newSession(ctx context.Context) *session.Session {
	env := &Environment{log: w.cfg.Logger, count: w.Counters}
	env.index.Store(-1)
	env.setArguments(nil)
	w.hooks.env = env
	seed := w.cfg.Seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	exceptions := &exceptionReporter{hooks: w.hooks, log: w.cfg.Logger}
	shared := &world{
		recorder:  w.recorder,
		nap:       w.nap,
		drain:     w.cfg.DrainTimeout,
		seed:      seed,
		log:       w.cfg.Logger,
		env:       env,
		exception: exceptions.report,
		problem:   exceptions.problem,
		tracer:    w.cfg.Tracer,
	}
	env.nobody = shared.nobody()
	env.setHost(w.cfg.Host)
	users := newPopulation(ctx, shared, w.classes)
	shared.limit.setOwn(w.cfg.MaxRPS)
	if other := w.cfg.OtherClasses; other != nil {
		users.other = func(name string) *liveClass { return standIn(other.spec(), name, w.cfg.EqualWeights) }
	}
	users.setHost(w.cfg.Host)
	w.users.Store(users)
	cfg := session.Config{
		Log: w.cfg.Logger,
		Link: uplink.Config{
			Addr: net.JoinHostPort(w.cfg.MasterHost, strconv.Itoa(w.cfg.MasterPort)),
			Dial: w.dial,
		},
		Fleet:            &sessionFleet{population: users, hooks: w.hooks, tags: w.cfg.Tags, excluded: w.cfg.ExcludeTags, maxRPS: w.cfg.MaxRPSArgument},
		Events:           &sessionEvents{hooks: w.hooks, cfg: &w.cfg},
		Store:            w.recorder.store,
		Usage:            newUsage(w.cfg.Logger),
		Refused:          exceptions.refused,
		MaxUsers:         w.cfg.MaxUsers,
		Figures:          &w.figures,
		StopTimeout:      w.cfg.StopTimeout,
		DrainTimeout:     w.cfg.DrainTimeout,
		MasterTimeout:    w.cfg.MasterTimeout,
		ReadyDelay:       w.cfg.ReadyDelay,
		QuitOnMasterLoss: w.cfg.QuitOnMasterLoss,
		ResetStats:       w.cfg.ResetStats,
	}
	if w.book != nil {
		cfg.LogBook = w.book
	}
	s := session.New(cfg)
	env.send, exceptions.send = s.Send, s.Send
	return s
}

// newUsage returns a function that measures what the process uses since its last
// call; the first interval begins now.
func newUsage(log *slog.Logger) func() (cpuPercent float64, memoryBytes uint64, ok bool) {
	sampler, err := sysstat.NewSampler()
	if err != nil {
		log.Warn("CPU and memory cannot be measured; heartbeats will say 0", "error", err)
		return func() (float64, uint64, bool) { return 0, 0, false }
	}
	_, _ = sampler.Read()
	return func() (float64, uint64, bool) {
		u, err := sampler.Read()
		if err != nil {
			log.Debug("CPU and memory could not be read", "error", err)
			return 0, 0, false
		}
		return u.CPUPercent, u.MemoryBytes, true
	}
}

// A sessionFleet is the worker's users, as a session sees them.
type sessionFleet struct {
	*population
	hooks          *hooks
	tags, excluded []string // of the worker's own
	filtered       bool     // tags have been applied
	maxRPS         string   // Config.MaxRPSArgument
}

var _ session.Fleet = (*sessionFleet)(nil)

func (f *sessionFleet) Configure(m wire.Spawn) {
	f.setHost(m.Host)
	f.hooks.env.setHost(m.Host)
	f.hooks.env.setArguments(m.ParsedOptions)
	users := 0
	for _, n := range m.UserClassesCount {
		users += n
	}
	f.world.limit.shareLimit(f.maxRPS, users)
	f.adopt(slices.Sorted(maps.Keys(m.UserClassesCount))...)
}

// BeginRun applies the tags once in a worker's life, the master's before its own
// (mirrors Environment._filter_tasks_by_tags and the merge of parsed_options).
func (f *sessionFleet) BeginRun(options map[string]any) {
	f.beginRun()
	if f.filtered {
		return
	}
	f.filtered = true
	tags, excluded := f.chosen("tags", options, f.tags), f.chosen("exclude_tags", options, f.excluded)
	if len(tags)+len(excluded) > 0 {
		f.filter(tags, excluded)
	}
}

// chosen returns the tags that the master names, or those of the worker.
func (f *sessionFleet) chosen(name string, options map[string]any, own []string) []string {
	value, sent := options[name]
	switch {
	case !sent:
		return own
	case value == nil:
		return nil
	}
	tags, err := argument.Texts(value)
	if err != nil {
		f.log.Error("ignored tags from the master that are no list of texts", "option", name, "value", value)
		return own
	}
	return tags
}

// Update edits a user class.
func (f *sessionFleet) Update(m wire.UpdateUserClass) {
	settings := UserSettings{Class: m.Class}
	if m.HasTasks {
		settings.Tasks = append([]string{}, m.Tasks...)
	}
	var foreign []string
	for name, value := range m.Attributes {
		host, isText := value.(string)
		switch {
		case name == "host" && isText:
			settings.Host = &host
		case name == "weight", name == "fixed_count":
			// the master deals users out by them
		default:
			foreign = append(foreign, name)
		}
	}
	if len(foreign) > 0 {
		slices.Sort(foreign)
		f.log.Warn("the master sets attributes that a Go class does not have", "class", m.Class, "attributes", listed(foreign))
	}
	if !f.update(settings) {
		f.log.Error("the master edits a class that this worker does not have", "class", m.Class)
	}
}

// Spawn brings each class to its number of users.
func (f *sessionFleet) Spawn(ctx context.Context, target map[string]int, stopTimeout time.Duration) {
	f.hooks.spawning(target)
	f.spawn(ctx, target, stopTimeout)
}

// StopAll stops all users and returns when they are gone.
func (f *sessionFleet) StopAll(stopTimeout time.Duration) { f.stopAll(stopTimeout) }

// Counts returns the users alive of each class, and their sum.
func (f *sessionFleet) Counts() (byClass map[string]int, sum int) { return f.counts() }

// sessionEvents are the program's events and message handlers, as a session sees
// them.
type sessionEvents struct {
	hooks *hooks
	cfg   *Config
}

var _ session.Events = (*sessionEvents)(nil)

func (e *sessionEvents) TestStart(ctx context.Context)           { e.hooks.testStart(ctx) }
func (e *sessionEvents) TestStopping()                           { e.hooks.testStopping() }
func (e *sessionEvents) TestStop()                               { e.hooks.testStop() }
func (e *sessionEvents) Quitting()                               { e.hooks.quitting() }
func (e *sessionEvents) SpawningComplete(users int)              { e.hooks.spawningComplete(users) }
func (e *sessionEvents) Registered()                             { e.hooks.connected() }
func (e *sessionEvents) HeartbeatReceived()                      { e.hooks.heartbeatReceived() }
func (e *sessionEvents) Usage(cpuPercent float64, memory uint64) { e.hooks.usage(cpuPercent, memory) }

func (e *sessionEvents) Acked(index int)         { e.hooks.env.index.Store(int64(index)) }
func (e *sessionEvents) Renamed(identity string) { e.hooks.env.id.Store(&identity) }
func (e *sessionEvents) AddsToReports() bool     { return e.hooks.addsToReports() }

// ReportToMaster returns what listeners add to a report, as it is now.
func (e *sessionEvents) ReportToMaster() map[string]any {
	extra, err := wire.EncodeExtra(e.hooks.report())
	if err != nil { // hooks.report has seen to it
		e.hooks.env.log.Error("what was added to a report cannot be sent", "error", err)
	}
	return extra
}

func (e *sessionEvents) Handler(from wire.Envelope, m wire.Custom) (call func(), concurrent, ok bool) {
	h, ok := e.cfg.handler(m.Type)
	return func() {
		env := e.hooks.env
		err := traceback.Guard(func() error { return h.Handle(env, Message{Type: m.Type, NodeID: from.NodeID, Data: m.Data}) })
		if err != nil {
			env.log.Error("uncaught error in a message handler", "type", m.Type, "error", err)
		}
	}, h.Concurrent, ok
}

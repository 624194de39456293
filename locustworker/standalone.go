package locustworker

import (
	"context"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// A StandaloneConfig describes a user without a worker. The zero value is one
// without a host that keeps nothing.
type StandaloneConfig struct {
	// Host is what User.Host returns.
	Host string
	// Seed seeds User.Rand. 0 is a seed like any other.
	Seed uint64
	// WorkerIndex is what Environment.WorkerIndex returns. Default 0.
	WorkerIndex int
	// WorkerCount is what Environment.WorkerCount returns. Default 0: not known.
	WorkerCount int
	// Arguments are the custom arguments of the run, of the types that arrive from a
	// master: bool, int64, float64, string, []any, map[string]any.
	Arguments map[string]any
	// DrainTimeout is what Client.DrainTimeout returns. Default 1 s.
	DrainTimeout time.Duration
	// Record gets every sample, in the goroutine that recorded it. nil drops
	// them.
	Record func(Sample)
	// Cut is called for every Client.Cut. nil ignores them.
	Cut func()
	// Send gets every custom message, those of StopRun and Quit too, in the
	// goroutine that sent it. nil drops them.
	Send func(messageType string, data any)
	// Logger is what Environment.Logger returns. Default: one that drops all.
	Logger *slog.Logger
}

// NewStandaloneUser returns a user that belongs to no worker and no master: for
// unit tests of your own classes (ClassOf.NewUser) and of protocol clients. It has
// an environment as a worker's users have. Its context ends with ctx. Nothing runs
// tasks for it; call them yourself.
func NewStandaloneUser(ctx context.Context, cfg StandaloneConfig) *User {
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = defaultDrainTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	sink := &standaloneSink{cfg: cfg}
	w := &world{recorder: sink, drain: cfg.DrainTimeout, seed: cfg.Seed, alone: true, log: cfg.Logger, env: sink.environment()}
	w.env.nobody = w.nobody()
	w.env.setHost(cfg.Host)
	w.setParent(context.WithValue(ctx, standaloneKey{}, nil)) // the user's own, and no other's
	return w.newUser(1, newLiveClass(&classSpec{name: "standalone"}), cfg.Host)
}

type standaloneKey struct{}

// A standaloneSink hands on what its user records and sends.
type standaloneSink struct {
	cfg           StandaloneConfig
	recorded, cut atomic.Int64
}

func (s *standaloneSink) environment() *Environment {
	e := &Environment{log: s.cfg.Logger, send: s.send, count: s.counters}
	e.index.Store(int64(s.cfg.WorkerIndex))
	e.id.Store(new("standalone"))
	arguments := maps.Clone(s.cfg.Arguments)
	if s.cfg.WorkerCount > 0 {
		if arguments == nil {
			arguments = make(map[string]any)
		}
		arguments["expect_workers"] = int64(s.cfg.WorkerCount)
	}
	e.setArguments(arguments)
	return e
}

func (s *standaloneSink) send(m wire.Outbound) error {
	if _, err := wire.EncodeBody(m); err != nil {
		return err // as a worker's link
	}
	if custom, ok := m.(wire.Custom); ok && s.cfg.Send != nil {
		s.cfg.Send(custom.Type, custom.Data)
	}
	return nil
}

func (s *standaloneSink) counters() Counters {
	return Counters{Recorded: s.recorded.Load(), Open: s.recorded.Load(), Cut: s.cut.Load()}
}

func (s *standaloneSink) record(_ *User, sample Sample) {
	sample.ResponseTime = max(sample.ResponseTime, 0)
	s.recorded.Add(1)
	if s.cfg.Record != nil {
		s.cfg.Record(sample)
	}
}

func (s *standaloneSink) woke(*User, time.Duration) {}

func (s *standaloneSink) connected() (closed func()) { return func() {} }

func (s *standaloneSink) countCut() {
	s.cut.Add(1)
	if s.cfg.Cut != nil {
		s.cfg.Cut()
	}
}

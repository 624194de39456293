package locustworker

import (
	"context"
	"time"
)

// A StandaloneConfig describes a user without a worker.
type StandaloneConfig struct {
	// Host is what User.Host returns.
	Host string
	// Seed seeds User.Rand. 0 is a seed like any other.
	Seed uint64
	// DrainTimeout is what User.DrainTimeout returns. Default 1 s.
	DrainTimeout time.Duration
	// Record gets every sample, in the goroutine that recorded it. nil drops
	// them.
	Record func(Sample)
	// Cut is called for every User.Cut. nil ignores them.
	Cut func()
}

// NewStandaloneUser returns a user that belongs to no worker and no master: for
// unit tests of your own classes and of protocol clients. Its context ends with
// ctx. Nothing runs tasks for it; call them yourself.
func NewStandaloneUser(ctx context.Context, cfg StandaloneConfig) *User {
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = defaultDrainTimeout
	}
	w := &world{recorder: standaloneSink{cfg}, drain: cfg.DrainTimeout, seed: cfg.Seed, alone: true}
	w.setParent(context.WithValue(ctx, standaloneKey{}, nil)) // the user's own, and no other's
	return w.newUser(1, newLiveClass(&classSpec{name: "standalone"}), cfg.Host)
}

type standaloneKey struct{}

type standaloneSink struct{ cfg StandaloneConfig }

func (s standaloneSink) record(_ *User, sample Sample) {
	if s.cfg.Record != nil {
		s.cfg.Record(sample)
	}
}

func (s standaloneSink) woke(*User, time.Duration) {}

func (s standaloneSink) connected() (closed func()) { return func() {} }

func (s standaloneSink) countCut() {
	if s.cfg.Cut != nil {
		s.cfg.Cut()
	}
}

package session

import (
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// What make test-model sets.
var (
	modelSteps = flag.Int("model.steps", 5_000, "steps of the random walks through the model")
	modelDepth = flag.Int("model.depth", 2, "steps of the sequences that are tried exhaustively")
	modelSeed  = flag.Uint64("model.seed", 0, "seed of the random walks; 0: another each time")
)

// walkSteps is how many steps a random walk has.
const walkSteps = 25

// A step is something that may happen to a worker.
type step struct {
	name  string
	can   func(*model) bool
	do    func(*model)
	heals bool // it ends an outage
}

// The limits within which the wire decides what has arrived: see
// TestTheWireCannotDecide for what lies beyond.
const (
	// busyLimit is how long a master's program stands still. At SilenceLimit, 60 s,
	// a worker takes the link for one that acknowledges and passes nothing on.
	busyLimit = 50 * time.Second
	// restartLimit is how long a worker hears of no master around a master's
	// restart. After masterMemory, 55 s, it may be the same one that has forgotten.
	restartLimit = 30 * time.Second
	// forgetsAfter is when a master removes a worker that it does not hear
	// (HEARTBEAT_LIVENESS, then HEARTBEAT_DEAD_INTERNAL).
	forgetsAfter = 64 * time.Second
)

// steps are all of them.
func steps() []step {
	return slices.Concat(pauses(), runSteps(), linkSteps(), masterSteps())
}

func pauses() (all []step) {
	for _, d := range []time.Duration{100 * time.Millisecond, time.Second, 4 * time.Second, 12 * time.Second, 70 * time.Second} {
		all = append(all, step{name: d.String(), can: func(m *model) bool { return m.mayPass(d) }, do: func(m *model) { m.sleep(d) }})
	}
	return all
}

// mayPass reports whether an outage may last so much longer.
func (m *model) mayPass(d time.Duration) bool {
	busy := m.paused || m.stalled && m.hidesAcks
	return (!busy || m.silent()+d <= busyLimit) && (m.open || m.silent()+d <= restartLimit)
}

func runSteps() []step {
	return []step{
		{
			name: "spawn",
			can:  func(m *model) bool { return m.linked() && (m.on || m.users() == 0) },
			do:   func(m *model) { m.spawn(1 + m.rng.IntN(3)) },
		},
		{name: "stop", can: func(m *model) bool { return m.linked() && m.on }, do: (*model).stop},
	}
}

func linkSteps() []step {
	up := func(m *model) bool { return m.open && !m.stalled }
	return []step{
		{name: "cut", can: up, do: func(m *model) { m.master.Cut(m.id()) }},
		{
			name: "reconnect", can: (*model).linked,
			do: func(m *model) { m.master.Reconnect(m.id()) },
		},
		{
			name: "network gone", can: func(m *model) bool { return up(m) && !m.paused && m.linked() },
			do: func(m *model) { m.stalled, m.cutOff = true, 0; m.master.Stall() },
		},
		{
			name: "network back", heals: true, can: func(m *model) bool { return m.stalled },
			do: func(m *model) {
				if m.cutOff > forgetsAfter {
					m.master.Drop(m.id())
				}
				m.stalled = false
				m.master.Unstall()
			},
		},
		{name: "half-open", can: func(m *model) bool { return m.linked() && !m.hidesAcks }, do: func(m *model) {
			m.stranded = time.Now().UnixNano()
			m.master.Strand(m.id())
		}},
	}
}

func masterSteps() []step {
	return []step{
		{
			name: "master busy", can: func(m *model) bool {
				return m.open && !m.stalled && !m.paused && !m.hidesAcks && m.silent() < time.Second
			},
			do: func(m *model) { m.paused = true; m.master.Pause() },
		},
		{
			name: "master goes on", heals: true, can: func(m *model) bool { return m.paused },
			do: func(m *model) { m.paused = false; m.master.Resume() },
		},
		{
			name: "master killed", can: func(m *model) bool { return m.open && !m.stalled && m.silent() < restartLimit },
			do: func(m *model) {
				m.open, m.on, m.paused = false, false, false
				m.master.Close()
				m.master.Resume()
			},
		},
		{
			name: "master restarted", heals: true, can: func(m *model) bool { return !m.open },
			do: func(m *model) {
				m.open = true
				m.kills++
				m.master.Reopen()
			},
		},
	}
}

// take takes a step, between samples.
func (m *model) take(s step) {
	m.trace = append(m.trace, s.name)
	m.record(m.rng.IntN(3))
	s.do(m)
	m.sleep(time.Millisecond)
	m.record(1)
}

// TestModelRandomWalks takes random steps, in walks of walkSteps.
func TestModelRandomWalks(t *testing.T) {
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	t.Logf("-model.seed=%d", seed)
	all := steps()
	for i := range uint64(*modelSteps / walkSteps) {
		inModel(t, seed+i, func(m *model) {
			m.spawn(2)
			for range walkSteps {
				possible := slices.DeleteFunc(slices.Clone(all), func(s step) bool { return !s.can(m) })
				m.take(possible[m.rng.IntN(len(possible))])
			}
		})
		if t.Failed() {
			t.Fatalf("walk %d: repeat it with -model.seed=%d -model.steps=%d", i, seed+i, walkSteps)
		}
	}
}

// TestModelAllSequences takes every sequence of model.depth steps that can be taken.
func TestModelAllSequences(t *testing.T) {
	all := steps()
	walks := 0
	var explore func(prefix []step)
	explore = func(prefix []step) {
		var next []step
		inModel(t, 1, func(m *model) {
			m.spawn(2)
			for _, s := range prefix {
				m.take(s)
			}
			if len(prefix) < *modelDepth {
				next = slices.DeleteFunc(slices.Clone(all), func(s step) bool { return !s.can(m) })
			}
		})
		walks++
		if t.Failed() {
			t.Fatalf("the steps: %s", names(prefix))
		}
		for _, s := range next {
			explore(append(slices.Clone(prefix), s))
		}
	}
	explore(nil)
	t.Logf("%d sequences of up to %d steps", walks, *modelDepth)
}

func names(all []step) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, s.name)
	}
	return strings.Join(texts, ", ")
}

// TestModelKnownFaults takes the steps that have once broken an invariant.
func TestModelKnownFaults(t *testing.T) {
	for _, tt := range []struct{ fault, steps string }{
		{
			"counted twice: the old identity was ignored by a busy master, which read everything later",
			"1s, master busy, 4s, 1s, cut, 12s, 12s, master goes on, 4s",
		},
		{
			"never back: the connection after the first of a new identity was ignored",
			"master busy, 4s, cut, 12s, cut, 4s, cut, 4s, master goes on, 12s",
		},
		{
			"discarded: the ROUTER noticed the end of a half-open connection just before the worker joined anew",
			"half-open, 12s, 100ms, cut, 1s, 4s",
		},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			inModel(t, 1, func(m *model) {
				m.spawn(2)
				for name := range strings.SplitSeq(tt.steps, ", ") {
					i := slices.IndexFunc(steps(), func(s step) bool { return s.name == name })
					m.take(steps()[i])
				}
			})
		})
	}
}

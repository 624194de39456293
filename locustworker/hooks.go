package locustworker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/traceback"
	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// hooks call the user's events and message handlers and survive what they do.
// Safe for concurrent use.
type hooks struct {
	events []Events // one after the other
	env    *Environment
	failed atomic.Bool // a listener returned an error or panicked
}

func newHooks(e Events) *hooks { return &hooks{events: e.all()} }

// fire calls one listener of an event (mirrors EventHook.fire).
func (h *hooks) fire(name string, call func() error) {
	if err := traceback.Guard(call); err != nil {
		h.failed.Store(true)
		h.env.log.Error("uncaught error in an event listener", "event", name, "error", err)
	}
}

// each calls the listeners of an event that get nothing but the environment.
func (h *hooks) each(name string, of func(*Events) func(*Environment) error) {
	for i := range h.events {
		if f := of(&h.events[i]); f != nil {
			h.fire(name, func() error { return f(h.env) })
		}
	}
}

func (h *hooks) init() {
	h.each("init", func(e *Events) func(*Environment) error { return e.Init })
}

func (h *hooks) connected() {
	h.each("connected", func(e *Events) func(*Environment) error { return e.Connected })
}

func (h *hooks) spawning(users map[string]int) {
	for _, e := range h.events {
		if e.Spawning != nil {
			h.fire("spawning", func() error { return e.Spawning(h.env, maps.Clone(users)) })
		}
	}
}

func (h *hooks) testStart(ctx context.Context) {
	h.env.aborted.Store(false)
	for _, e := range h.events {
		if e.TestStart == nil {
			continue
		}
		h.fire("test_start", func() error {
			err := traceback.Guard(func() error { return e.TestStart(ctx, h.env) })
			if err != nil {
				h.startFailed(ctx, err)
			}
			return err
		})
	}
	if h.env.aborted.Load() {
		<-ctx.Done() // no user starts
	}
}

func (h *hooks) testStopping() {
	h.each("test_stopping", func(e *Events) func(*Environment) error { return e.TestStopping })
}

func (h *hooks) testStop() {
	h.each("test_stop", func(e *Events) func(*Environment) error { return e.TestStop })
}

func (h *hooks) spawningComplete(users int) {
	for _, e := range h.events {
		if e.SpawningComplete != nil {
			h.fire("spawning_complete", func() error { return e.SpawningComplete(h.env, users) })
		}
	}
}

// addsToReports reports whether there is a listener for reports.
func (h *hooks) addsToReports() bool {
	return slices.ContainsFunc(h.events, func(e Events) bool { return e.ReportToMaster != nil })
}

// report returns what the listeners add to a report, or nil.
func (h *hooks) report() map[string]any {
	var extra map[string]any
	for _, e := range h.events {
		if e.ReportToMaster == nil {
			continue
		}
		if extra == nil {
			extra = make(map[string]any)
		}
		before := maps.Clone(extra)
		h.fire("report_to_master", func() error {
			failed := traceback.Guard(func() error { return e.ReportToMaster(h.env, extra) })
			_, err := wire.Encode(h.env.ClientID(), wire.Stats{Total: wire.Entry{Start: time.Now()}, Extra: extra})
			if err != nil {
				extra = before // what cannot be sent must not take the samples with it
			}
			return errors.Join(failed, err)
		})
	}
	return extra
}

func (h *hooks) heartbeatReceived() {
	for _, e := range h.events {
		if e.HeartbeatReceived != nil {
			h.fire("heartbeat_received", func() error { return e.HeartbeatReceived(h.env, time.Now()) })
		}
	}
}

func (h *hooks) usage(cpuPercent float64, memoryBytes uint64) {
	for _, e := range h.events {
		if e.UsageMonitor != nil {
			h.fire("usage_monitor", func() error { return e.UsageMonitor(h.env, cpuPercent, memoryBytes) })
		}
	}
}

func (h *hooks) quitting() {
	h.each("quitting", func(e *Events) func(*Environment) error { return e.Quitting })
}

func (h *hooks) quit(c Counters) {
	for _, e := range h.events {
		if e.Quit != nil {
			h.fire("quit", func() error { return e.Quit(h.env, c) })
		}
	}
}

// request tells the listeners about a sample.
func (h *hooks) request(u *User, s Sample) {
	for i := range h.events {
		if f := h.events[i].Request; f != nil {
			h.fire("request", func() error { f(u, s); return nil })
		}
	}
}

func (h *hooks) userError(u *User, err error, trace string) {
	h.env.abort(err)
	for _, e := range h.events {
		if e.UserError != nil {
			h.fire("user_error", func() error { e.UserError(u, err, trace); return nil })
		}
	}
}

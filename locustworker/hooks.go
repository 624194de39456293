package locustworker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/wire"
)

// hooks call the user's events and message handlers and survive what they do.
// Safe for concurrent use.
type hooks struct {
	events Events
	env    *Environment
	failed atomic.Bool // a listener returned an error or panicked
}

// fire calls one event, unless it is nil (mirrors EventHook.fire).
func (h *hooks) fire(name string, set bool, call func() error) {
	if !set {
		return
	}
	if err := guard(call); err != nil {
		h.failed.Store(true)
		h.env.log.Error("uncaught error in an event listener", "event", name, "error", err)
	}
}

func (h *hooks) init() {
	h.fire("init", h.events.Init != nil, func() error { return h.events.Init(h.env) })
}

func (h *hooks) testStart(ctx context.Context) {
	h.fire("test_start", h.events.TestStart != nil, func() error { return h.events.TestStart(ctx, h.env) })
}

func (h *hooks) testStopping() {
	h.fire("test_stopping", h.events.TestStopping != nil, func() error { return h.events.TestStopping(h.env) })
}

func (h *hooks) testStop() {
	h.fire("test_stop", h.events.TestStop != nil, func() error { return h.events.TestStop(h.env) })
}

func (h *hooks) spawningComplete(users int) {
	h.fire("spawning_complete", h.events.SpawningComplete != nil, func() error { return h.events.SpawningComplete(h.env, users) })
}

// report returns what the listener adds to a report, or nil.
func (h *hooks) report() map[string]any {
	if h.events.ReportToMaster == nil {
		return nil
	}
	extra := make(map[string]any)
	h.fire("report_to_master", true, func() error {
		failed := h.events.ReportToMaster(h.env, extra)
		_, err := wire.Encode(h.env.ClientID(), wire.Stats{Total: wire.Entry{Start: time.Now()}, Extra: extra})
		if err != nil {
			clear(extra) // what cannot be sent must not take the samples with it
		}
		return errors.Join(failed, err)
	})
	return extra
}

func (h *hooks) heartbeatReceived() {
	h.fire("heartbeat_received", h.events.HeartbeatReceived != nil, func() error {
		return h.events.HeartbeatReceived(h.env, time.Now())
	})
}

func (h *hooks) usage(cpuPercent float64, memoryBytes uint64) {
	h.fire("usage_monitor", h.events.UsageMonitor != nil, func() error {
		return h.events.UsageMonitor(h.env, cpuPercent, memoryBytes)
	})
}

func (h *hooks) quitting() {
	h.fire("quitting", h.events.Quitting != nil, func() error { return h.events.Quitting(h.env) })
}

func (h *hooks) quit(c Counters) {
	h.fire("quit", h.events.Quit != nil, func() error { return h.events.Quit(h.env, c) })
}

// request tells the listener about a sample.
func (h *hooks) request(u *User, s Sample) {
	if h.events.Request == nil {
		return
	}
	h.fire("request", true, func() error { h.events.Request(u, s); return nil })
}

func (h *hooks) userError(u *User, err error, trace string) {
	h.fire("user_error", h.events.UserError != nil, func() error { h.events.UserError(u, err, trace); return nil })
}

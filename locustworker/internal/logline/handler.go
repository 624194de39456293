package logline

import (
	"context"
	"io"
	"log/slog"
	"sync"
)

// A handler writes each record with one Write to a file or a terminal. It is
// safe for concurrent use, by processes that append to one file too.
type handler struct {
	mu     *sync.Mutex // guards w
	w      io.Writer
	level  slog.Leveler
	format format
}

var _ slog.Handler = handler{}

// NewHandler returns a handler that writes records of that level and above to w,
// each with one Write. Its methods are safe for concurrent use. hostname is what
// the lines begin with, up to its first dot.
func NewHandler(w io.Writer, hostname string, level slog.Leveler) slog.Handler {
	return handler{mu: new(sync.Mutex), w: w, level: level, format: newFormat(hostname)}
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	line := h.format.record(r) + "\n"
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line)
	return err
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.format = h.format.withAttrs(attrs)
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	h.format = h.format.withGroup(name)
	return h
}

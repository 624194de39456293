package otelworker

import (
	"context"
	"errors"
	"log/slog"
)

// A tee is a log handler that has a second one for what the first takes.
type tee struct{ first, second slog.Handler }

// Enabled reports whether the first handler takes the level.
func (t tee) Enabled(ctx context.Context, level slog.Level) bool { return t.first.Enabled(ctx, level) }

// Handle hands the record to both.
func (t tee) Handle(ctx context.Context, r slog.Record) error {
	err := t.first.Handle(ctx, r)
	if t.second.Enabled(ctx, r.Level) {
		err = errors.Join(err, t.second.Handle(ctx, r.Clone()))
	}
	return err
}

// WithAttrs returns a tee whose handlers have the attributes.
func (t tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tee{t.first.WithAttrs(attrs), t.second.WithAttrs(attrs)}
}

// WithGroup returns a tee whose handlers have the group.
func (t tee) WithGroup(name string) slog.Handler {
	return tee{t.first.WithGroup(name), t.second.WithGroup(name)}
}

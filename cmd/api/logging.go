package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// logging says what is logged, and how.
type logging struct {
	level slog.Level
	json  bool
}

// newLogger makes the logger of the whole program, go-redis included.
func newLogger(w io.Writer, cfg logging) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.level}
	var handler slog.Handler = slog.NewTextHandler(w, opts)
	if cfg.json {
		handler = slog.NewJSONHandler(w, opts)
	}
	logger := slog.New(handler)
	redis.SetLogger(redisLog{logger})
	return logger
}

// redisLog gives go-redis, which has one logger for the whole process, a place below the default level: while Redis
// is down it writes a line for each request, and each of those requests has its 503 that says the same.
type redisLog struct {
	logger *slog.Logger
}

func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	if l.logger.Enabled(ctx, slog.LevelDebug) {
		l.logger.DebugContext(ctx, fmt.Sprintf(format, args...))
	}
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// newLogger makes the logger of the whole program, go-redis included.
func newLogger(w io.Writer) *slog.Logger {
	logger := slog.New(slog.NewTextHandler(w, nil))
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

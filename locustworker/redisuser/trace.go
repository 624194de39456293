package redisuser

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker"
)

// Traces are those of the samples that a command or a pipeline will make, none when no
// tracer follows requests. Redis takes no headers: its part of a trace is the span alone.
type traces []locustworker.RequestTrace

// trace begins to follow a command.
func (s *Session) trace(ctx context.Context, cmd redis.Cmder) traces {
	if !s.user.Client().Traced() {
		return nil
	}
	return traces{s.startTrace(ctx, s.name(ctx, cmd), strings.ToUpper(cmd.FullName()), 0)}
}

// tracePipeline begins to follow the commands of a pipeline or transaction: as one, or
// each, as they are recorded.
func (s *Session) tracePipeline(ctx context.Context, row string, cmds []redis.Cmder) traces {
	if !s.user.Client().Traced() {
		return nil
	}
	if !s.cfg.EachCommand {
		return traces{s.startTrace(ctx, rowOf(ctx, row), row, len(cmds))}
	}
	all := make(traces, len(cmds))
	for i, cmd := range cmds {
		all[i] = s.startTrace(ctx, s.name(ctx, cmd), strings.ToUpper(cmd.FullName()), 0)
	}
	return all
}

// startTrace begins one trace, with the attributes of OpenTelemetry's conventions for
// Redis. batch is the number of commands in a pipeline, 0 for a command.
func (s *Session) startTrace(ctx context.Context, row, operation string, batch int) locustworker.RequestTrace {
	t := s.user.Client().StartTrace(ctx, SampleType, row)
	if t == nil {
		return nil
	}
	t.Attribute("db.system.name", "redis")
	t.Attribute("db.operation.name", operation)
	t.Attribute("db.namespace", strconv.Itoa(s.dial.DB))
	if batch > 0 {
		t.Attribute("db.operation.batch.size", int64(batch))
	}
	if len(s.dial.Addrs) != 1 || s.dial.MasterName != "" || s.dial.IsClusterMode {
		return t // which server gets the command is not known yet
	}
	host, port, err := net.SplitHostPort(s.dial.Addrs[0])
	if err != nil {
		return t
	}
	t.Attribute("server.address", host)
	if n, err := strconv.ParseInt(port, 10, 64); err == nil {
		t.Attribute("server.port", n)
	}
	return t
}

// of returns the trace of a sample, or nil.
func (t traces) of(i int) locustworker.RequestTrace {
	if i < len(t) {
		return t[i]
	}
	return nil
}

// abort ends all traces without samples.
func (t traces) abort(err error) {
	for _, one := range t {
		if one != nil {
			one.Abort(err)
		}
	}
}

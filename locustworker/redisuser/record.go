package redisuser

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker"
)

// SampleType is the type of the rows.
const SampleType = "REDIS"

// The names of pipelines and transactions.
const (
	pipelineName    = "PIPELINE"
	transactionName = "MULTI"
)

type nameKey struct{}

// Name returns a context under which commands and pipelines are recorded by this name.
// Names must be few: each one is a row.
func Name(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, nameKey{}, name)
}

// A hook is how go-redis hands the session its commands.
type hook struct{ s *Session }

func (h hook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h hook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if isGreeting(ctx) {
			return next(ctx, cmd)
		}
		s := h.s
		followed := s.trace(ctx, cmd)
		c, err := s.begin(ctx)
		if c == nil {
			followed.abort(err)
			cmd.SetErr(err)
			return err
		}
		switch {
		case err != nil:
			cmd.SetErr(err)
		case c.other:
			err = c.link.client.Process(c, cmd)
		default:
			err = next(c, cmd)
		}
		r := c.finish(err)
		if err := s.unfinished(ctx, r, 1); err != nil {
			followed.abort(err)
			cmd.SetErr(err)
			return err
		}
		s.record(s.name(ctx, cmd), r, r.length, err, followed.of(0))
		return err
	}
}

func (h hook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if isGreeting(ctx) {
			return next(ctx, cmds)
		}
		s := h.s
		all, row := cmds, pipelineName
		if isTransaction(cmds) {
			cmds, row = cmds[1:len(cmds)-1], transactionName
		}
		followed := s.tracePipeline(ctx, row, cmds)
		c, err := s.begin(ctx)
		if c == nil {
			followed.abort(err)
			setErr(all, err)
			return err
		}
		switch {
		case err != nil:
			setErr(all, err)
		case c.other:
			err = c.send(cmds, row)
		default:
			err = next(c, all)
		}
		r := c.finish(err)
		if err := s.unfinished(ctx, r, s.samples(cmds)); err != nil {
			followed.abort(err)
			setErr(all, err)
			return err
		}
		s.recordPipeline(ctx, row, cmds, r, err, followed)
		return err
	}
}

// send executes a pipeline or transaction on a link of the pool.
func (c *call) send(cmds []redis.Cmder, row string) error {
	pipe := c.link.client.Pipeline()
	if row == transactionName {
		pipe = c.link.client.TxPipeline()
	}
	for _, cmd := range cmds {
		_ = pipe.Process(c, cmd) // only queues it
	}
	_, err := pipe.Exec(c)
	return err //nolint:wrapcheck // the error is go-redis's, as without a pool
}

// isTransaction tells the commands of a MULTI, which go-redis puts between two of its
// own.
func isTransaction(cmds []redis.Cmder) bool {
	return len(cmds) >= 2 && cmds[0].Name() == "multi" && cmds[len(cmds)-1].Name() == "exec"
}

func setErr(cmds []redis.Cmder, err error) {
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
}

// unfinished returns the error of a command that ended before its reply and has no
// sample: n of them were cut if any byte was sent.
func (s *Session) unfinished(ctx context.Context, r result, n int) error {
	if r.ending == notEnding || r.ending == endCancelled && r.sent {
		return nil
	}
	if r.sent {
		for range n {
			s.user.Client().Cut()
		}
	}
	return stopped(ctx)
}

// samples returns how many samples a pipeline makes.
func (s *Session) samples(cmds []redis.Cmder) int {
	if s.cfg.EachCommand {
		return len(cmds)
	}
	return 1
}

func (s *Session) record(name string, r result, length int64, err error, trace locustworker.RequestTrace) {
	s.user.Record(locustworker.Sample{
		Type: SampleType, Name: name, ResponseTime: r.took, Length: length, Err: failure(err), Trace: trace,
	})
}

// rowOf returns the name of the row of a pipeline or transaction.
func rowOf(ctx context.Context, row string) string {
	if name, ok := ctx.Value(nameKey{}).(string); ok {
		return name
	}
	return row
}

func (s *Session) recordPipeline(ctx context.Context, row string, cmds []redis.Cmder, r result, err error, followed traces) {
	if !s.cfg.EachCommand {
		if !r.broken {
			err = firstFailure(cmds)
		}
		s.record(rowOf(ctx, row), r, r.length, err, followed.of(0))
		return
	}
	share := r.length / int64(max(1, len(cmds)))
	for i, cmd := range cmds {
		length := share
		if i == 0 {
			length += r.length - share*int64(len(cmds))
		}
		s.record(s.name(ctx, cmd), r, length, cmd.Err(), followed.of(i))
	}
}

func firstFailure(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := failure(cmd.Err()); err != nil {
			return err
		}
	}
	return nil
}

// name returns the name of a command's row.
func (s *Session) name(ctx context.Context, cmd redis.Cmder) string {
	if name, ok := ctx.Value(nameKey{}).(string); ok {
		return name
	}
	if s.cfg.CommandName != nil {
		return s.cfg.CommandName(cmd)
	}
	args := cmd.Args()
	if last := s.lastName.Load(); last != nil && len(args) > 0 && args[0] == last.arg {
		return last.name
	}
	name := strings.ToUpper(cmd.FullName())
	if !slices.Contains(families, name) && !strings.Contains(name, " ") && len(args) > 0 {
		if arg, ok := args[0].(string); ok {
			s.lastName.Store(&rowName{arg, name})
		}
	}
	return name
}

// families are the commands whose second word is in the name too, as go-redis has it.
var families = []string{"CLUSTER", "COMMAND"}

// A rowName is the name of a row, and what makes it: the first argument, a string.
type rowName struct {
	arg  any
	name string
}

var errClosed = errors.New("the connection was closed before the reply")

// failure returns what a sample shows of a command's error.
func failure(err error) error {
	switch {
	case err == nil, err == redis.Nil: //nolint:errorlint // what wraps it is a failure
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return errClosed
	}
	return err
}

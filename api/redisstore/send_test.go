package redisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A batches is a hook that counts what was sent alone and in pipelines, and holds the first command back until it is
// released.
type batches struct {
	held     chan struct{} // closed when the first command is on its way
	release  chan struct{}
	once     sync.Once
	mu       sync.Mutex
	alone    int
	together []int // commands of each pipeline
}

func (b *batches) DialHook(next redis.DialHook) redis.DialHook { return next }

func (b *batches) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "incr" {
			b.mu.Lock()
			b.alone++
			b.mu.Unlock()
			b.once.Do(func() {
				close(b.held)
				<-b.release
			})
		}
		return next(ctx, cmd)
	}
}

func (b *batches) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "incr" {
			b.mu.Lock()
			b.together = append(b.together, len(cmds))
			b.mu.Unlock()
		}
		return next(ctx, cmds)
	}
}

// What comes while a command is on its way is one pipeline, of no more than maxBatch commands. Each command is executed
// once, and each caller gets its own reply.
func TestCommandsShareAPipeline(t *testing.T) {
	const callers = maxBatch + 20
	client := redis.NewClient(&redis.Options{Addr: shared.Addr, Protocol: 2, PoolSize: 2})
	defer client.Close()
	b := &batches{held: make(chan struct{}), release: make(chan struct{})}
	client.AddHook(b)
	s := newSender(client)
	incr := func(ctx context.Context, i int) error {
		cmd := redis.NewIntCmd(ctx, "incr", fmt.Sprint(t.Name(), i))
		if err := s.send(ctx, onceInt{cmd}, 0); err != nil || cmd.Val() != 1 {
			return fmt.Errorf("caller %d got %d, %w", i, cmd.Val(), err)
		}
		return nil
	}
	faults := make([]error, callers+1)
	var done sync.WaitGroup
	done.Go(func() { faults[callers] = incr(t.Context(), callers) })
	<-b.held
	ended, cancel := context.WithCancel(t.Context())
	for i := range callers {
		ctx := t.Context()
		if i == 0 {
			ctx = ended // it sends for others: its end is not theirs
		}
		done.Go(func() { faults[i] = incr(ctx, i) })
		for queued := 0; queued <= i; { // one after the other, so that the first is the first
			s.mu.Lock()
			queued = len(s.queue)
			s.mu.Unlock()
		}
	}
	cancel()
	close(b.release)
	done.Wait()
	if err := errors.Join(faults...); err != nil {
		t.Error(err)
	}
	if b.alone != 1 || len(b.together) != 2 || b.together[0] != maxBatch || b.together[1] != callers-maxBatch {
		t.Errorf("%d commands alone, pipelines of %v", b.alone, b.together)
	}
	if s.sending || len(s.queue) > 0 {
		t.Errorf("nobody is there, but somebody sends (%v), or waits (%d)", s.sending, len(s.queue))
	}
	if err := incr(ended, callers+1); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

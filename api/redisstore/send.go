package redisstore

import (
	"context"
	"fmt"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	// maxPipelined is the largest argument in bytes that shares a pipeline, where others would wait for it.
	maxPipelined = 128 << 10

	maxBatch = 300
)

// sender sends commands: those of callers at the same time as one pipeline, in the goroutine of one of them. A pipeline has
// what came while the one before was on its way. Nobody waits for others to come, and no further goroutine is woken: by
// `make bench-api` that costs less than go-redis's AutoPipeliner with 32 to 256 callers, and less than a connection for each
// with 8. go-redis retries no command: see once.
type sender struct {
	client redis.UniversalClient
	idle   sync.Pool // of *waiting

	mu      sync.Mutex
	sending bool // a caller is
	queue   []*waiting
	spare   []*waiting // empty, for the next queue
}

// waiting is a caller whose command is in the queue, or on its way. turn gets true when it is to send the queue, and
// false when its command has its reply.
type waiting struct {
	cmd  redis.Cmder
	turn chan bool
}

func newSender(client redis.UniversalClient) *sender {
	return &sender{client: client, idle: sync.Pool{New: func() any { return &waiting{turn: make(chan bool, 1)} }}}
}

// send blocks until cmd has its reply, whose largest argument has size bytes. In a pipeline that is after the replies
// to the pipeline before, so the timeouts count twice, and a context that ends meanwhile ends nothing.
func (s *sender) send(ctx context.Context, cmd redis.Cmder, size int) error {
	if size > maxPipelined {
		return s.client.Process(ctx, cmd)
	}
	if err := ctx.Err(); err != nil {
		cmd.SetErr(fmt.Errorf("redisstore: %w", err))
		return cmd.Err()
	}
	own, _ := s.idle.Get().(*waiting)
	own.cmd = cmd
	if s.enqueue(own) {
		s.sendQueue(ctx, own)
	}
	own.cmd = nil
	s.idle.Put(own)
	return cmd.Err()
}

// enqueue returns true when it is the caller's turn to send the queue, which it is part of, and false when somebody
// else has sent its command.
func (s *sender) enqueue(own *waiting) bool {
	s.mu.Lock()
	s.queue = append(s.queue, own)
	if !s.sending {
		s.sending = true
		s.mu.Unlock()
		return true
	}
	s.mu.Unlock()
	return <-own.turn
}

// sendQueue sends what is in the queue, first of all the caller's own command, and gives the turn to who came meanwhile.
func (s *sender) sendQueue(ctx context.Context, own *waiting) {
	s.mu.Lock()
	batch := s.queue
	s.queue, s.spare = s.spare, nil
	if n := min(len(batch), maxBatch); n < len(batch) {
		s.queue = append(s.queue, batch[n:]...)
		batch = batch[:n]
	}
	s.mu.Unlock()
	defer s.next(batch, own)
	if len(batch) == 1 {
		_ = s.client.Process(ctx, own.cmd) // the command has the error
		return
	}
	ctx = context.WithoutCancel(ctx)
	pipe := s.client.Pipeline()
	for _, w := range batch {
		_ = pipe.Process(ctx, w.cmd) // only queues it
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
}

// next wakes the callers of a batch, but for the one that has sent it, and lets the first of the queue send, if there is
// one.
func (s *sender) next(batch []*waiting, own *waiting) {
	s.mu.Lock()
	if s.sending = len(s.queue) > 0; s.sending {
		s.queue[0].turn <- true
	}
	s.mu.Unlock()
	for _, w := range batch {
		if w != own {
			w.turn <- false
		}
	}
	clear(batch)
	s.mu.Lock()
	s.spare = batch[:0]
	s.mu.Unlock()
}

// The once types are commands that are sent at most once, whatever happens: without them a cluster client sends again
// what it got no reply to. It still follows redirections, which say that nothing was executed.
type (
	onceString struct{ *redis.StringCmd }
	onceSlice  struct{ *redis.SliceCmd }
	onceStatus struct{ *redis.StatusCmd }
	onceInt    struct{ *redis.IntCmd }
	onceAny    struct{ *redis.Cmd }
)

func (onceString) NoRetry() bool { return true }
func (onceSlice) NoRetry() bool  { return true }
func (onceStatus) NoRetry() bool { return true }
func (onceInt) NoRetry() bool    { return true }
func (onceAny) NoRetry() bool    { return true }

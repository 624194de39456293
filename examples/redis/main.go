// Command redis tests a Redis: users read and write counters, and read several keys
// in one pipeline.
package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/bandwing/bandwing/locustworker"
	"github.com/bandwing/bandwing/locustworker/redisuser"
)

// A counter is one user: all commands of go-redis, each recorded.
type counter struct {
	*redisuser.Session
	u *locustworker.User
}

func (c *counter) key() string { return fmt.Sprintf("example:%d", c.u.Rand().IntN(100)) }

// A command that failed was recorded. Quiet drops its error, so that the task is no
// exception as well.
func (c *counter) count(ctx context.Context) error {
	return redisuser.Quiet(c.Incr(ctx, c.key()).Err())
}

func (c *counter) read(ctx context.Context) error {
	return redisuser.Quiet(c.Get(ctx, c.key()).Err())
}

// readSeveral is one sample of the name "read 10", not one for each GET.
func (c *counter) readSeveral(ctx context.Context) error {
	_, err := c.Pipelined(redisuser.Name(ctx, "read 10"), func(p redis.Pipeliner) error {
		for range 10 {
			p.Get(ctx, c.key())
		}
		return nil
	})
	return redisuser.Quiet(err)
}

func main() {
	newCounter := func(u *locustworker.User) (*counter, error) {
		s, err := redisuser.New(u, redisuser.Config{}) // the server is the host: -H redis://127.0.0.1:6379
		return &counter{s, u}, err
	}
	locustworker.Main(locustworker.NewClass("Counter", newCounter).
		Wait(locustworker.ConstantThroughput(20)). // tasks a second of each user
		Task("count", 2, (*counter).count).
		Task("read", 5, (*counter).read).
		Task("readSeveral", 1, (*counter).readSeveral))
}

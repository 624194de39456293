// Command grpc tests a gRPC service: an interceptor records each call, so that tasks
// are plain calls of the generated client. The service here is that of health checks.
package main

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/bandwing/bandwing/locustworker"
)

// A caller is one user with a connection of its own.
type caller struct {
	*locustworker.User
	conn   *grpc.ClientConn
	health health.HealthClient
}

func newCaller(u *locustworker.User) (*caller, error) {
	c := &caller{User: u}
	var err error
	c.conn, err = grpc.NewClient(strings.TrimPrefix(u.Host(), "http://"),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(c.record))
	if err != nil {
		return nil, err
	}
	c.health = health.NewHealthClient(c.conn)
	return c, nil
}

func (c *caller) OnStop(context.Context) error { return c.conn.Close() }

// record times each call. The row is the method's name, a failure the status's code
// with its text. A call that is on its way when the user is stopped gets the drain
// timeout, so that it is counted too.
func (c *caller) record(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if ctx.Err() != nil {
		return ctx.Err() // nothing was sent
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(c.Client().DrainTimeout(), cancel) })
	defer stop()
	start := time.Now()
	err := invoke(limited, method, req, reply, conn, opts...)
	if limited.Err() != nil && ctx.Err() != nil {
		c.Client().Cut()
		return ctx.Err()
	}
	sample := locustworker.Sample{Type: "GRPC", Name: method, ResponseTime: time.Since(start), Err: err}
	if m, ok := reply.(proto.Message); ok && err == nil {
		sample.Length = int64(proto.Size(m))
	}
	c.Record(sample)
	return err
}

// check makes a call. One that failed was recorded, so it is no exception as well.
func (c *caller) check(ctx context.Context) error {
	_, err := c.health.Check(ctx, &health.HealthCheckRequest{Service: "shop"})
	if _, recorded := status.FromError(err); recorded {
		return nil
	}
	return err
}

func main() {
	locustworker.Main(locustworker.NewClass("Caller", newCaller).
		Wait(locustworker.Constant(20*time.Millisecond)).
		Task("check", 1, (*caller).check))
}

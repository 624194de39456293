package uplink

import (
	"context"
	"encoding/hex"
	"os"

	"github.com/google/uuid"

	"github.com/bandwing/bandwing/locustworker/internal/transport"
)

// A Conn is one connection to the master; [transport.Conn] says what its methods
// do. Frames arrive in the order they were sent. Send and Recv fail for ever once
// the connection is lost.
type Conn interface {
	Send(frame []byte) error
	Sent() int64
	Acked() (n int64, ok bool)
	InFlight() (n int64, ok bool)
	Recv() ([]byte, error)
	Close() error
	Abort() error
}

// A DialFunc connects to the master under an identity. It blocks until the
// connection can carry frames or ctx ends.
type DialFunc func(ctx context.Context, addr, identity string) (Conn, error)

// Dial connects over TCP.
func Dial(ctx context.Context, addr, identity string) (Conn, error) {
	c, err := transport.Dial(ctx, addr, identity)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// NewIdentity returns a name for a worker that no other has. It mirrors
// WorkerRunner.__init__: the master takes what stands before the first underscore
// as the machine's name.
func NewIdentity() string {
	id := uuid.New()
	return Hostname() + "_" + hex.EncodeToString(id[:])
}

// Hostname returns the machine's name, or "unknown-host".
func Hostname() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "unknown-host"
	}
	return host
}

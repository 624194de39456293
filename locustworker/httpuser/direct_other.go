//go:build !unix

package httpuser

import (
	"net"
	"syscall"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// Sockets are only reached through net.Conn, and cannot be looked at before they
// are used.

func rawConn(net.Conn) syscall.RawConn { return nil }

func readable(syscall.RawConn) bool { return false }

type direct struct {
	step  func(fd uintptr) bool
	state directState
	out   []byte
	in    *http1.Reader
	sent  bool
	err   error
}

type directState uint8

const (
	probing directState = iota
	sending
	blocked
	awaited
	received
	unclean
	failed
)

func (d *direct) next(uintptr) bool { return true }

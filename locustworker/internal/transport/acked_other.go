//go:build !linux

package transport

import (
	"net"
	"syscall"
	"time"
)

// unacknowledged knows nothing: only Linux tells.
func unacknowledged(net.Conn) (n int64, ok bool) { return 0, false }

// unsent knows nothing: only Linux tells.
func unsent(net.Conn) (n int64, ok bool) { return 0, false }

// limitSilence leaves it to the system how long written bytes may stay
// unacknowledged.
func limitSilence(syscall.RawConn, time.Duration) {}

//go:build !linux

package transport

import "net"

// unacknowledged knows nothing: only Linux tells.
func unacknowledged(net.Conn) (n int64, ok bool) { return 0, false }

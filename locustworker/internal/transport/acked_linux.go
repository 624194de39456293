package transport

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// unacknowledged returns how many written bytes the peer's TCP has not
// acknowledged yet (a FIN counts as one), also after the connection broke.
func unacknowledged(nc net.Conn) (n int64, ok bool) {
	sc, isSocket := nc.(syscall.Conn)
	if !isSocket {
		return 0, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, false
	}
	var queued int
	var failed error
	err = raw.Control(func(fd uintptr) {
		queued, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return int64(queued), err == nil && failed == nil
}

package transport

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unacknowledged returns how many written bytes the peer's TCP has not
// acknowledged yet (a FIN counts as one), also after the connection broke.
func unacknowledged(nc net.Conn) (n int64, ok bool) { return queueLength(nc, unix.SIOCOUTQ) }

// unsent returns how many of them this machine has not sent even once, because
// the peer's receive window is full.
func unsent(nc net.Conn) (n int64, ok bool) { return queueLength(nc, unix.SIOCOUTQNSD) }

func queueLength(nc net.Conn, request uint) (n int64, ok bool) {
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
		queued, failed = unix.IoctlGetInt(int(fd), request)
	})
	return int64(queued), err == nil && failed == nil
}

// limitSilence makes the system end the connection when written bytes stay
// unacknowledged for d (TCP_USER_TIMEOUT, RFC 5482). Systems that refuse go by
// their own limit.
func limitSilence(raw syscall.RawConn, d time.Duration) {
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}

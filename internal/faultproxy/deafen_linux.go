package faultproxy

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// deafen makes the kernel drop whatever arrives for a connection, and so acknowledge nothing, as if the machine were
// gone: with a socket filter that keeps no byte. What had arrived before can be read.
func deafen(c net.Conn) error {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("faultproxy: %T is no TCP connection", c)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	if err = errors.Join(err, failed); errors.Is(err, net.ErrClosed) {
		return nil // the connection has ended meanwhile
	}
	return err
}

package e2e

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// deafen makes the kernel drop whatever arrives at a socket, and so acknowledge
// nothing, as if the machine were gone: with a socket filter that keeps no byte. What
// had arrived before can be read.
func deafen(t *testing.T, socket any) { filter(t, socket, unix.SO_ATTACH_FILTER) }

// hear ends deafen.
func hear(t *testing.T, socket any) { filter(t, socket, unix.SO_DETACH_FILTER) }

func filter(t *testing.T, socket any, option int) {
	t.Helper()
	var raw interface {
		Control(f func(fd uintptr)) error
	}
	var err error
	switch s := socket.(type) {
	case *net.TCPConn:
		raw, err = s.SyscallConn()
	case *net.TCPListener:
		raw, err = s.SyscallConn()
	default:
		t.Fatalf("%T is no TCP socket", socket)
	}
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, option, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	if err != nil || failed != nil {
		t.Errorf("socket filter: %v, %v", err, failed)
	}
}

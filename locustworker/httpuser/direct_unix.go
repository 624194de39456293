//go:build unix

package httpuser

import (
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/bandwing/bandwing/locustworker/httpuser/internal/http1"
)

// rawConn gives access to the socket of a TCP connection, or nil.
func rawConn(c net.Conn) syscall.RawConn {
	tc, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	rc, err := tc.SyscallConn()
	if err != nil {
		return nil
	}
	return rc
}

// readable reports whether there is anything to read, or an end.
func readable(rc syscall.RawConn) bool {
	var one [1]byte
	found := true
	err := rc.Control(func(fd uintptr) { found = !nothing(int(fd), one[:]) })
	return found || err != nil
}

func nothing(fd int, one []byte) bool {
	for {
		_, err := syscall.Read(fd, one)
		if !errors.Is(err, syscall.EINTR) {
			return errors.Is(err, syscall.EAGAIN)
		}
	}
}

// A direct exchange looks at a connection, sends a request and takes the first
// bytes of its answer in one call of the socket: three system calls, of which the
// first finds a connection that is not clean. Through net.Conn there would be as
// many, the first of them in vain.
type direct struct {
	step  func(fd uintptr) bool // (*direct).next, made once
	state directState
	out   []byte // what is left to send
	in    *http1.Reader
	sent  bool
	err   error
	one   [1]byte
}

type directState uint8

const (
	probing  directState = iota
	sending              // while out goes into the socket's buffer
	blocked              // because that is full
	awaited              // the answer
	received             // the first bytes of it
	unclean              // there was something to read before
	failed               // with err
)

// next is called when the socket may be ready. It reports whether it is done.
func (d *direct) next(fd uintptr) bool {
	for {
		switch d.state {
		case probing:
			if d.state = sending; !nothing(int(fd), d.one[:]) {
				d.state = unclean
			}
		case sending:
			n, err := syscall.Write(int(fd), d.out)
			if n > 0 {
				d.sent = true
				d.out = d.out[n:]
			}
			switch {
			case len(d.out) == 0:
				d.state = awaited
				return false
			case errors.Is(err, syscall.EAGAIN):
				d.state = blocked
			case err != nil && !errors.Is(err, syscall.EINTR):
				d.state, d.err = failed, err
			}
		case awaited:
			if again := d.receive(int(fd)); again {
				return false
			}
		default:
			return true
		}
	}
}

// receive reads once. It reports whether there was nothing yet.
func (d *direct) receive(fd int) (again bool) {
	space, err := d.in.Space(http1.BufferSize)
	if err != nil {
		d.state, d.err = failed, err
		return false
	}
	n, err := syscall.Read(fd, space)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return true
	case errors.Is(err, syscall.EINTR):
	case err != nil:
		d.state, d.err = failed, err
	case n == 0:
		d.state, d.err = failed, io.EOF
	default:
		d.in.Filled(n)
		d.state = received
	}
	return false
}

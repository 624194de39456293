package locustworker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

type clientError string

func (e clientError) Error() string { return string(e) }

func (e clientError) NetworkError() {}

// What an author of a test wrote stays as it is, whatever numbers are in it; what
// the network says does not make a row for each port.
func TestRowTexts(t *testing.T) {
	refused := &net.OpError{
		Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 54321}, Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 80},
		Err: os.NewSyscallError("read", syscall.ECONNRESET),
	}
	const masked = "read tcp <ip>:<port>-><ip>:80: read: connection reset by peer"
	long := "key 12345678 " + strings.Repeat("x", maxErrorText)
	for _, c := range []struct {
		err         error
		want, exact string
	}{
		{errors.New("errcode 400001"), "errcode 400001", "errcode 400001"},
		{errors.New("no user at 10.0.0.1:54321"), "no user at 10.0.0.1:54321", "no user at 10.0.0.1:54321"},
		{fmt.Errorf("order 1234567: %w", errors.New("gone")), "order 1234567: gone", "order 1234567: gone"},
		{refused, masked, refused.Error()},
		{fmt.Errorf("step 400001: %w", refused), "step 400001: " + refused.Error(), "step 400001: " + refused.Error()},
		{clientError("no answer from 10.0.0.1:54321"), "no answer from <ip>:<port>", "no answer from 10.0.0.1:54321"},
		{errors.New(long), "key <n> " + strings.Repeat("x", maxErrorText-11) + "…", long[:maxErrorText-3] + "…"},
		{errors.New("bad \xff byte"), "bad \uFFFD byte", "bad \uFFFD byte"},
	} {
		if got := rowText(c.err, false); got != c.want {
			t.Errorf("%.60v: %q, want %q", c.err, got, c.want)
		}
		if got := rowText(c.err, true); got != c.exact {
			t.Errorf("%.60v, exact: %q, want %q", c.err, got, c.exact)
		}
	}
}

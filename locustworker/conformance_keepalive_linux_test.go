package locustworker

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bandwing/bandwing/locustworker/internal/uplink"
	"github.com/bandwing/bandwing/locustworker/mastertest"
)

// Item T10 of the conformance list: the system says which timer a connection has.
//
// Conformance: T10
func TestConformanceKeepalive(t *testing.T) {
	master := mastertest.New(t)
	c, err := uplink.Dial(t.Context(), master.Addr(), uplink.NewIdentity())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_, port, err := net.SplitHostPort(master.Addr())
	if err != nil {
		t.Fatal(err)
	}
	const keepalive = 2 // timer_active of /proc/net/tcp; a retransmission is 1
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		timer, ticks := timerTowards(t, port)
		if timer == keepalive && ticks > 25*100 && ticks <= 30*100 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the connection's timer is %d, due in %d ticks of 10ms; want %d within 30s", timer, ticks, keepalive)
		}
	}
}

// timerTowards returns the timer of the connection to that port of this machine,
// and in how many ticks it is due.
func timerTowards(t *testing.T, port string) (timer, ticks int64) {
	t.Helper()
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // sl local rem st queues tr:when …
		const established = "01"       // an old connection may have had the port at its other end
		if len(fields) < 6 || fields[3] != established || !strings.HasSuffix(fields[2], fmt.Sprintf(":%04X", number)) {
			continue
		}
		active, when, _ := strings.Cut(fields[5], ":")
		timer, err1 := strconv.ParseInt(active, 16, 64)
		ticks, err2 := strconv.ParseInt(when, 16, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("cannot read %q", line)
		}
		return timer, ticks
	}
	return 0, 0
}
